//! What expressions are: members, literals, texts put together, lists.

use super::address::{has_raw_ip, host_of, is_forge, names_host};
use super::bits::{Signs, Taint};
use super::builder::{Builder, MAX_FACTS};
use super::builtin::is_settings;
use super::learned::Member;
use super::links::LOCAL;
use super::name::{file_name, is_own_folder, names_file};
use super::scope::is_global_object;
use super::value::{Constant, Items, LIST_ITEMS, Text, Value};
use super::{EnvironmentRead, Mention, Place, fold, mention, name, personal, waits};

/// Bytes on both sides of the place where two texts meet: more than the longest name of interest has.
const SEAM: usize = 256;

/// What of a text stands around the place where it was put together. A text that grows piece by piece would be read again
/// with every piece otherwise.
fn around(text: &str, seam: usize) -> &str {
    let from = text.floor_char_boundary(seam.saturating_sub(SEAM));
    let to = text.ceil_char_boundary(seam + SEAM);
    &text[from..to]
}

/// True for the name of what a library of wallets yields for an account.
fn makes_account(path: &str) -> bool {
    path.starts_with("eth_account.Account") || path.contains(".eth.account.")
}

/// Bytes of a text of which single letters are followed.
const SHORT_WORD: usize = 64;

/// Names of interest that are looked for in one text.
const MAX_MENTIONS: usize = 64;
/// Functions of one table that a call may mean.
pub(super) const MAX_CHOICES: usize = 16;
/// Hosts of addresses that are kept of one file.
const MAX_ADDRESSES: usize = 32;

