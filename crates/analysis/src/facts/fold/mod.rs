//! Constant folding: what a pure text operation yields when its operands are constant.
//!
//! Every result is at most [`MAX_DECODED`] bytes; the builder also bounds the sum of all results of a file. A text longer
//! than [`MAX_TEXT`] is only put together and decoded; whoever looks at many texts leaves it alone.

mod decode;
mod hidden;

pub(super) use decode::decode as decoded_text;
pub(crate) use decode::text_of;
use decode::{MAX_DECODED, bytes_of};
pub(super) use hidden::hidden_code;
use oxc_allocator::Allocator;

pub(super) use super::value::MAX_TEXT;
use super::value::{Constant, LIST_ITEMS, Text, Value};

/// `left + right`.
pub(super) fn concat<'a>(arena: &'a Allocator, left: &Constant<'a>, right: &Constant<'a>) -> Constant<'a> {
    match (left, right) {
        (Constant::Text(a), Constant::Text(b)) if a.len() + b.len() <= MAX_DECODED => {
            Constant::Text(Text::Made(arena.alloc_concat_strs_array([a, b])))
        }
        (Constant::Text(a), Constant::Prefix(b)) if a.len() + b.len() <= MAX_DECODED => {
            Constant::Prefix(Text::Made(arena.alloc_concat_strs_array([a, b])))
        }
        (Constant::Text(a), Constant::List(b)) if b.is_empty() => Constant::Text(*a),
        (Constant::Text(a), Constant::Number(b)) => Constant::Text(Text::made(arena, &format!("{}{b}", &**a))),
        (Constant::Text(a) | Constant::Prefix(a), _) => Constant::Prefix(*a),
        (Constant::Number(a), Constant::Number(b)) => a.checked_add(*b).map_or(Constant::Unknown, Constant::Number),
        (Constant::List(a), Constant::List(b)) if a.len() + b.len() <= LIST_ITEMS => {
            Constant::List(a.iter().chain(b.iter()).cloned().collect())
        }
        // What nobody writes but to make words of signs: `![] + []` is "false".
        (Constant::Bool(a), Constant::List(b)) if b.is_empty() => {
            Constant::Text(Text::made(arena, if *a { "true" } else { "false" }))
        }
        (Constant::List(a), Constant::Record(b)) if a.is_empty() && b.is_empty() => {
            Constant::Text("[object Object]".into())
        }
        _ => Constant::Unknown,
    }
}

/// A method of a constant text or list: `"".join(..)`, `.replace(..)`, `.reverse()`.
pub(super) fn method<'a>(
    arena: &'a Allocator,
    receiver: &Value<'a>,
    name: &str,
    arguments: &[&Value<'a>],
) -> Constant<'a> {
    let first = arguments.first().and_then(|value| value.as_text());
    match (&receiver.constant, name) {
        (Constant::Text(text), "decode" | "encode") if first.is_some_and(is_codec) => {
            decode(arena, first.unwrap_or_default(), text)
        }
        (Constant::Text(_), "decode" | "encode" | "valueOf") => receiver.constant.clone(),
        (Constant::Text(text), "strip" | "trim" | "rstrip" | "lstrip" | "trimStart" | "trimEnd") if first.is_none() => {
            let trimmed = if matches!(name, "rstrip" | "trimEnd") { text } else { text.trim_start() };
            bounded(arena, if matches!(name, "lstrip" | "trimStart") { trimmed } else { trimmed.trim_end() })
        }
        (Constant::Text(text), "toString") if first.is_none_or(is_plain_encoding) => Constant::Text(*text),
        (Constant::Text(text), "toString") if first == Some("hex") => {
            bounded(arena, &data_encoding::HEXLOWER.encode(&bytes_of(text)))
        }
        (Constant::Text(text), "toString") if first.is_some_and(|encoding| encoding.starts_with("base64")) => {
            bounded(arena, &data_encoding::BASE64.encode(&bytes_of(text)))
        }
        (Constant::Text(text), "lower" | "toLowerCase") => bounded(arena, &text.to_ascii_lowercase()),
        (Constant::Text(text), "upper" | "toUpperCase") => bounded(arena, &text.to_ascii_uppercase()),
        (Constant::Text(separator), "join") => {
            join(arena, arguments.first().map_or(&[], |list| list.items()), separator)
        }
        (Constant::List(items), "join") => join(arena, items, first.unwrap_or(",")),
        (Constant::List(items), "reverse") => Constant::List(items.iter().rev().cloned().collect()),
        (Constant::Text(text), "split") => split(arena, text, first),
        (Constant::Text(text), "replace" | "replaceAll") => match (first, arguments.get(1).and_then(|to| to.as_text()))
        {
            // Counted first: a long text in place of every letter of a long one is hundreds of megabytes.
            (Some(from), Some(to)) if !from.is_empty() => {
                let longer = to.len().saturating_sub(from.len());
                match text.len() + text.matches(from).count() * longer <= MAX_TEXT {
                    true => bounded(arena, &text.replace(from, to)),
                    false => Constant::Unknown,
                }
            }
            // A program in which a placeholder is filled is still that program.
            (Some(from), None)
                if !from.is_empty() && (200..=MAX_TEXT).contains(&text.len()) && arguments.len() == 2 =>
            {
                bounded(arena, &text.replace(from, ""))
            }
            _ => Constant::Unknown,
        },
        (Constant::Text(_), "concat") if arguments.len() <= LIST_ITEMS => {
            arguments.iter().fold(receiver.constant.clone(), |all, next| concat(arena, &all, &next.constant))
        }
        _ => Constant::Unknown,
    }
}

