//! What arguments and names tell about a call.

use super::bits::Taint;
use super::builder::Argument;
use super::expression::MAX_CHOICES;
use super::value::{Constant, Text, Value};
use super::words::Words;
use super::{fold, handed};

/// The functions that a callee may be, where it is one of several.
pub(super) fn chosen<'a>(callee: &Value<'a>) -> Option<Vec<Value<'a>>> {
    if callee.path.is_some() || callee.function.is_some() || callee.class.is_some() {
        return None;
    }
    let functions = callee.items().iter().filter(|choice| choice.function.is_some()).take(MAX_CHOICES);
    let choices: Vec<Value<'a>> = functions.cloned().collect();
    (!choices.is_empty()).then_some(choices)
}

/// True when a list of pieces makes an address only once they are joined: `["https://ex", "ample.org"].join("")`.
pub(super) fn cuts_host(list: &Value<'_>, arguments: &[Argument<'_>], text: &str) -> bool {
    let between = arguments.first().and_then(|argument| argument.value.as_text());
    let [first, second, ..] = list.items() else { return false };
    let (Some(first), Some(second)) = (first.as_text(), second.as_text()) else { return false };
    let word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    match between {
        Some("") => {
            let scheme = text.starts_with("https://") || text.starts_with("http://");
            let host = first.split_once("://").map_or(first, |(_, rest)| rest);
            scheme && !host.contains('/') && word(first.as_bytes().last()) && word(second.as_bytes().first())
        }
        // A host by its labels.
        Some(".") => {
            list.items().len() >= 3
                && text.len() >= 8
                && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
        }
        _ => false,
    }
}

/// Secrets that are followed as they are handed over, and no further.
pub(super) const SECRETS: Taint = Taint::KEY.with(Taint::TOKEN).with(Taint::PASSWORD);

/// True for a name that task and test runners put into the scope of the files that they load.
pub(super) fn is_runners(name: &str) -> bool {
    RUNNERS.contains(name)
}

/// Those names.
static RUNNERS: Words<13> = Words::new([
    "task",
    "desc",
    "namespace",
    "describe",
    "it",
    "test",
    "suite",
    "before",
    "after",
    "beforeEach",
    "afterEach",
    "beforeAll",
    "afterAll",
]);

/// Keywords under which a function is only kept, to be called when somebody asks for it.
pub(super) const REGISTERS: [&str; 10] = [
    "action",
    "autocompletion",
    "callback",
    "command",
    "converter",
    "default_factory",
    "handler",
    "shell_complete",
    "type",
    "validator",
];

pub(super) fn is_true(value: &Value<'_>) -> bool {
    matches!(value.constant, Constant::Bool(true))
}

/// True for a function that makes a wallet's key out of a text.
pub(super) fn loads_key(name: &str) -> bool {
    LOADS_KEY.contains(name)
}

/// Those functions.
static LOADS_KEY: Words<12> = Words::new([
    "from_key",
    "from_base58_string",
    "from_secret_key",
    "fromSecretKey",
    "from_private_key",
    "fromPrivateKey",
    "privateKeyToAccount",
    "from_mnemonic",
    "fromMnemonic",
    "fromPhrase",
    "mnemonicToSeed",
    "mnemonicToSeedSync",
]);

/// Methods by which a chat takes a function that hears what is said.
pub(super) const HEARS: [&str; 11] =
    ["on", "once", "onText", "command", "hears", "action", "addListener", "event", "message", "use", "addCommand"];

/// Shortest text of which taking it apart tells that it was hidden.
const HIDDEN: usize = 64;

/// The mark of a long text that stands encoded in the source.
pub(super) fn hidden(value: &Value<'_>) -> Taint {
    match &value.constant {
        Constant::Text(text) if text.len() >= HIDDEN && !text.as_bytes()[..HIDDEN].contains(&b' ') => Taint::HIDDEN,
        _ => Taint::NONE,
    }
}

/// True for the name of a codec that hides a text.
pub(super) fn names_codec(value: &Value<'_>) -> bool {
    value.as_text().is_some_and(fold::is_codec)
}

