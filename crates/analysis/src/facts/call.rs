//! What a call does and what it yields, from the table of APIs and the built-in functions that are followed.

use super::bits::{Effects, Taint};
use super::builder::{Argument, Builder, MAX_FACTS};
use super::expression::union;
use super::laid_out::words_of;
use super::learned::MADE_BY;
use super::matter;
use super::told::{
    HEARS, REGISTERS, SECRETS, chosen, fixed, is_literal_secret, is_own_picture, is_runners, is_true, loads_key,
    origin_of,
};
use super::value::{Constant, Text, Value};
use super::yields::{printed_by, results};
use super::{Call, Place, api, chat, name, personal, printed, waits};
use crate::language::Language;
use crate::operator::watch;

/// What a file says of whoever it was fetched from.
const FETCHED: Taint = Taint::DOWNLOADED.with(Taint::ADDRESS).with(Taint::NAMED_HOST);

/// Arguments that are kept of one call.
const MAX_ARGUMENTS: usize = 16;
/// Bytes of text in one argument that are always kept.
const SHORT: usize = 512;

/// True for what finds or reads a file of a package: `importlib.resources.files(package)`.
fn is_own_resource(path: &str) -> bool {
    path.starts_with("importlib.resources.")
        || path.starts_with("pkg_resources.resource_")
        || path == "pkgutil.get_data"
}

