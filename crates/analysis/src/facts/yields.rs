//! What a call yields: by what it does, what it is given, and what is known of the files that it names.
//!
//! In: a call's name, effects and arguments. Out: taints. Nothing here notes a call or changes what is known.

use super::address::names_host;
use super::bits::{Effects, Taint};
use super::builder::{Argument, Builder};
use super::laid_out::words_of;
use super::matter;
use super::name::last_part;
use super::told::{fixed, hidden, origin_of};
use super::value::Value;
use super::{Place, command, personal, printed};
use crate::language::Language;

impl<'a> Builder<'a> {
    pub(super) fn taint_of_result(
        &mut self,
        path: &str,
        effects: Effects,
        arguments: &[Argument<'a>],
        taint: Taint,
        receiver: Taint,
        place: Place,
    ) -> Taint {
        if effects.any(Effects::ENV) {
            let key = arguments.first().and_then(|argument| argument.value.as_text()).map(str::to_owned);
            // `os.environ.get("A", "https://...")` is mostly the address that it falls back on.
            let fallback = arguments.get(1).map_or(Taint::NONE, |argument| {
                let address = argument.value.as_prefix().is_some_and(names_host);
                argument.value.taint | if address { Taint::BEHIND } else { Taint::NONE }
            });
            return self.environment(key.as_deref(), place).taint | fallback;
        }
        let from = taint | receiver;
        if effects.is_empty() {
            return of_other(path, arguments, from, receiver);
        }
        let mut result = results(effects, from);
        // What an open file is known to hold.
        if effects.any(Effects::READ) {
            const KNOWN: Taint = Taint::HELD.without(Taint::HOST_INFO).without(Taint::SECRET);
            result |= receiver.and(KNOWN);
        }
        if effects.any(Effects::DECODE) {
            let stands = arguments.first().map_or(Taint::NONE, |argument| hidden(&argument.value));
            result |= from | Taint::DECODED | stands;
        }
        if effects.any(Effects::OPEN) {
            result |= from;
        }
        if effects.any(Effects::NET | Effects::PREPARE) {
            let asked = arguments.first().map_or(Taint::NONE, |request| request.value.taint.and(Taint::NAMED_HOST));
            result |= fixed(arguments) | asked;
        }
        // A request that something else sends is made of what it is given.
        if effects.any(Effects::PREPARE) && !effects.any(Effects::NET) {
            result |= of_other(path, arguments, from, receiver);
        }
        if effects.any(Effects::SPAWN) {
            result |= printed_by(arguments, from);
        }
        let silent = Effects::NET | Effects::SPAWN | Effects::READ | Effects::WRITE | Effects::DELETE;
        match effects.any(silent) || !result.is_empty() {
            true if path.starts_with("socket.") => result | Taint::SOCKET,
            true => result,
            false => of_other(path, arguments, from, receiver),
        }
    }

    /// The same of the arguments that a call runs.
    pub(super) fn downloaded_by(&self, path: &str, effects: Effects, arguments: &[Argument<'a>]) -> Taint {
        if self.has_no_downloads() {
            return Taint::NONE;
        }
        let known = |value: &Value<'a>| {
            origin_of(value).map_or(Taint::NONE, |origin| self.download(&origin)) | self.named_in(value)
        };
        match effects.any(Effects::SPAWN).then(|| matter::starts(arguments, known)).flatten() {
            Some(started) => started,
            None => self.downloaded_among(matter::runnable(path, arguments)),
        }
    }

    /// The downloaded mark, when an argument names a file that was downloaded earlier.
    pub(super) fn downloaded_among(&self, arguments: &[Argument<'a>]) -> Taint {
        if self.has_no_downloads() {
            return Taint::NONE;
        }
        let known = |value: &Value<'a>| origin_of(value).map_or(Taint::NONE, |origin| self.download(&origin));
        let values =
            arguments.iter().flat_map(|argument| std::iter::once(&argument.value).chain(argument.value.items()));
        values.fold(Taint::NONE, |all, value| all | known(value) | self.named_in(value))
    }

    /// The same of a command line of which a part is not known: `cd ${dir} && node setup.js`.
    pub(super) fn named_past(&self, effects: Effects, arguments: &[Argument<'a>], place: Place) -> Taint {
        let open = |value: &Value<'a>| value.as_text().is_none() && value.taint.any(Taint::JOINED);
        let first = arguments.first().filter(|first| effects.any(Effects::SHELL) && open(&first.value));
        if first.is_none() || self.has_no_downloads() {
            return Taint::NONE;
        }
        let line = command::whole(self.text(place.start, place.end), self.language == Language::Python);
        line.map_or(Taint::NONE, |line| self.named_in(&Value::text(self.made(&line))))
    }

    /// True for a command line of which a part is not known whose program sends what it is told: `echo ${text} | nc host 80`.
    pub(super) fn sends_past(&self, effects: Effects, place: Place) -> bool {
        if !effects.any(Effects::SHELL) {
            return false;
        }
        let line = command::whole(self.text(place.start, place.end), self.language == Language::Python);
        line.is_some_and(|line| printed::sends(&line.split_ascii_whitespace().take(100).collect::<Vec<_>>()))
    }

    /// What is known of a downloaded file that a command line names: `start /b setup.exe`.
    pub(super) fn named_in(&self, value: &Value<'a>) -> Taint {
        let Some(command) = value.as_text().filter(|text| text.len() <= 2000 && text.contains(' ')) else {
            return Taint::NONE;
        };
        let words = command.split([' ', '"', '\'', '=', ';', '&']).take(100);
        words.filter(|word| word.contains(['.', '/', '\\'])).fold(Taint::NONE, |all, word| all | self.download(word))
    }
}

/// What a command prints.
pub(super) fn printed_by(arguments: &[Argument<'_>], from: Taint) -> Taint {
    let words = words_of(arguments);
    let mut result = printed::printed(&words, from);
    // What `curl` prints came over the network.
    let fetches = words.iter().any(|word| matches!(*word, "curl" | "wget"));
    if fetches {
        let named = words.iter().any(|word| word.contains("://")) || from.any(Taint::BEHIND);
        result |= Taint::REMOTE | if named { Taint::NAMED_HOST } else { Taint::NONE };
        if from.any(Taint::CREDENTIAL_PATH) {
            result |= Taint::CREDENTIAL;
        }
    }
    result
}

/// What a call yields of which nothing is known but what it is given.
fn of_other(path: &str, arguments: &[Argument<'_>], from: Taint, receiver: Taint) -> Taint {
    let name = last_part(path);
    let kept = if personal::carries(name) { receiver | personal::carried(name, arguments) } else { Taint::NONE };
    // Nor is what such a function makes of a character one.
    from.without(Taint::PERSONAL | Taint::CHARACTER) | kept.and(Taint::PERSONAL)
}

/// What a call with these effects yields, by the effects alone.
pub(super) fn results(effects: Effects, from: Taint) -> Taint {
    let mut result = Taint::NONE;
    if effects.any(Effects::LIST) && from.any(Taint::HOME) {
        result |= Taint::FOUND;
    }
    if effects.any(Effects::LIST) {
        result |= from.and(Taint::CREDENTIAL_PATH);
    }
    if effects.any(Effects::READ | Effects::OPEN) {
        result |= from.and(Taint::FOUND | Taint::OWN);
    }
    // A file that came over the network holds what came over the network.
    if effects.any(Effects::READ | Effects::OPEN) && from.any(Taint::DOWNLOADED) {
        result |= Taint::REMOTE | from.and(Taint::ADDRESS | Taint::NAMED_HOST);
    }
    if effects.any(Effects::READ | Effects::OPEN) && from.any(Taint::CREDENTIAL_PATH) {
        result |= Taint::CREDENTIAL;
    }
    if effects.any(Effects::NET) {
        result |= from.and(Taint::ADDRESS);
        // The metadata service of a cloud hands out credentials.
        if from.any(Taint::CREDENTIAL_PATH) {
            result |= Taint::CREDENTIAL;
        }
    }
    for (effect, mark) in [
        (Effects::NET, Taint::REMOTE),
        (Effects::DOWNLOAD, Taint::DOWNLOADED),
        (Effects::ENV_ALL, Taint::ENV_ALL),
        (Effects::CREDENTIAL, Taint::CREDENTIAL),
        (Effects::HOST_INFO, Taint::HOST_INFO),
        (Effects::READ, Taint::FILE),
        (Effects::OPEN, Taint::FILE),
        (Effects::SPAWN, Taint::OUTPUT),
        (Effects::WATCH, Taint::WATCHED),
    ] {
        if effects.any(effect) {
            result |= mark;
        }
    }
    result
}