impl<'a> Builder<'a> {
    /// A member by a constant name: `object.name` or `object["name"]`.
    pub fn member(&mut self, object: &Value<'a>, key: &str, place: Place) -> Value<'a> {
        if let Some(field) = object.field(key) {
            return match field.function.filter(|_| field.made) {
                Some(getter) => self.read_by(getter),
                None => field.clone(),
            };
        }
        if let Some(class) = object.class {
            if let Some(getter) = self.learned.getters.get(&Member(class, key)).copied() {
                self.runs(getter);
            }
            if let Some(function) = self.learned.method(class, key) {
                return Value { function: Some(function), class: Some(class), ..Value::default() };
            }
            if let Some(known) = self.learned.attributes.get(&Member(class, key)) {
                return known.clone();
            }
            self.misses(key);
            // A class without a constructor of its own keeps what it is given.
            let kept = match object.made && !self.has_constructor(class) && !self.learned.fields.contains(&class) {
                true => object.taint,
                false => Taint::NONE,
            };
            return Value::tainted(personal::of_member(key) | kept);
        }
        if key == "constructor" && (object.function.is_some() || object.path.as_deref() == Some("constructor")) {
            return Value::at_path("Function");
        }
        let Some(base) = object.path.as_deref() else {
            return match key {
                // `[].constructor.constructor` and its like: the function that makes functions.
                "constructor" => Value::at_path("constructor"),
                "length" => Value::default(),
                _ => {
                    let taint = object.taint | personal::of_member(key);
                    Value { taint, origin: object.origin, ..Value::default() }
                }
            };
        };
        // `globals()["main"]`
        if matches!(base, "globals()" | "locals()") {
            let named = self.name_of(key);
            if !named.is_unknown() {
                return named;
            }
        }
        // What a request was answered is read from the request itself.
        if base.ends_with("XMLHttpRequest()") && matches!(key, "responseText" | "response" | "responseXML") {
            return Value::tainted(object.taint | Taint::REMOTE);
        }
        // A page's own things are many, and few of them matter.
        if base == "document" && !matches!(key, "createElement" | "location") {
            return Value::tainted(object.taint | personal::of_member(key));
        }
        if self.learned.has_globals
            && is_global_object(base)
            && let Some(value) = self.of_global_object(key)
        {
            return value;
        }
        if matches!(base, "process.env" | "import.meta.env" | "Bun.env") {
            return self.environment(Some(key), place);
        }
        if key == "sep" && matches!(base, "os" | "os.path" | "path") {
            return Value::text("/");
        }
        let mut taint = object.taint;
        if base == "flask.request" || base == "bottle.request" {
            taint |= Taint::VISITOR;
        }
        // The key of an account that a library made or was told to make.
        if matches!(key, "key" | "_private_key") && base.ends_with("()") && makes_account(base) {
            taint |= Taint::KEY;
        }
        let path = self.joined(base, key);
        let own = match base {
            "exports" if !self.exported.is_empty() => self.exported.get(key).copied(),
            "module" if key == "exports" => self.exported.get("").copied(),
            _ => None,
        };
        if let Some(path) = path.as_deref().filter(|path| path.starts_with(LOCAL) && !path.contains('(')) {
            taint |= self.symbol(path).map_or(Taint::NONE, Taint::symbol);
        }
        Value { path, taint, function: own, origin: object.origin, ..Value::default() }
    }

    /// A member by a computed key.
    pub fn index(&mut self, object: &Value<'a>, key: &Value<'a>, place: Place) -> Value<'a> {
        if matches!(object.path.as_deref(), Some("process.env" | "os.environ")) {
            let mut value = self.environment(key.as_text(), place);
            value.taint |= key.taint.and(Taint::ENV_ALL);
            return value;
        }
        if let Some(text) = key.as_text().filter(|text| text.len() <= 500) {
            let text = text.to_owned();
            return self.member(object, &text, place);
        }
        // `globalThis[decode(name)](text)`: a function of the host whose name nobody is to read.
        let global = object.path.as_deref().is_some_and(is_global_object);
        if global && key.taint.any(Taint::DECODED) && !key.taint.is_given() {
            return Value::at_path("builtins.computed");
        }
        // `[][[]]` is no member at all, and "undefined" where a word is made of it.
        if let (Constant::List(of), Constant::List(by)) = (&object.constant, &key.constant)
            && of.is_empty()
            && by.is_empty()
        {
            return Value::text("undefined");
        }
        // A letter of a short word.
        if let (Constant::Text(text), Constant::Number(number)) = (&object.constant, &key.constant)
            && text.len() <= SHORT_WORD
            && text.is_ascii()
            && let Some(letter) = usize::try_from(*number).ok().and_then(|number| text.get(number..=number))
        {
            return Value { taint: object.taint, ..Value::text(self.made(letter)) };
        }
        if let Constant::Number(number) = key.constant
            && let Some(item) = usize::try_from(number).ok().and_then(|number| object.items().get(number))
        {
            return item.clone();
        }
        // What a number chooses among things that are not known is not made of the number.
        let chosen = if matches!(object.constant, Constant::Unknown) { Taint::DECODED } else { Taint::NONE };
        let by = key.taint.without(Taint::FILE | chosen);
        let constant = self.choices(object);
        // A piece of what a file holds.
        let origin = object.origin.filter(|origin| names_file(origin));
        Value { path: object.path, constant, taint: object.taint | by, origin, ..Value::default() }
    }

    /// The functions of a table, of which something decides only while the program runs which is meant: a list of them.
    fn choices(&mut self, table: &Value<'a>) -> Constant<'a> {
        let function = |value: &&Value<'a>| value.function.is_some();
        let found: Vec<Value<'a>> = match &table.constant {
            Constant::List(items) => items.iter().filter(function).take(MAX_CHOICES).cloned().collect(),
            Constant::Record(fields) => {
                fields.iter().map(|(_, value)| value).filter(function).take(MAX_CHOICES).cloned().collect()
            }
            _ => return Constant::Unknown,
        };
        if found.is_empty() || !self.afford(size_of_val(&*found)) {
            Constant::Unknown
        } else {
            Constant::List(found.into())
        }
    }

