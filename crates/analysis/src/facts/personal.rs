//! What belongs to somebody else: keys and passwords that callers hand over, what visitors of a server send, what was
//! meant for another package, and where it is sent.
//!
//! In: names of parameters, members and methods. Out: taints. A name says what a value is only where nothing else does,
//! so these taints are lost in every call that may make something harmless of the value: a signature, a digest, a client.

use super::Place;
use super::bits::{Signs, Taint};
use super::builder::{Argument, Builder};
use super::links::EVENT;
use super::value::Value;
use super::words::Words;

impl Taint {
    /// What names tell of a value.
    pub const PERSONAL: Self =
        Self::KEY.with(Self::TOKEN).with(Self::PASSWORD).with(Self::VISITOR).with(Self::TAKEN).with(Self::PAGE);
}

/// What a parameter of this name is given, or a variable of this name in a pattern.
pub(super) fn of_parameter(name: &str) -> Taint {
    if !ends_in(name, &[*b"er", *b"vv", *b"vc", *b"en"]) && !ends_in(name, &ENDS) {
        return Taint::NONE;
    }
    let mut room = [0; LONGEST];
    let plain = plain(name, &mut room);
    match plain {
        b"cardnumber" | b"cvv" | b"cvc" | b"creditcard" | b"card" | b"pkey" => Taint::PASSWORD,
        b"token" | b"apikey" | b"bottoken" | b"authtoken" | b"accesstoken" | b"apitoken" => Taint::TOKEN,
        _ => kept(plain),
    }
}

/// What a member of this name holds, of an object that nothing is known of.
pub(super) fn of_member(name: &str) -> Taint {
    match name {
        "cvc" | "cvv" | "card_number" | "cardNumber" => Taint::PASSWORD,
        _ if !ends_like_a_secret(name.as_bytes()) || !ends_in(name, &ENDS) => Taint::NONE,
        _ => kept(plain(name, &mut [0; LONGEST])),
    }
}

/// Most names are told apart by their last letter: key, mnemonic, phrase, secret, password, passwd, words.
fn ends_like_a_secret(name: &[u8]) -> bool {
    let last = name.last().copied().unwrap_or_default();
    name.len() >= 6 && matches!(last | 32, b'y' | b'c' | b'e' | b't' | b'd' | b's' | b'x' | b'8')
}

/// The last two letters of all that [`kept`] looks for.
const ENDS: [[u8; 2]; 11] = [*b"ey", *b"ys", *b"ic", *b"cs", *b"se", *b"ds", *b"ex", *b"58", *b"et", *b"rd", *b"wd"];

/// True for a name that may end in one of these, once only its letters and digits are looked at.
fn ends_in(name: &str, ends: &[[u8; 2]]) -> bool {
    let Some(last) = name.as_bytes().last_chunk::<2>() else { return false };
    !last.iter().all(u8::is_ascii_alphanumeric) || ends.contains(&last.map(|byte| byte.to_ascii_lowercase()))
}

/// A key of a wallet, a password or a secret, by how the name ends.
fn kept(plain: &[u8]) -> Taint {
    const KEYS: [&str; 14] = [
        "privatekey",
        "privatekeys",
        "privkey",
        "mnemonic",
        "mnemonics",
        "seedphrase",
        "recoveryphrase",
        "secretphrase",
        "mnemonicphrase",
        "seedwords",
        "walletkey",
        "privatekeyhex",
        "privatekeybase58",
        "privatekeyb58",
    ];
    const SECRETS: [&str; 6] = ["secret", "password", "passwd", "secretkey", "passphrase", "secretaccesskey"];
    let ends = |words: &[&str]| words.iter().any(|word| plain.ends_with(word.as_bytes()));
    match () {
        _ if !ends_like_a_secret(plain) => Taint::NONE,
        _ if ends(&KEYS) => Taint::KEY,
        _ if ends(&SECRETS) => Taint::PASSWORD,
        _ => Taint::NONE,
    }
}

/// True for the name of a function that makes a key out of what it is given first.
pub(crate) fn makes_key(name: &str) -> bool {
    if !ends_in(name, &[*b"ed", *b"nc", *b"ic", *b"ey", *b"nt"]) {
        return false;
    }
    let mut room = [0; LONGEST];
    matches!(
        plain(name, &mut room),
        b"toseed"
            | b"mnemonictoseed"
            | b"mnemonictoseedsync"
            | b"validatemnemonic"
            | b"frommnemonic"
            | b"fromsecretkey"
            | b"fromprivatekey"
            | b"importprivatekey"
            | b"importmnemonic"
            | b"privatekeytoaccount"
            | b"mnemonictoaccount"
    )
}

/// True for functions that yield what they are given in another form.
pub(super) fn carries(name: &str) -> bool {
    CARRIES.contains(name)
}