impl<'a> Builder<'a> {
    /// `callee(arguments)`; `receiver` is what the object it belongs to is made of.
    pub fn call(
        &mut self,
        callee: Value<'a>,
        arguments: Vec<Argument<'a>>,
        receiver: Taint,
        place: Place,
    ) -> Value<'a> {
        if let Some(choices) = chosen(&callee) {
            // Any of them may be meant.
            let mut result = Value::default();
            for choice in choices {
                result.join(self.call(choice, arguments.clone(), receiver, place));
            }
            return result;
        }
        let python = self.language == Language::Python;
        let called = callee.function.or_else(|| {
            let constructors = match (python, callee.made) {
                (true, true) => "__call__",
                (true, false) => "__init__",
                (false, _) => "constructor",
            };
            self.learned.method(callee.class?, constructors)
        });
        if python && !callee.made && callee.function.is_none() {
            self.runs_methods(&callee, &["__post_init__", "__new__"]);
            self.fills(&callee, &arguments);
        }
        if let Some(maker) = callee.class.and_then(|class| self.learned.method(class, MADE_BY)) {
            self.runs(maker);
        }
        if let Some(function) = called {
            self.runs(function);
            let bound = self.language == Language::Python && callee.class.is_some();
            self.give(function, usize::from(bound), &arguments);
            self.bring(function, &arguments);
            self.hand_to_shell(function, &arguments, usize::from(bound), place);
        }
        let argument_taint = union(arguments.iter().map(|argument| &argument.value));
        // A key that a function makes which stands in for another is taken from whoever wanted that one.
        let made_key = argument_taint.any(Taint::TAKEN)
            && callee.path.as_deref().and_then(name::split_last).is_some_and(|(_, name)| {
                loads_key(name) || matches!(name, "from_seed" | "fromSeed" | "from_seed_phrase_and_passphrase")
            });
        if made_key {
            let mut value = self.call_named(callee, arguments, argument_taint, receiver, place);
            value.taint |= Taint::KEY | Taint::TAKEN;
            return value;
        }
        if callee.path.is_none() {
            // Task and test runners are told what to run, and run it when somebody starts them.
            let told = called.is_none() && receiver.is_empty() && callee.origin.as_deref().is_some_and(is_runners);
            if !told {
                self.run_arguments(&arguments);
            }
            return self.call_unnamed(&callee, &arguments, argument_taint, receiver, called.is_some());
        }
        self.call_named(callee, arguments, argument_taint, receiver, place)
    }

    /// What a call of a function without a dotted name yields; `called` says that it is one of this file.
    fn call_unnamed(
        &mut self,
        callee: &Value<'a>,
        arguments: &[Argument<'a>],
        argument_taint: Taint,
        receiver: Taint,
        called: bool,
    ) -> Value<'a> {
        let mut all = argument_taint | receiver | callee.taint;
        // What the function that is replaced makes of what was meant for it was meant for others too.
        let taken = all.any(Taint::TAKEN) && !called && self.learned.standing_in.contains(&self.current);
        // What somebody else's function makes of a key is mostly no key any more.
        if all.any(Taint::PERSONAL) && !callee.origin.as_deref().is_some_and(personal::carries) {
            all = all.without(Taint::PERSONAL);
        }
        if taken {
            all |= Taint::TAKEN;
        }
        // `int(bits, 2)`: bytes that stand as digits.
        if arguments.len() == 2 && callee.origin.as_deref() == Some("int") && self.language == Language::Python {
            all |= Taint::DECODED;
        }
        let mut result = Value::tainted(all);
        match callee.function.and_then(|index| self.learned.functions.get_mut(index as usize)) {
            Some(function) => {
                function.ask();
                let given = |index: u32| {
                    let argument = arguments.get(index as usize);
                    argument.map_or(Taint::NONE, |argument| argument.value.whole_taint().without(SECRETS))
                };
                let mut returned = function.result.clone();
                // What it is given comes out again as far as it is known to return that.
                if !returned.taint.is_empty() {
                    result.taint = receiver | callee.taint;
                }
                returned.taint = returned.taint.resolved(given, Taint::symbol);
                result.join(returned);
            }
            None => {
                result.class = callee.class;
                result.made = callee.class.is_some();
            }
        }
        result
    }

    /// A call of a function with a dotted name.
    #[inline(never)] // Most calls have none and need a fraction of the frame.
    fn call_named(
        &mut self,
        callee: Value<'a>,
        mut arguments: Vec<Argument<'a>>,
        argument_taint: Taint,
        receiver: Taint,
        place: Place,
    ) -> Value<'a> {
        let Some(path) = callee.path else { return Value::default() };
        if let Some(value) = self.call_builtin(&path, &arguments, argument_taint, place) {
            return value;
        }
        if matches!(&*path, "location.replace" | "location.assign") {
            self.redirect(arguments.first().map(|argument| &argument.value), place);
        }
        let effects = api::effects(&path);
        // `new Worker(text, { eval: true })`
        let told = |argument: &Argument<'a>| matches!(argument.value.field("eval"), Some(eval) if is_true(eval));
        let blob = |argument: &Argument<'a>| argument.value.origin.as_deref() == Some("URL");
        let worker = path.ends_with("Worker") && arguments.iter().any(|argument| told(argument) || blob(argument));
        let effects = if worker { effects | Effects::EVAL } else { effects };
        if name::split_last(&path).is_some_and(|(_, name)| loads_key(name))
            && let Some(first) = arguments.first()
        {
            let key = first.value.clone();
            self.grow(&key, Taint::KEY);
            self.grow_parameters(key.taint, Taint::KEY);
        }
        if chat::is_chat(&path) {
            self.give_orders(&arguments);
        }
        let linked = match effects.is_empty() {
            true => {
                let given =
                    || arguments.iter().map(|argument| argument.value.whole_taint()).take(MAX_ARGUMENTS).collect();
                let symbol = self.call_symbol(&path, given, place);
                self.note_named_sink(symbol, arguments.first().map_or(Taint::NONE, |a| a.value.whole_taint()), place);
                symbol
            }
            false => Taint::NONE,
        };
        match arguments.as_slice() {
            // `click.option("--name")(function)`: a decorator keeps it.
            [only] if self.language == Language::Python && path.ends_with("()") => self.opens(&only.value),
            // Whoever is given a function mostly runs it: timers, threads, promises, answers of servers.
            _ => self.run_arguments(&arguments),
        }
        let ran = if effects.any(Effects::RUNS) { self.call_handed(&arguments, place) } else { Taint::NONE };
        if effects.any(Effects::WATCH) {
            self.give_watched(&arguments);
        }
        if &*path == "functools.reduce"
            && let Some(value) = self.call_chain(&arguments, place)
        {
            return value;
        }
        let matters = matter::matter(&path, effects, &arguments, argument_taint);
        let made_of = match () {
            _ if effects.any(Effects::EVAL) => matters.all,
            // Whoever is handed an environment to work in does not hand it back.
            _ if effects.is_empty() => matter::handed(&arguments, argument_taint),
            _ => argument_taint,
        };
        let mut taint = self.taint_of_result(&path, effects, &arguments, made_of, receiver, place);
        // What the function that is replaced makes of what was meant for it.
        if effects.is_empty() && argument_taint.any(Taint::TAKEN) && self.learned.standing_in.contains(&self.current) {
            taint |= Taint::TAKEN;
        }
        if effects.any(Effects::NET) {
            self.connected = true;
            // `retrbinary("RETR a", held.write)`
            for argument in &arguments {
                if argument.value.path.as_deref().is_some_and(|path| path.ends_with("().write")) {
                    self.grow(&argument.value, Taint::REMOTE);
                }
            }
            if !matter::goes_where_told(&arguments, receiver) {
                taint |= Taint::NAMED;
            }
        }
        if is_own_resource(&path) {
            taint |= Taint::OWN;
        }
        let kept = (!effects.is_empty() || watch::wants(&path)) && self.has_room(effects);
        let downloaded = self.downloaded_by(&path, effects, &arguments)
            | self.started_by(effects, &arguments)
            | self.named_past(effects, &arguments, place);
        let reaches = effects.any(Effects::NET | Effects::PREPARE | Effects::DOWNLOAD);
        let named = if reaches && personal::names_host(&arguments) { Taint::NAMED_HOST } else { Taint::NONE };
        taint |= named | if reaches { receiver.and(Taint::NAMED_HOST) } else { Taint::NONE };
        // A built-in function whose name is worked out.
        let hidden = if &*path == "builtins.computed" { Taint::DECODED } else { Taint::NONE };
        let called_taint = matters.all | receiver | downloaded | named | hidden;
        if effects.any(Effects::SPAWN) {
            self.note_scripts(&arguments);
        }
        if effects.any(Effects::SHELL)
            && let Some(command) = arguments.first()
        {
            self.note_shell(&path, &command.value);
        }
        self.note_packed(&path, called_taint);
        let found = self.learned.packed && effects.any(Effects::NET) && called_taint.any(Taint::FILE);
        let called_taint = if found { called_taint | Taint::FOUND } else { called_taint };
        if effects.any(Effects::UNPACK) {
            let net = if effects.any(Effects::NET) { Taint::REMOTE | fixed(&arguments) } else { Taint::NONE };
            self.note_unpacked(called_taint | net, &arguments);
        }
        // A program that sends what it is told is as good as a request.
        if effects.any(Effects::SPAWN) {
            self.note_fetched(&arguments, taint);
        }
        let sends = effects.any(Effects::SPAWN)
            && (called_taint.any(Taint::HELD) || called_taint != called_taint.concrete())
            && (printed::sends(&words_of(&arguments)) || self.sends_past(effects, place));
        let effects = effects | matters.effects | if sends { Effects::NET } else { Effects::NONE };
        let archive = matches!(&*path, "zipfile.ZipFile" | "tarfile.open" | "adm-zip");
        if effects.any(Effects::OPEN | Effects::READ) {
            let held = self.downloaded_among(&arguments);
            let remote = if archive { argument_taint.and(Taint::REMOTE | Taint::NAMED) } else { Taint::NONE };
            taint |= remote
                | held.and(Taint::HELD | Taint::DOWNLOADED)
                | results(Effects::READ, held.and(FETCHED)).without(Taint::FILE);
        }
        if effects.any(Effects::OPEN | Effects::READ)
            && arguments.first().is_some_and(|file| is_own_picture(&file.value))
        {
            taint |= Taint::OWN;
        }
        let origin = match effects.any(Effects::OPEN | Effects::WRITE) || archive {
            true => arguments.first().and_then(|argument| origin_of(&argument.value)),
            // What a file holds goes by the file's name, whatever is made of it.
            false if effects.any(Effects::READ) => {
                arguments.first().and_then(|argument| origin_of(&argument.value)).filter(|name| name::names_file(name))
            }
            false => None,
        };
        // `screenshot().save("a.png")`: the file then shows what the user did.
        let watched = (argument_taint | receiver).any(Taint::WATCHED);
        if watched && !effects.any(Effects::NET | Effects::WATCH) {
            let names: Vec<Text<'a>> = arguments
                .iter()
                .filter_map(|argument| origin_of(&argument.value))
                .filter(|origin| name::names_file(origin))
                .collect();
            names.iter().for_each(|name| self.note_download(name, Taint::WATCHED));
            // `grab().save(buffer)`
            for argument in arguments.iter().filter(|a| a.value.path.as_deref() == Some("io.BytesIO()")) {
                self.grow(&argument.value, Taint::WATCHED);
            }
        }
        // `screenshot("a.png")`
        if effects.any(Effects::WATCH)
            && let Some(name) = arguments.first().and_then(|argument| origin_of(&argument.value))
            && name::names_file(&name)
        {
            self.note_download(&name, Taint::WATCHED);
        }
        if path.ends_with("pipeline")
            && let Some(stream) = arguments.first()
            && let Some(request) = arguments.iter().rev().find(|argument| argument.value.function.is_none())
        {
            let (stream, request) = (stream.value.clone(), request.clone());
            self.pipes(&stream, &[request], place);
        }
        // `readSync(file, buffer)`
        if matches!(&*path, "fs.readSync" | "fs.read")
            && let Some(buffer) = arguments.get(1).map(|argument| argument.value.clone())
        {
            self.grow(&buffer, taint);
        }
        self.note_held(effects, &arguments);
        let brought = effects.any(Effects::WRITE) && effects.any(Effects::READ) && argument_taint.any(Taint::OWN);
        if brought && let Some(copy) = arguments.get(1).and_then(|argument| origin_of(&argument.value)) {
            self.note_download(&copy, Taint::OWN);
        }
        if effects.any(Effects::DOWNLOAD) || (effects.any(Effects::WRITE) && argument_taint.any(Taint::REMOTE)) {
            // The first argument of what only writes is the file; a pipeline ends in it.
            let copies = effects.any(Effects::DOWNLOAD | Effects::READ) || path.ends_with("pipeline");
            for argument in arguments.iter().take(if copies { MAX_ARGUMENTS } else { 1 }) {
                if let Some(origin) = origin_of(&argument.value) {
                    self.note_download(&origin, argument_taint | receiver | Taint::REMOTE);
                }
            }
        }
        // `writeFileSync(path, text)`
        if effects.any(Effects::WRITE)
            && let [file, text, ..] = &*arguments
            && let Some(origin) = origin_of(&file.value)
        {
            if text.value.taint.any(Taint::DECODED | Taint::HIDDEN)
                || text.value.taint != text.value.taint.concrete() && !effects.any(Effects::READ)
            {
                self.note_download(&origin, text.value.taint);
            }
            let text = text.value.clone();
            self.note_written(&origin, &text, place);
        }
        let constant = match effects.any(Effects::DECODE) {
            true => self.decoded(&path, &arguments),
            false => Constant::Unknown,
        };
        taint |= self.look_at_decoded(&constant, place);
        if matches!(&*path, "socket.socket" | "net.Socket") {
            taint |= Taint::SOCKET;
        }
        if matches!(&*path, "os.homedir" | "pathlib.Path.home") {
            taint |= Taint::HOME;
        }
        taint |= linked | ran;
        // Whatever is piped into it ends in the file that callers name.
        if &*path == "fs.createWriteStream"
            && let Some(file) = arguments.first()
        {
            taint |= file.value.taint.without(file.value.taint.concrete()).without_symbols();
        }
        if effects.any(Effects::ACCOUNT) && arguments.iter().any(|argument| is_literal_secret(&argument.value)) {
            taint |= Taint::EXFIL_HOST;
        }
        if effects.without(matters.effects).is_empty() || effects.any(Effects::UNPACK) || archive {
            // What somebody else's function makes of a downloaded file came over the network too.
            taint |= called_taint.and(Taint::DOWNLOADED | Taint::ADDRESS | Taint::NAMED_HOST);
        }
        // A token beside an address is judged together with it.
        let alone = !matters.effects.any(Effects::ASKS) || called_taint.without(matters.place).is_empty();
        let place_only = if alone { matters.place.without(receiver | downloaded) } else { Taint::NONE };
        let where_to = if effects.any(Effects::NET) { fixed(&arguments) } else { Taint::NONE };
        self.note_sink(effects, called_taint.without(place_only) | where_to, place);
        self.note_sink(effects | Effects::PLACE, place_only | where_to, place);
        let variable = || arguments.first().and_then(|key| waits::variable(key.value.as_text()?));
        let variable = effects.any(Effects::ENV).then(variable).flatten();
        let fed = if effects.any(Effects::SPAWN) { printed::fed(&arguments) } else { None };
        if kept {
            arguments.truncate(MAX_ARGUMENTS);
            self.weigh(&mut arguments);
            self.facts.calls.push(Call {
                path,
                effects,
                arguments,
                taint: called_taint,
                discarded: false,
                waits: self.waiting.now,
                place,
            });
        }
        let path = match variable.or(fed) {
            Some(known) => Some(Text::from(known)),
            None => self.joined_call(&path),
        };
        Value { path, constant, taint, origin, ..Value::default() }
    }

    /// True for the name of something that runs the functions that it is given.
    pub fn starts(&self, callee: &Value<'a>) -> bool {
        callee.path.as_deref().is_some_and(|path| api::effects(path).any(Effects::RUNS))
    }

    /// True for the name of something that the table of APIs knows.
    pub fn acts(&self, callee: &Value<'a>) -> bool {
        callee.path.as_deref().is_some_and(|path| !api::effects(path).is_empty())
    }

    /// What a function among the arguments of a call will be given: the answer of a request, the content of a file.
    pub fn given_to_callback(&self, callee: &Value<'a>, key: Option<&str>, arguments: &[Argument<'a>]) -> Taint {
        let path = callee.path.as_deref();
        let effects = match (path, key) {
            (Some(path), Some(key)) => self.joined(path, key).map_or(Effects::NONE, |path| api::effects(&path)),
            (Some(path), None) => api::effects(path),
            (None, _) => Effects::NONE,
        };
        let from = callee.whole_taint() | union(arguments.iter().map(|argument| &argument.value));
        let said = match (path, key) {
            (Some(path), Some(key)) if HEARS.contains(&key) && chat::is_chat(path) => chat::SAID,
            _ => Taint::NONE,
        };
        // `app.post("/path", (asked, answer) => ..)`: whoever asks for the path is answered by the function.
        let route = |text: &str| text.starts_with('/') && !text.contains(' ');
        let served = path.is_none_or(|path| path.starts_with("express()") || path.starts_with("express.Router()"))
            && key.is_some_and(|key| matches!(key, "get" | "post" | "put" | "delete" | "all" | "use"))
            && arguments.first().and_then(|first| first.value.as_text()).is_some_and(route);
        let said = if served { said | Taint::VISITOR } else { said };
        let named = effects.any(Effects::NET) && !matter::goes_where_told(arguments, callee.whole_taint());
        let host = effects.any(Effects::NET) && personal::names_host(arguments);
        let host = if host { Taint::NAMED_HOST } else { Taint::NONE };
        let printed = if effects.any(Effects::SPAWN) { printed_by(arguments, from) } else { Taint::NONE };
        results(effects, from) | printed | callee.taint | said | host | if named { Taint::NAMED } else { Taint::NONE }
    }

    /// True while calls are kept. Beyond the first many, only those that could harm are, and the file says so.
    pub(super) fn has_room(&mut self, effects: Effects) -> bool {
        const HARM: Effects = Effects::NET
            .with(Effects::SPAWN)
            .with(Effects::EVAL)
            .with(Effects::DESERIALISE)
            .with(Effects::NATIVE)
            .with(Effects::CREDENTIAL)
            .with(Effects::DELETE);
        let calls = self.facts.calls.len();
        let room = calls < MAX_FACTS || (calls < 2 * MAX_FACTS && effects.any(HARM));
        self.facts.overflow |= !room;
        room
    }

    /// Rules read the texts of every call. A long one that stands in many calls is kept while the weight of all of
    /// them allows; then only what it is made of is known. Short ones always stay, so that no flood hides them.
    fn weigh(&mut self, arguments: &mut [Argument<'a>]) {
        let text = |value: &Value<'a>| value.as_prefix().map_or(0, str::len);
        for argument in arguments {
            let items: usize = argument.value.items().iter().map(text).sum();
            let weight = text(&argument.value) + items + argument.value.items().len();
            if self.weight < weight && weight > SHORT {
                argument.value.constant = Constant::Unknown;
            }
            self.weight = self.weight.saturating_sub(weight);
        }
    }

    pub(super) fn run_arguments(&mut self, arguments: &[Argument<'a>]) {
        for argument in arguments {
            // What a parser of command lines is told to call, it calls when somebody gives the option.
            if argument.name.as_deref().is_some_and(|name| REGISTERS.contains(&name)) {
                self.opens(&argument.value);
                continue;
            }
            if let Some(function) = argument.value.function {
                self.runs(function);
            }
        }
    }
}