/// The mark of an address of another host that stands whole in the code.
pub(super) fn fixed(arguments: &[Argument<'_>]) -> Taint {
    if address_of(arguments).is_some() { Taint::NAMED_HOST } else { Taint::NONE }
}

/// The address of another host that a call is told, where it stands in the code.
pub(crate) fn address_of<'v>(arguments: &'v [Argument<'_>]) -> Option<&'v str> {
    let option = |name: &str| {
        let keyword = arguments.iter().find(|argument| argument.name.as_deref() == Some(name));
        keyword.map(|a| &a.value).or_else(|| arguments.iter().find_map(|argument| argument.value.field(name)))
    };
    let positional = arguments.iter().filter(|argument| argument.name.is_none()).take(2).map(|a| &a.value);
    let named = ["url", "uri"].into_iter().filter_map(option);
    positional.chain(named).find_map(|value| {
        let text = value.as_prefix()?;
        let whole = matches!(value.constant, Constant::Text(_)) || text.matches('/').count() >= 3;
        let local = ["//localhost", "//127.", "//10.", "//192.168.", "//0.0.0.0", "//[::"];
        (whole && handed::is_remote_address(text) && !local.iter().any(|host| text.contains(host))).then_some(text)
    })
}

/// True for a text that can be nothing but a key that stands in the code.
pub(super) fn is_literal_secret(value: &Value<'_>) -> bool {
    // A password that a mailbox makes for a program: four times four letters.
    let groups = |text: &str| {
        text.len() == 19
            && text.split(' ').all(|group| group.len() == 4 && group.bytes().all(|b| b.is_ascii_lowercase()))
    };
    if value.as_text().is_some_and(groups) {
        return true;
    }
    let Some(text) = value.as_text().filter(|text| (20..=400).contains(&text.len())) else { return false };
    let different: std::collections::BTreeSet<u8> = text.bytes().collect();
    different.len() >= 12
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=?&@".contains(&byte))
}

/// True for a header that proves who asks.
pub(super) fn is_proof(name: &str) -> bool {
    ["authorization", "cookie", "proxy-authorization"].iter().any(|proof| name.eq_ignore_ascii_case(proof))
}

/// True for a picture or a sound that lies where the program was unpacked.
pub(super) fn is_own_picture(file: &Value<'_>) -> bool {
    const ENDS: [&str; 7] = [".png", ".jpg", ".jpeg", ".gif", ".ico", ".wav", ".mp3"];
    let relative = |path: &str| !path.starts_with(['/', '~', '\\']) && !path.contains(':') && path.len() <= 200;
    file.as_text().is_some_and(|path| relative(path) && ENDS.iter().any(|end| path.ends_with(end)))
}

/// Methods that yield all of the environment.
pub(super) const WHOLE: [&str; 6] = ["items", "values", "copy", "__str__", "__repr__", "entries"];

/// Methods by which an object reads the file that it is given.
pub(super) const READS: [&str; 4] = ["read", "load", "open", "read_file"];

/// True for a method by which a list, a record, a buffer or another object takes in what it is given.
pub(crate) fn takes_in(method: &str) -> bool {
    TAKES_IN.contains(method)
}

/// Those methods.
static TAKES_IN: Words<24> = Words::new([
    "add",
    "addFile",
    "addLocalFile",
    "addLocalFolder",
    "add_attachment",
    "add_field",
    "append",
    "appendleft",
    "attach",
    "directory",
    "extend",
    "field",
    "file",
    "insert",
    "push",
    "put",
    "put_nowait",
    "set",
    "set_content",
    "set_payload",
    "unshift",
    "update",
    "write",
    "writestr",
]);

/// The name by which a file that is written is recognised when it is run.
pub(super) fn origin_of<'a>(value: &Value<'a>) -> Option<Text<'a>> {
    match &value.constant {
        Constant::Text(text) if text.len() <= 200 => Some(*text),
        _ => value.origin,
    }
}