/// Characters by their numbers: `chr`, `String.fromCharCode`, `bytes([..])`.
pub(super) fn characters<'a>(arena: &'a Allocator, numbers: &[&Value<'a>]) -> Constant<'a> {
    let character = |value: &&Value<'a>| match value.constant {
        Constant::Number(number) => u32::try_from(number).ok().and_then(char::from_u32),
        _ => None,
    };
    let text = numbers.iter().map(character).collect::<Option<String>>();
    text.map_or(Constant::Unknown, |text| bounded(arena, &text))
}

/// What an encoded text hides, for the decoders that need no key.
pub(super) fn decode<'a>(arena: &'a Allocator, decoder: &str, text: &str) -> Constant<'a> {
    decoded_text(decoder, text).map_or(Constant::Unknown, |text| bounded(arena, &text))
}

/// A text backwards: `[::-1]`.
pub(super) fn reversed<'a>(arena: &'a Allocator, value: &Constant<'a>) -> Constant<'a> {
    match value {
        Constant::Text(text) if text.len() <= MAX_DECODED => bounded(arena, &text.chars().rev().collect::<String>()),
        Constant::List(items) => Constant::List(items.iter().rev().cloned().collect()),
        _ => Constant::Unknown,
    }
}

/// True for the codecs that hide a text, as `str.decode` of Python 2 and `codecs` know them.
pub(super) fn is_codec(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', '_'], "");
    [
        "rot13",
        "hex",
        "hexcodec",
        "base64",
        "base64codec",
        "zlib",
        "zlibcodec",
        "zip",
        "bz2",
        "unicodeescape",
        "stringescape",
        "cp037",
        "cp273",
        "cp424",
        "cp500",
        "cp1026",
        "cp1140",
    ]
    .contains(&name.as_str())
}

/// True for the encodings in which `Buffer.toString` yields the text itself.
fn is_plain_encoding(name: &str) -> bool {
    ["utf", "latin1", "binary", "ascii", "ucs"].iter().any(|plain| name.starts_with(plain))
}

fn join<'a>(arena: &'a Allocator, items: &[Value<'a>], separator: &str) -> Constant<'a> {
    // Counted first: a list may name one long text many times.
    let mut length = separator.len() * items.len().saturating_sub(1);
    for item in items {
        match item.as_text() {
            Some(text) => length += text.len(),
            None => return Constant::Unknown,
        }
    }
    if items.is_empty() || length > MAX_TEXT {
        return Constant::Unknown;
    }
    let texts: Vec<&str> = items.iter().filter_map(|item| item.as_text()).collect();
    bounded(arena, &texts.join(separator))
}

fn split<'a>(arena: &'a Allocator, text: &str, separator: Option<&str>) -> Constant<'a> {
    let item = |text: &str| Value::text(Text::made(arena, text));
    let items: Vec<Value<'a>> = match separator {
        Some("") => text.chars().take(LIST_ITEMS + 1).map(|c| item(c.encode_utf8(&mut [0; 4]))).collect(),
        Some(separator) => text.split(separator).take(LIST_ITEMS + 1).map(item).collect(),
        None => text.split_whitespace().take(LIST_ITEMS + 1).map(item).collect(),
    };
    if items.len() > LIST_ITEMS { Constant::Unknown } else { Constant::List(items.into()) }
}

fn bounded<'a>(arena: &'a Allocator, text: &str) -> Constant<'a> {
    if text.len() <= 2 * MAX_DECODED { Constant::Text(Text::made(arena, text)) } else { Constant::Unknown }
}
