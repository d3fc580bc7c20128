//! Strict JSON (RFC 8259) that knows where things stand: a text comes in, a tree with an offset for each member goes
//! out. Duplicate keys, trailing text, nesting beyond 128 levels and absurd numbers of values are errors with a line.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::ManifestError;
use super::source_file::SourceFile;

/// Most values in one file: it bounds memory. The largest known npm lockfiles hold about 400,000.
const MOST_VALUES: usize = 4_000_000;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Object(Vec<Member<'a>>),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member<'a> {
    pub name: Cow<'a, str>,
    /// Where the name stands, in bytes. For a name written with escapes: where the name or text before it stands.
    pub offset: usize,
    pub value: Json<'a>,
}

impl<'a> Json<'a> {
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.member(name).map(|member| &member.value)
    }

    pub fn member(&self, name: &str) -> Option<&Member<'a>> {
        self.members().iter().find(|member| member.name == name)
    }

    /// The members of an object; nothing for any other value.
    pub fn members(&self) -> &[Member<'a>] {
        if let Self::Object(members) = self { members } else { &[] }
    }

    /// The values of a list; nothing for any other value.
    pub fn items(&self) -> &[Json<'a>] {
        if let Self::List(items) = self { items } else { &[] }
    }

    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(value) => value.serialize(serializer),
            Self::Text(value) => serializer.serialize_str(value),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for member in members {
                    map.serialize_entry(&member.name, &member.value)?;
                }
                map.end()
            }
        }
    }
}

/// Parses a file whose top level is an object.
pub(super) fn parse(source: &SourceFile) -> Result<Json<'_>, ManifestError> {
    let state = State { text: &source.text, last: Cell::new(0), values: Cell::new(0) };
    let mut deserializer = serde_json::Deserializer::from_str(&source.text);
    let parsed = Node(&state).deserialize(&mut deserializer).and_then(|json| deserializer.end().map(|()| json));
    match parsed {
        Ok(json @ Json::Object(_)) => Ok(json),
        Ok(other) => Err(source.syntax(1, "JSON", &format!("got {}, expected an object", other.kind()))),
        Err(error) => {
            let line = u32::try_from(error.line()).unwrap_or(u32::MAX).max(1);
            let message = error.to_string();
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
            Err(source.syntax(line, "JSON", message))
        }
    }
}

struct State<'t> {
    text: &'t str,
    last: Cell<usize>,
    values: Cell<usize>,
}

impl State<'_> {
    /// A text without escapes is a slice of the input, so that its address tells where it stands.
    fn locate(&self, slice: &str) {
        let offset = (slice.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        if offset < self.text.len() {
            self.last.set(offset);
        }
    }
}

#[derive(Clone, Copy)]
struct Node<'s>(&'s State<'s>);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        let count = self.0.values.get() + 1;
        if count > MOST_VALUES {
            return Err(D::Error::custom(format!("got more than {MOST_VALUES} values, expected fewer")));
        }
        self.0.values.set(count);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json<'de>, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        self.0.locate(value);
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        let mut members: Vec<Member<'de>> = Vec::new();
        let mut names: HashSet<Cow<'de, str>> = HashSet::new();
        while let Some(name) = map.next_key_seed(Name(self.0))? {
            if !names.insert(name.clone()) {
                let name = sigma_core::printable(&name, 80);
                return Err(A::Error::custom(format!("got the key `{name}` twice, expected it once; remove one")));
            }
            let offset = self.0.last.get();
            members.push(Member { name, offset, value: map.next_value_seed(self)? });
        }
        Ok(Json::Object(members))
    }
}

struct Name<'s>(&'s State<'s>);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name<'_> {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Cow<'de, str>, E> {
        self.0.locate(value);
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(&SourceFile::in_memory("x.json", text)).unwrap_err().to_string()
    }

    #[test]
    fn members_know_their_line() {
        let source =
            SourceFile::in_memory("x.json", "{\n \"a\": [1, -2, 1.5, null, true],\n \"b\": {\n  \"c\": \"d\\n\"}}\n");
        let json = parse(&source).unwrap();
        assert_eq!(source.at(json.member("a").unwrap().offset).line, 2);
        assert_eq!(source.at(json.get("b").unwrap().member("c").unwrap().offset).line, 4);
        assert_eq!(serde_json::to_string(&json).unwrap(), r#"{"a":[1,-2,1.5,null,true],"b":{"c":"d\n"}}"#);
    }

    #[test]
    fn what_is_not_strict_json_is_an_error_with_a_line() {
        let check = |text: &str, expect: &str| assert_eq!(error(text), format!("x.json:{expect}"), "{text}");
        check("{\"a\": 1,\n\"a\": 2}", "2: not valid JSON: got the key `a` twice, expected it once; remove one");
        check("{\"a\": 1,\n\"\\u0061\": 2}", "2: not valid JSON: got the key `a` twice, expected it once; remove one");
        check("{}\n}", "2: not valid JSON: trailing characters");
        check("[]", "1: not valid JSON: got a list, expected an object");
        check("{\n// x\n}", "2: not valid JSON: key must be a string");
        check("{\"a\": [1,]}", "1: not valid JSON: trailing comma");
        check("", "1: not valid JSON: EOF while parsing a value");
        check(&"{\"a\":".repeat(200), "1: not valid JSON: recursion limit exceeded");
        check(&format!("{{\"a\":{}", "[".repeat(1 << 20)), "1: not valid JSON: recursion limit exceeded");
    }
}