/// Those functions.
static CARRIES: Words<70> = Words::new([
    "toString",
    "toJSON",
    "toBase58",
    "toBase64",
    "encode",
    "decode",
    "stringify",
    "dumps",
    "urlencode",
    "quote",
    "quote_plus",
    "encodeURIComponent",
    "decodeURIComponent",
    "unescape",
    "encodeURI",
    "escape",
    "join",
    "split",
    "match",
    "slice",
    "substring",
    "substr",
    "concat",
    "trim",
    "strip",
    "replace",
    "replaceAll",
    "map",
    "from",
    "of",
    "get",
    "hex",
    "hexlify",
    "format",
    "str",
    "repr",
    "bytes",
    "list",
    "tuple",
    "btoa",
    "atob",
    "b64encode",
    "b64decode",
    "b58encode",
    "b32encode",
    "b16encode",
    "rstrip",
    "lstrip",
    "lower",
    "upper",
    "toLowerCase",
    "toUpperCase",
    "encrypt",
    "publicEncrypt",
    "standard_b64encode",
    "urlsafe_b64encode",
    "reverse",
    "shift",
    "splice",
    "filter",
    "pop",
    "read",
    "URLSearchParams",
    "FormData",
    "Blob",
    "String",
    "parse",
    "loads",
    "get_json",
    "getlist",
]);

/// What the arguments of such a function leave in what it yields. What is encoded comes first; `jwt.encode(claims, key)`
/// signs with what follows.
pub(super) fn carried(name: &str, arguments: &[Argument<'_>]) -> Taint {
    let data = if name == "encode" { arguments.get(..1).unwrap_or_default() } else { arguments };
    data.iter().fold(Taint::NONE, |all, argument| all | argument.value.whole_taint())
}

/// True when the call names a host of its own, whatever it is given: `https://host/…`, `{ hostname: "host" }`.
pub(crate) fn names_host(arguments: &[Argument<'_>]) -> bool {
    let mut values = arguments.iter().take(3).map(|argument| &argument.value);
    values.any(|value| {
        let fields = ["url", "hostname", "host", "uri", "baseURL"].into_iter().filter_map(|name| value.field(name));
        let address = value.as_prefix().is_some_and(|text| is_foreign(text, false));
        let pair = value.items().first().and_then(Value::as_text).is_some_and(|text| is_foreign(text, false));
        // A mail whose receiver stands in the code.
        let mail = value.field("to").or(value.field("To")).and_then(Value::as_text).is_some_and(|to| to.contains('@'));
        address || pair || mail || fields.filter_map(Value::as_prefix).any(|text| is_foreign(text, true))
    })
}

/// True for an address, or a bare host, of another machine.
fn is_foreign(text: &str, bare: bool) -> bool {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.len() <= 5 => rest,
        None if bare => text,
        _ => return false,
    };
    let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
    host.len() >= 4 && host.contains('.') && !host.starts_with("127.") && host != "0.0.0.0"
}

/// Letters and digits of a name in small letters; nothing for names that are too short or too long to mean anything here.
fn plain<'r>(name: &str, room: &'r mut [u8; LONGEST]) -> &'r [u8] {
    if !(3..=LONGEST).contains(&name.len()) {
        return b"";
    }
    let mut length = 0;
    for byte in name.bytes().filter(u8::is_ascii_alphanumeric) {
        room[length] = byte.to_ascii_lowercase();
        length += 1;
    }
    &room[..length]
}

/// Bytes of the longest name that means something.
const LONGEST: usize = 60;

impl<'a> Builder<'a> {
    /// A parameter by its name: a key or a password where the name says so, more where it was meant for somebody else.
    pub fn named_parameter(&self, value: &mut Value<'a>, name: &str) {
        let found = of_parameter(name);
        let meant =
            if self.overrides && found.any(Taint::TOKEN | Taint::PASSWORD) { Taint::TAKEN } else { Taint::NONE };
        value.taint |= found | meant;
    }

    /// A page is sent to this address.
    pub fn redirect(&mut self, address: Option<&Value<'a>>, place: Place) {
        if address.and_then(|address| address.as_prefix()).is_some_and(|text| is_foreign(text, false)) {
            self.sign(Signs::REDIRECT, "where a page is sent to", place);
        }
    }