    /// The value of one environment variable.
    pub(super) fn environment(&mut self, key: Option<&str>, place: Place) -> Value<'a> {
        let key = key.filter(|key| key.len() <= 500);
        let secret = key.is_some_and(name::is_secret);
        if self.facts.environment.len() < MAX_FACTS {
            self.facts.environment.push(EnvironmentRead { name: key.map(str::to_owned), secret, place });
        }
        let home = key.is_some_and(|key| matches!(key, "HOME" | "USERPROFILE" | "HOMEPATH" | "OneDrive"));
        let taint = if secret { Taint::SECRET } else { Taint::ENV };
        let path = key.and_then(waits::variable).map(Text::from);
        Value { path, ..Value::tainted(if home { taint | Taint::HOME } else { taint }) }
    }

    /// A literal text of the source.
    pub fn literal(&mut self, text: impl Into<Text<'a>>, place: Place) -> Value<'a> {
        let text = text.into();
        let taint = self.taint_of_text(&text, place);
        // `http://` and `https://` in base64.
        if (16..=400).contains(&text.len()) && (text.starts_with("aHR0cDov") || text.starts_with("aHR0cHM6Ly")) {
            let what = "an address that an encoding hides";
            self.mention(Mention { taint: Taint::NONE, signs: Signs::HIDDEN_ADDRESS, what, place });
        }
        if let Some(host) = host_of(&text).filter(|_| self.facts.addresses.len() < MAX_ADDRESSES) {
            self.facts.addresses.insert(host.to_ascii_lowercase());
        }
        if let Some(harmful) = fold::hidden_code(&text).filter(|_| self.facts.encoded.len() < MAX_FACTS) {
            self.facts.encoded.push((place, harmful));
        }
        Value { constant: Constant::Text(text), taint, ..Value::default() }
    }

    /// What the text names, remembered as a mention.
    pub fn taint_of_text(&mut self, text: &str, place: Place) -> Taint {
        self.taint_of_part(text, text, place)
    }

    /// The same of a text of which only a part can name something that was not seen before.
    fn taint_of_part(&mut self, text: &str, part: &str, place: Place) -> Taint {
        let mut taint = Taint::NONE;
        let mut seen = Signs::NONE;
        for pattern in mention::find_all(part).take(MAX_MENTIONS) {
            let kind =
                if pattern.taint.any(Taint::CATCHER) { pattern.taint | Taint::EXFIL_HOST } else { pattern.taint };
            // One text may name the same thing many times.
            if !pattern.signs.without(seen).is_empty() || kind.without(taint) != Taint::NONE {
                self.mention(Mention { taint: kind, signs: pattern.signs, what: pattern.what, place });
            }
            taint |= kind;
            seen |= pattern.signs;
        }
        if is_forge(text) {
            taint |= Taint::FORGE;
        }
        if has_raw_ip(text) {
            taint |= Taint::RAW_IP;
            let what = "a public IP address in place of a host name";
            self.mention(Mention { taint: Taint::RAW_IP, signs: Signs::NONE, what, place });
        }
        taint
    }

    pub(super) fn mention(&mut self, mention: Mention) {
        if self.facts.mentions.len() < MAX_FACTS {
            self.facts.signs |= mention.signs;
            self.facts.mentions.push(mention);
        }
    }

    /// A constant that was computed; a text may name something new.
    pub fn put_together(&mut self, constant: Constant<'a>, taint: Taint, place: Place) -> Value<'a> {
        let constant = self.pay(|_| constant);
        let found = match &constant {
            Constant::Text(text) => self.taint_of_text(&text.clone(), place),
            _ => Taint::NONE,
        };
        Value { constant, taint: taint | found, ..Value::default() }
    }

    /// Texts put together: `a + b`, templates, f-strings.
    pub fn concat(&mut self, left: Value<'a>, right: Value<'a>, place: Place) -> Value<'a> {
        let constant = self.pay(|arena| fold::concat(arena, &left.constant, &right.constant));
        let mut taint = left.whole_taint() | right.whole_taint();
        let path = left.path.filter(|path| path.ends_with("()"));
        // A file goes by its name, whatever the folder.
        let origin = match &right.constant {
            Constant::Text(text) if text.len() <= 300 && names_file(text) => Some(*text),
            _ => {
                let known = |origin: &Text<'a>| {
                    names_file(origin)
                        || self.learned.written.contains_key(file_name(origin))
                        || !self.download(origin).is_empty()
                };
                let part = !matches!(constant, Constant::Text(_));
                match (left.origin, right.origin) {
                    (Some(left), _) if known(&left) => Some(left),
                    (_, Some(right)) if known(&right) => Some(right),
                    (Some(left), _) if part => Some(left),
                    (None, right) if part => right,
                    _ => None,
                }
            }
        };
        // A literal was looked at where it stood; only what was newly put together can name something new.
        let known = taint.without(Taint::DECODED | Taint::FORGE).is_empty();
        if let (Constant::Text(Text::Made(text)), true) = (&constant, known) {
            let text = *text;
            taint |= match taint.any(Taint::DECODED) {
                true => self.look_at_decoded(&Constant::Text(Text::Made(text)), place),
                false => {
                    let seam = if let Constant::Text(left) = &left.constant { left.len() } else { 0 };
                    self.taint_of_part(text, around(text, seam), place)
                }
            };
        }
        // A folder that a program keeps for itself is not what the user keeps.
        if taint.any(Taint::HOME) && [&left.constant, &right.constant].into_iter().any(is_own_folder) {
            taint = taint.without(Taint::HOME);
        }
        // Character after character.
        let row = left.taint.any(Taint::CHARACTER) || !matches!(left.constant, Constant::Text(_));
        if right.taint.any(Taint::CHARACTER) && row {
            taint |= Taint::DECODED;
        }
        if !matches!(constant, Constant::Text(_)) {
            let begins = if let Constant::Text(text) | Constant::Prefix(text) = &left.constant { text } else { "" };
            let ends = match (&left.constant, &right.constant) {
                (Constant::Text(_), _) => "",
                (_, Constant::Text(text) | Constant::Prefix(text)) => text,
                _ => "",
            };
            taint |= joined(begins, ends);
            if has_text(&right.constant) {
                taint |= Taint::JOINED;
            }
        }
        Value { path, constant, taint, origin, ..Value::default() }
    }

    /// A list or tuple.
    pub fn list(&mut self, items: Items<'a>) -> Value<'a> {
        let Items { kept, more } = items;
        kept.iter().for_each(|item| self.opens(item));
        let taint = union(kept.iter()) | more;
        let constant = if kept.len() > LIST_ITEMS { Constant::Unknown } else { Constant::List(kept.into()) };
        Value { constant, taint, ..Value::default() }
    }

    /// An object or dictionary.
    pub fn record(&mut self, fields: Vec<(Text<'a>, Value<'a>)>, rest: Taint) -> Value<'a> {
        fields.iter().for_each(|(_, value)| self.opens(value));
        let taint = union(fields.iter().map(|(_, value)| value)) | rest;
        let constant = if fields.len() > LIST_ITEMS { Constant::Unknown } else { Constant::Record(fields.into()) };
        Value { constant, taint, ..Value::default() }
    }

    /// A value that is one of several, or is made of all of them in a way that is not followed.
    pub fn any_of(&self, values: &[Value<'a>]) -> Value<'a> {
        let taint = union(values.iter());
        let path = values.iter().find_map(|value| value.path);
        // `locale() or ""` is the locale.
        let nothing = |constant: &Constant<'_>| match constant {
            Constant::Unknown => true,
            Constant::Text(text) => text.is_empty() && path.is_some(),
            _ => false,
        };
        let constant = values.iter().map(|value| &value.constant).find(|constant| !nothing(constant));
        // One of several functions.
        let mut functions = values.iter().filter(|value| value.function.is_some() && path.is_none());
        match (functions.next(), functions.next()) {
            (Some(only), None) if constant.is_none() => Value { taint, ..only.clone() },
            (Some(_), Some(_)) if constant.is_none() => {
                let all = values.iter().filter(|value| value.function.is_some()).cloned().collect();
                Value { taint, constant: Constant::List(all), ..Value::default() }
            }
            _ => {
                // A folder of settings whose beginning is not known may be the one that is meant.
                let below = values.iter().filter_map(|value| value.origin.as_ref()).find(|origin| is_settings(origin));
                let constant = constant.cloned().unwrap_or_default();
                Value { path, taint, constant, origin: below.cloned(), ..Value::default() }
            }
        }
    }

    /// A text or list backwards.
    pub fn reversed(&mut self, value: &Value<'a>) -> Value<'a> {
        let constant = self.pay(|arena| fold::reversed(arena, &value.constant));
        let mut taint = value.taint;
        if matches!(constant, Constant::Text(_)) {
            taint |= Taint::DECODED;
        }
        Value { constant, taint, ..Value::default() }
    }

    /// A name that stands in the code in three pieces or more, of what loads or runs something: nobody writes it so but to
    /// hide it from whoever searches.
    pub fn in_pieces(&self, value: &mut Value<'a>, pieces: usize) {
        if pieces >= 3 && value.as_text().is_some_and(|text| PIECED.contains(&text)) {
            value.taint |= Taint::DECODED;
        }
    }

    /// Notes who receives a blind copy of every mail, where that stands in the code: `mail.bcc = "a@b"`.
    pub fn copied_to(&mut self, key: &str, value: &Value<'a>, place: Place) {
        if key.eq_ignore_ascii_case("bcc") && value.as_text().is_some_and(|text| text.contains('@')) {
            self.sign(Signs::COPY_RECEIVER, "who receives a copy of every mail", place);
        }
    }

    /// Notes that something of interest stands at a place.
    pub fn sign(&mut self, signs: Signs, what: &'static str, place: Place) {
        self.mention(Mention { taint: Taint::NONE, signs, what, place });
    }
}

/// Names that are cut into pieces to hide them.
const PIECED: [&str; 14] = [
    "child_process",
    "node:child_process",
    "https",
    "subprocess",
    "base64",
    "marshal",
    "builtins",
    "eval",
    "exec",
    "execSync",
    "spawn",
    "Function",
    "requests",
    "urllib.request",
];

/// True for a constant text, or one whose beginning is constant, that is not empty.
fn has_text(constant: &Constant<'_>) -> bool {
    matches!(constant, Constant::Text(text) | Constant::Prefix(text) if !text.is_empty())
}

/// What any of the values is made of.
pub(super) fn union<'v, 'a: 'v>(values: impl Iterator<Item = &'v Value<'a>>) -> Taint {
    values.fold(Taint::NONE, |all, value| all | value.whole_taint())
}

/// What it says of a text that is not known as a whole that it begins and ends so.
fn joined(begins: &str, ends: &str) -> Taint {
    let mut taint = Taint::NONE;
    if !begins.is_empty() || !ends.is_empty() {
        taint |= Taint::JOINED;
    }
    if names_host(begins) {
        taint |= Taint::BEHIND;
    }
    // A part of a host name: `%` and the number of an interface are none.
    if ends.contains('.') {
        taint |= Taint::FOLLOWED;
    }
    taint
}

/// The same of a template with places to fill: `"https://%s/"`, `"{}.example.org"`.
pub(crate) fn filled(template: &str) -> Taint {
    let (Some(first), Some(last)) = (template.find(['%', '{']), template.rfind(['%', '}'])) else {
        return Taint::NONE;
    };
    let (mark, after) = template[last..].split_at(1);
    let after = after.strip_prefix(['s', 'r', 'd']).filter(|_| mark == "%").unwrap_or(after);
    joined(&template[..first], after)
}
