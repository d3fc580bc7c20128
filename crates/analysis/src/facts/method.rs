//! What a call of a method does and yields beside what the table of APIs says of it: what the receiver is counts as well.

use super::bits::{Effects, Taint};
use super::builder::{Argument, Builder};
use super::expression::{filled, union};
use super::laid_out::packs;
use super::told::{READS, WHOLE, cuts_host, hidden, is_proof, loads_key, names_codec, takes_in};
use super::value::{Constant, Value};
use super::yields::results;
use super::{Place, api, fold, personal};
use crate::language::Language;

impl<'a> Builder<'a> {
    /// `receiver.name(arguments)`.
    pub fn call_method(
        &mut self,
        receiver: Value<'a>,
        key: &str,
        arguments: Vec<Argument<'a>>,
        place: Place,
    ) -> Value<'a> {
        if let Constant::Text(text) = &receiver.constant {
            self.budget = self.budget.saturating_sub(text.len() / 4);
        }
        if let ("includes" | "startsWith" | "startswith" | "endsWith" | "endswith", [first, ..]) = (key, &*arguments) {
            self.compares(&receiver, &first.value);
        }
        // `table.get(name)`, a dictionary's.
        if let ("get", Constant::Record(_), [first, ..]) = (key, &receiver.constant, &*arguments) {
            let mut value = self.index(&receiver, &first.value, place);
            if let Some(default) = arguments.get(1) {
                value.taint |= default.value.whole_taint();
            }
            return value;
        }
        let constant = match receiver.constant {
            Constant::Text(_) | Constant::List(_) => self.pay(|arena| {
                let plain: Vec<&Value<'a>> = arguments.iter().map(|argument| &argument.value).collect();
                fold::method(arena, &receiver, key, &plain)
            }),
            _ => Constant::Unknown,
        };
        if !matches!(constant, Constant::Unknown) {
            let mut taint = receiver.taint | union(arguments.iter().map(|argument| &argument.value));
            if let (Constant::Text(text), "join" | "replace" | "replaceAll" | "concat") = (&constant, key) {
                let text = *text;
                taint |= self.taint_of_text(&text, place);
                if key == "join" && cuts_host(&receiver, &arguments, &text) {
                    taint |= Taint::DECODED | self.look_at_decoded(&Constant::Text(text), place);
                }
            }
            let letters = |value: &Value<'a>| value.items().iter().filter(|i| i.taint.any(Taint::CHARACTER)).count();
            let listed = letters(&receiver) + arguments.first().map_or(0, |argument| letters(&argument.value));
            if key == "join" && listed > 1 {
                taint |= Taint::DECODED;
            }
            // `"...".decode("hex")`
            if matches!(key, "decode" | "encode") && arguments.first().is_some_and(|a| names_codec(&a.value)) {
                taint |= Taint::DECODED | hidden(&receiver);
            }
            return Value { constant, taint, ..Value::default() };
        }
        if key == "joinpath" && receiver.path.as_deref().is_some_and(|path| path.starts_with("pathlib.")) {
            let parts: Vec<&Value<'a>> =
                std::iter::once(&receiver).chain(arguments.iter().map(|argument| &argument.value)).collect();
            let taint = union(parts.iter().copied());
            return self.joined_path("pathlib.Path", &parts, taint, place);
        }
        let pieced = if key == "join" { self.joined_by(&receiver, &arguments, place) } else { Taint::NONE };
        if matches!(key, "then" | "catch" | "finally" | "forEach" | "map" | "on" | "once") {
            self.run_arguments(&arguments);
        }
        let javascript = self.language != Language::Python;
        if javascript
            && matches!(key, "call" | "apply" | "bind")
            && (receiver.path.is_some() || receiver.function.is_some())
        {
            let arguments = self.spread_apply(key, arguments);
            return match key {
                "bind" if arguments.is_empty() => receiver,
                "bind" => {
                    self.call(receiver.clone(), arguments, Taint::NONE, place);
                    receiver
                }
                _ => self.call(receiver, arguments, Taint::NONE, place),
            };
        }
        if key == "pipe" && (self.connected || receiver.taint.any(Taint::REMOTE)) {
            for argument in &arguments {
                if let Some(origin) = argument.value.origin {
                    self.note_download(&origin, receiver.taint | Taint::REMOTE);
                }
            }
        }
        if key == "pipe" {
            self.pipes(&receiver, &arguments, place);
        }
        let mut callee = self.member(&receiver, key, place);
        if let Some(class) = receiver.class.filter(|_| callee.function.is_none()) {
            self.runs_coming(class, key);
        }
        let taint = receiver.whole_taint();
        // What a connection handed over is told something: `connect(.., (error, stream) => stream.end(text))`.
        let told_back = taint.any(Taint::REMOTE)
            && receiver.path.is_none()
            && receiver.class.is_none()
            && callee.is_unknown_but_tainted()
            && matches!(key, "write" | "end" | "send" | "emit")
            && union(arguments.iter().map(|argument| &argument.value)).any(Taint::HELD);
        if told_back {
            callee.path = Some("net.Socket().write".into());
        }
        if loads_key(key)
            && let Some(first) = arguments.first()
        {
            let key = first.value.clone();
            self.grow(&key, Taint::KEY);
            self.grow_parameters(key.taint, Taint::KEY);
        }
        // `part.copy(buffer, at)`: bytes go from one buffer into another.
        if key == "copy"
            && receiver.path.is_none()
            && !taint.is_empty()
            && let [target, ..] = &*arguments
        {
            let target = target.value.clone();
            self.grow(&target, taint);
        }
        let put_together = match receiver.as_text() {
            Some(text) if key == "format" => filled(text),
            _ if key == "join" && arguments.iter().any(|a| a.value.taint.any(Taint::CHARACTER)) => Taint::DECODED,
            _ => Taint::NONE,
        };
        let takes = |path: Option<&str>| match path {
            None => true,
            // An object of somebody else's class, such as a form.
            Some(path) => path.contains("()") && api::effects(path).is_empty(),
        };
        if takes_in(key) && takes(callee.path.as_deref()) {
            let mut added = union(arguments.iter().map(|argument| &argument.value));
            // Who puts a file into an archive puts in what it holds.
            if receiver.path.as_deref().is_some_and(packs) {
                added = added.without(Taint::CREDENTIAL_PATH)
                    | results(Effects::READ, added).and(Taint::HELD | Taint::FILE);
            }
            self.grow(&receiver, added);
        }
        let writes = || callee.path.as_deref().is_some_and(|path| api::effects(path).any(Effects::WRITE));
        let written = union(arguments.iter().map(|argument| &argument.value));
        // What another file of the package yields may have come over the network.
        let remote = written.any(Taint::REMOTE) || written != written.concrete();
        // `fs.writeFileSync(..)` is written to no file called `fs`.
        let handle = receiver.path.as_deref().is_none_or(|path| path.ends_with("()"));
        if let Some(origin) = receiver.origin.filter(|_| handle && writes()) {
            if remote || written.any(Taint::DECODED | Taint::HIDDEN | Taint::OWN | Taint::HELD) {
                self.note_download(&origin, written);
            }
            if let Some(argument) = arguments.first() {
                self.note_written(&origin, &argument.value, place);
            }
        }
        // `parser.read("~/.pypirc")`: the object then holds what the file holds.
        if written.any(Taint::CREDENTIAL_PATH) && receiver.origin.is_some() && READS.contains(&key) && !writes() {
            self.grow(&receiver, Taint::CREDENTIAL);
        }
        // `os.environ.get("A")` is one variable, not the whole of it.
        let receiver_taint = if WHOLE.contains(&key) { taint } else { receiver.taint };
        // A text of the source whose letters a function replaces is taken apart by that function.
        let rewritten = matches!(key, "replace" | "replaceAll")
            && (matches!(receiver.constant, Constant::Text(_))
                || taint.any(Taint::HIDDEN | Taint::DECODED)
                || taint.is_given());
        let handed_on = match rewritten
            || matches!(key, "then" | "catch" | "finally" | "map" | "flatMap" | "reduce" | "reduceRight")
        {
            true => self.handed_on_by(&receiver, &arguments, place),
            false => Taint::NONE,
        };
        // `Worker(Thread)().start()` runs the thread's own method.
        if key == "start" && !javascript && !self.has_method(&receiver, "start") {
            self.runs_methods(&receiver, &["run"]);
        }
        self.note_event(&receiver, key, &arguments, place);
        let proof = arguments.first().and_then(|first| first.value.as_text()).is_some_and(is_proof);
        let made = receiver.path.filter(|path| path.ends_with("()"));
        let bare = arguments.is_empty();
        let carries = personal::carries(key);
        let carried = if carries { personal::carried(key, &arguments) } else { Taint::NONE };
        let mut result = self.call(callee, arguments, receiver_taint, place);
        if handed_on.any(Taint::CREDENTIAL) {
            // A list of places became a list of what they hold.
            result.taint = result.taint.without(Taint::CREDENTIAL_PATH);
        }
        result.taint |= handed_on | put_together | pieced;
        // A sign that stands for another is no row of characters.
        if key == "replace" && !taint.any(Taint::CHARACTER) {
            result.taint = result.taint.without(Taint::CHARACTER);
        }
        // Whatever the library is called: what it yields was hidden before.
        if matches!(key, "decrypt" | "decipher" | "decrypt_and_verify" | "unpad") {
            result.taint |= Taint::DECODED;
        }
        // What proves who asks, of a request that somebody else makes.
        if key == "getHeader" && proof {
            result.taint |= Taint::TAKEN;
        }
        // The keys themselves, as a session of a cloud holds them.
        if matches!(key, "get_frozen_credentials" | "generateMnemonic" | "generate_mnemonic") {
            result.taint |= Taint::KEY;
        }
        // A whole form of a visitor, with whatever passwords are in it: `request.POST.dict()`.
        if matches!(key, "dict" | "to_dict") && taint.any(Taint::VISITOR) {
            result.taint |= Taint::VISITOR | Taint::PASSWORD;
        }
        // All cookies of a browser that a program steers.
        if bare && matches!(key, "cookies" | "get_cookies" | "getCookies") && !taint.any(Taint::REMOTE) {
            result.taint |= Taint::PAGE;
        }
        // `made.secret()` of what was meant for others.
        if taint.any(Taint::TAKEN) && !personal::of_member(key).is_empty() {
            result.taint |= Taint::TAKEN;
        }
        if carries {
            result.taint |= (taint | carried).and(Taint::PERSONAL);
        }
        // Who says what is to be heard is answered with the object itself: `request(..).on("error", f).end(text)`.
        if javascript && matches!(key, "on" | "once" | "setEncoding" | "setTimeout") && made.is_some() {
            result.path = made;
        }
        if result.origin.is_none() {
            result.origin = receiver.origin;
        }
        result
    }

    /// What a chain of promises goes on with: what the functions yield that are given the value before.
    fn handed_on_by(&mut self, receiver: &Value<'a>, arguments: &[Argument<'a>], place: Place) -> Taint {
        let given = receiver.whole_taint();
        let mut all = Taint::NONE;
        for argument in arguments {
            let value = &argument.value;
            if let Some(function) = value.function.and_then(|index| self.learned.functions.get(index as usize)) {
                all |= function.result.taint.resolved(|_| given, Taint::symbol);
            } else if let Some(path) = value.path.filter(|path| path.starts_with(super::links::LOCAL)) {
                all |= self.call_symbol(&path, || vec![given], place);
            }
        }
        all
    }

    /// `f.apply(this, [a, b])` and `f.call(this, a, b)` as the arguments of `f`.
    fn spread_apply(&mut self, key: &str, arguments: Vec<Argument<'a>>) -> Vec<Argument<'a>> {
        let mut rest = arguments.into_iter().skip(1);
        match key {
            "apply" => {
                let list = rest.next().map(|argument| argument.value).unwrap_or_default();
                let items = list.items();
                if items.is_empty() || !self.afford(size_of_val(items)) {
                    return vec![Argument { name: None, value: list }];
                }
                items.iter().cloned().map(|value| Argument { name: None, value }).collect()
            }
            _ => rest.collect(),
        }
    }
}