    /// What an event carries goes to whoever listens for it, in any file: `bus.emit("ready", value)`.
    pub(super) fn note_event(&mut self, object: &Value<'a>, key: &str, arguments: &[Argument<'a>], place: Place) {
        let (emits, hears) = (key == "emit", matches!(key, "on" | "once" | "addListener"));
        if !(emits || hears) || arguments.len() < 2 || object.path.as_deref().is_some_and(|path| path == "process") {
            return;
        }
        let Some(event) = arguments[0].value.as_text().filter(|event| event.len() <= 60) else { return };
        let name = format!("{EVENT}{event}");
        if hears {
            let known = self.learned.listeners.len();
            if let Some(function) = arguments[1].value.function
                && (known < MAX_EVENTS || self.learned.listeners.contains_key(event))
            {
                let heard = self.learned.listeners.entry(event.into()).or_default();
                if heard.len() < MAX_EVENTS && !heard.contains(&function) {
                    heard.push(function);
                }
            }
            if arguments[1].value.function.is_some() {
                let listener = arguments[1].value.clone();
                self.export(&name, &listener);
            }
            return;
        }
        let given: Vec<Taint> = arguments[1..].iter().map(|argument| argument.value.whole_taint()).collect();
        for function in self.learned.listeners.get(event).cloned().unwrap_or_default() {
            self.give(function, 0, &arguments[1..]);
        }
        if given.iter().any(|taint| !taint.is_empty()) {
            self.call_symbol(&name, || given, place);
        }
    }

    /// Scripts of the package that a command line starts run when the command does.
    pub(super) fn note_scripts(&mut self, arguments: &[Argument<'a>]) {
        let values = arguments.iter().take(3).map(|argument| &argument.value);
        let texts = values.flat_map(|value| std::iter::once(value).chain(value.items()));
        let mut found: Vec<String> = Vec::new();
        for value in texts {
            let text = value.as_text().or(value.origin.as_deref()).filter(|text| text.len() <= 500);
            for word in text.into_iter().flat_map(|text| text.split([' ', '"', '\'', '=', ';', '&', '/', '\\'])) {
                let end = word.rsplit_once('.').map_or("", |(_, end)| end);
                if matches!(end, "sh" | "bat" | "cmd" | "ps1" | "vbs") && found.len() < 8 {
                    found.push(format!("./{word}"));
                }
            }
        }
        for script in found {
            if self.facts.modules.len() < MAX_SCRIPTS {
                self.facts.modules.insert((script.into(), self.current));
            }
        }
    }

    /// Says that what follows are the methods of a class that is derived from one of another package, or no longer.
    pub fn overriding(&mut self, base: Option<&str>) -> bool {
        let root = base.map(|base| base.split(['.', '/']).next().unwrap_or(base));
        let foreign = root.is_some_and(|root| self.imported.contains(root) && !GENERAL.contains(&root));
        if foreign {
            self.stands_in_for(root.unwrap_or_default());
        }
        std::mem::replace(&mut self.overrides, foreign)
    }

    /// Notes a module whose classes or functions the file's own stand in for.
    pub(super) fn stands_in_for(&mut self, module: &str) {
        let known = &mut self.facts.stood_in_for;
        if known.len() < MAX_STOOD_IN_FOR && module.len() <= 214 {
            known.insert(module.to_owned());
        }
    }

    /// Puts back what [`Builder::overriding`] returned.
    pub fn override_again(&mut self, before: bool) {
        self.overrides = before;
    }
}

/// Events of which listeners are known, and listeners of one of them.
const MAX_EVENTS: usize = 32;

/// Modules that are noted of one file whose classes or functions its own stand in for.
const MAX_STOOD_IN_FOR: usize = 32;

/// Modules and scripts of one file beyond which no script is noted.
const MAX_SCRIPTS: usize = 2_000;

/// Packages whose classes are derived from to talk to a service of one's own, or to nobody.
const GENERAL: [&str; 30] = [
    "requests",
    "httpx",
    "aiohttp",
    "urllib",
    "urllib3",
    "http",
    "https",
    "socketserver",
    "threading",
    "abc",
    "typing",
    "pydantic",
    "events",
    "stream",
    "marshmallow",
    "tornado",
    "flask",
    "django",
    "click",
    "rest_framework",
    "unittest",
    "enum",
    "dataclasses",
    "react",
    "axios",
    "argparse",
    "logging",
    "collections",
    "cmd",
    "json",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_a_parameter_is() {
        assert!(
            ["privateKey", "private_key", "mnemonic", "seedPhrase"].iter().all(|name| of_parameter(name) == Taint::KEY)
        );
        assert!(["password", "cardNumber"].iter().all(|name| of_parameter(name) == Taint::PASSWORD));
        assert!(["key", "publicKey", "seed", "passwordField"].iter().all(|name| of_parameter(name) == Taint::NONE));
        assert!(makes_key("mnemonicToSeed") && makes_key("to_seed") && !makes_key("toSeconds"));
    }

    #[test]
    fn hosts_of_other_machines_are_told_apart() {
        assert!(is_foreign("https://api.example.org/x", false) && is_foreign("example.org", true));
        assert!(
            !is_foreign("http://127.0.0.1:8080/", false) && !is_foreign("/path", true) && !is_foreign("a.b", false)
        );
    }
}
