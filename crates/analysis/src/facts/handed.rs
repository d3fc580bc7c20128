//! Functions that are handed over with their arguments, to be called by somebody else.
//!
//! In: a call such as `atexit.register(exec, text)`, `Thread(target=urlopen, args=(url,))`, `reduce(apply, [f, g], x)`.
//! Out: the same facts as if the file had called them itself. Nothing is called more often than it is handed over.

use super::bits::{Deeds, Effects, Signs, Taint};
use super::builder::{Argument, Builder};
use super::links::LOCAL;
use super::value::{Constant, Value};
use super::{Mention, Place, api};
use crate::language::Language;

/// Functions of one chain that are followed.
const MAX_CHAIN: usize = 32;

impl<'a> Builder<'a> {
    /// Calls what a call with [`Effects::RUNS`] is given: a function of this file or of another, or an API that does
    /// something by itself. What that yields.
    pub(super) fn call_handed(&mut self, arguments: &[Argument<'a>], place: Place) -> Taint {
        let acts = |value: &Value<'a>| {
            let effects = value.path.as_deref().map_or(Effects::NONE, api::effects);
            let local = value.function.is_some() || value.path.as_deref().is_some_and(|path| path.starts_with(LOCAL));
            local || !effects.is_empty() && !effects.any(Effects::RUNS)
        };
        let Some(at) = arguments.iter().take(4).position(|argument| acts(&argument.value)) else { return Taint::NONE };
        let callee = arguments[at].value.clone();
        let named = |name: &str| arguments.iter().find(|argument| argument.name.as_deref() == Some(name));
        let positional = |value: &Value<'a>| Argument { name: None, value: value.clone() };
        let given: Vec<Argument<'a>> = match (named("args"), &arguments[at + 1..]) {
            (Some(list), _) => list.value.items().iter().map(positional).collect(),
            // `Timer(2, f, [a, b])`
            (None, [only]) if !only.value.items().is_empty() => only.value.items().iter().map(positional).collect(),
            // What follows a function and a delay.
            (None, [delay, rest @ ..]) if matches!(delay.value.constant, Constant::Number(_)) => rest.to_vec(),
            (None, rest) => rest.to_vec(),
        };
        let more =
            named("kwargs").map(|fields| Argument { name: None, value: Value::tainted(fields.value.whole_taint()) });
        let given: Vec<Argument<'a>> = given.into_iter().chain(more).collect();
        match callee.function {
            Some(function) => {
                self.give(function, 0, &given);
                self.learned.functions.get_mut(function as usize).map_or(Taint::NONE, |function| {
                    function.ask();
                    function.result.taint.concrete()
                })
            }
            None => self.call(callee, given, Taint::NONE, place).taint,
        }
    }

    /// Whoever watches the user hands what it sees to the functions that it is given: `Listener(on_press=self.key)`.
    pub(super) fn give_watched(&mut self, arguments: &[Argument<'a>]) {
        for callback in arguments.iter().map(|argument| &argument.value) {
            if let Some(function) = callback.function {
                let value = Argument { name: None, value: Value::tainted(Taint::WATCHED) };
                let bound = self.language == Language::Python && callback.class.is_some();
                self.give(function, usize::from(bound), &[value]);
            }
        }
    }

    /// The same of functions in a list of arguments, which were read before it was known what would call them:
    /// `Reflect.apply(get, https, [url, (answer) => ..])`.
    pub fn give_answer(&mut self, callee: &Value<'a>, arguments: &[Argument<'a>]) {
        let taint = self.given_to_callback(callee, None, arguments);
        for function in arguments.iter().filter_map(|argument| argument.value.function).filter(|_| !taint.is_empty()) {
            self.give(function, 0, &[Argument { name: None, value: Value::tainted(taint) }]);
        }
    }

    /// What a call of this name will yield, where it connects to somebody.
    pub fn connection(&self, path: &str) -> Option<Value<'a>> {
        api::effects(path).any(Effects::NET).then(|| self.joined_call(path)).flatten().map(Value::at_path)
    }

    /// `socket.onmessage = f`: what the connection says is handed to the function.
    pub fn hears(&mut self, object: &Value<'a>, name: &str, value: &Value<'a>) {
        let connected = |path: &str| {
            let made = path.strip_suffix("()").unwrap_or(path);
            path.ends_with("()") && (api::effects(made).any(Effects::NET) || made.ends_with("XMLHttpRequest"))
        };
        // `window.onload = f`: a page does that as soon as it is there.
        if let Some(function) = value.function.filter(|_| matches!(name, "onload" | "onpageshow"))
            && matches!(object.path.as_deref(), Some("window" | "document" | "self" | "globalThis"))
        {
            self.runs(function);
        }
        if let Some(function) = value.function.filter(|_| name.starts_with("on"))
            && object.path.as_deref().is_some_and(connected)
        {
            self.runs(function);
            let taint = object.taint.and(Taint::ADDRESS | Taint::NAMED_HOST) | Taint::REMOTE;
            self.give(function, 0, &[Argument { name: None, value: Value::tainted(taint) }]);
        }
    }

    /// `reduce(lambda value, f: f(value), [f, g], start)`: each function of the list gets what the one before yields.
    pub(super) fn call_chain(&mut self, arguments: &[Argument<'a>], place: Place) -> Option<Value<'a>> {
        let [_, list, start, ..] = arguments else { return None };
        let functions = list.value.items();
        let callable = |value: &Value<'a>| value.path.is_some() || value.function.is_some();
        if functions.is_empty() || functions.len() > MAX_CHAIN || !functions.iter().all(callable) {
            return None;
        }
        let mut value = start.value.clone();
        for function in functions {
            value = self.call(function.clone(), vec![Argument { name: None, value }], Taint::NONE, place);
        }
        Some(value)
    }

    /// Looks at what came out of a decoder: an address that nobody should read, or another text of interest.
    pub(super) fn look_at_decoded(&mut self, constant: &Constant<'a>, place: Place) -> Taint {
        let Constant::Text(text) = constant else { return Taint::NONE };
        if text.len() > MAX_LOOKED {
            return Taint::NONE;
        }
        let text = *text;
        // A command line that nobody should read either.
        if text.contains(' ') {
            let deeds = super::deeds_of_text(&text).and(Deeds::RUNS_DOWNLOAD | Deeds::REMOTE_SHELL);
            if !deeds.is_empty() {
                self.deed(deeds | Deeds::ENCODED, place);
            }
        }
        if is_remote_address(&text) {
            let what = "an address that an encoding hides";
            self.mention(Mention { taint: Taint::NONE, signs: Signs::HIDDEN_ADDRESS, what, place });
        }
        self.taint_of_text(&text, place)
    }
}

/// Bytes of a decoded text that is looked at; a longer one is no address and no command line.
const MAX_LOOKED: usize = 4 << 10;

/// True for an address of a host on the network: `https://host/path`, not of this machine.
pub(super) fn is_remote_address(text: &str) -> bool {
    let schemes = ["https://", "http://", "wss://", "ws://"];
    let Some(rest) = schemes.into_iter().find_map(|scheme| text.strip_prefix(scheme)) else { return false };
    let host = &rest[..rest.find(['/', ':', '?', '#']).unwrap_or(rest.len())];
    let named =
        host.len() >= 4 && host.contains('.') && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    named && !host.starts_with("127.") && host != "0.0.0.0" && !text.contains(char::is_whitespace)
}
