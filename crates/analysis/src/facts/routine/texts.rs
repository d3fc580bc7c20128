//! The methods of texts.

use std::rc::Rc;

use super::machine::{Answer, Halt, Machine};
use super::operators::MAX_REPEATED;
use super::value::characters;
use super::{Binary, Data};
use crate::facts::fold;

impl Machine {
    pub(super) fn text_method(&mut self, text: &Rc<Vec<u32>>, name: &str, arguments: Vec<Data>) -> Answer<Data> {
        let value = Data::Text(text.clone());
        let length = text.len() as i64;
        let first = arguments.first();
        match name {
            "charCodeAt" | "codePointAt" => {
                let index = self.whole(first, 0)?;
                let unit = usize::try_from(index).ok().and_then(|index| text.get(index));
                Ok(Data::Number(unit.map_or(f64::NAN, |unit| f64::from(*unit))))
            }
            "charAt" | "at" => {
                let index = self.whole(first, 0)?;
                let index = if name == "at" && index < 0 { index + length } else { index };
                let unit = usize::try_from(index).ok().and_then(|index| text.get(index));
                self.new_text(unit.into_iter().copied().collect())
            }
            "slice" | "substring" | "substr" => {
                let (mut start, mut end) = (self.whole(first, 0)?, self.whole(arguments.get(1), length)?);
                match name {
                    "substr" => {
                        start = if start < 0 { (start + length).max(0) } else { start };
                        end = start.saturating_add(end);
                    }
                    "substring" => (start, end) = (start.max(0).min(end.max(0)), start.max(0).max(end.max(0))),
                    _ => {}
                }
                self.slice(&value, [Some(start), Some(end.min(length)), None])
            }
            "join" if self.python => {
                let items = self.each(first.ok_or(Halt::Thrown)?)?;
                self.join(&items, &value)
            }
            "split" => {
                let separator = match first {
                    None | Some(Data::None) if self.python => None,
                    None => Some(Rc::new(vec![u32::MAX])),
                    Some(separator) => Some(self.text(separator)?),
                };
                let parts: Vec<Vec<u32>> = match separator.as_deref() {
                    None => text
                        .split(|c| char::from_u32(*c).is_some_and(char::is_whitespace))
                        .filter(|p| !p.is_empty())
                        .map(<[u32]>::to_vec)
                        .collect(),
                    Some(separator) => split(text, separator),
                };
                self.pay_memory(parts.len() * 48 + text.len() * 4)?;
                self.new_list(parts.into_iter().map(|part| Data::Text(Rc::new(part))).collect())
            }
            "replace" | "replaceAll" => {
                let (from, to) =
                    (self.text(first.ok_or(Halt::Thrown)?)?, self.text(arguments.get(1).ok_or(Halt::Thrown)?)?);
                if from.is_empty() {
                    return Err(Halt::Unknown);
                }
                self.pay(text.len())?;
                let parts = split(text, &from);
                self.pay_memory(parts.len().saturating_mul(to.len() + 1).saturating_mul(4))?;
                let once = name == "replace" && !self.python;
                let mut out = Vec::new();
                for (index, part) in parts.iter().enumerate() {
                    match index {
                        0 => {}
                        1 => out.extend_from_slice(&to),
                        _ => out.extend_from_slice(if once { &from } else { &to }),
                    }
                    out.extend_from_slice(part);
                }
                self.new_text(out)
            }
            "lower" | "toLowerCase" | "upper" | "toUpperCase" | "swapcase" | "title" | "strip" | "trim"
            | "capitalize" => {
                let text = self.string(&value)?;
                let text = match name {
                    "lower" | "toLowerCase" => text.to_lowercase(),
                    "upper" | "toUpperCase" => text.to_uppercase(),
                    "swapcase" => text
                        .chars()
                        .map(|c| if c.is_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() })
                        .collect(),
                    "strip" | "trim" => match first {
                        None => text.trim().to_owned(),
                        Some(set) => {
                            let set = self.string(set)?;
                            text.trim_matches(|c| set.contains(c)).to_owned()
                        }
                    },
                    _ => return Err(Halt::Unknown),
                };
                self.make_text(&text)
            }
            "translate" => {
                let Some(Data::Object(id)) = first else { return Err(Halt::Unknown) };
                self.decodes = true;
                self.pay(text.len())?;
                let mut out = Vec::new();
                for character in text.iter() {
                    let key = characters(&character.to_string());
                    match self.object(*id)?.fields.get(&key[..]).cloned() {
                        None => out.push(*character),
                        Some(Data::None) => {}
                        Some(Data::Number(number)) => out.push(number as u32),
                        Some(other) => out.extend_from_slice(&self.text(&other)?),
                    }
                }
                self.new_text(out)
            }
            "maketrans" => {
                let [from, to] = &arguments[..] else { return Err(Halt::Unknown) };
                let (from, to) = (self.text(from)?, self.text(to)?);
                let record = self.new_list(Vec::new())?;
                let Data::Object(id) = record else { return Err(Halt::Unknown) };
                self.object_mut(id)?.record = true;
                for (from, to) in from.iter().zip(to.iter()) {
                    self.set_member(&record, &Data::Number(f64::from(*from)), Data::Number(f64::from(*to)))?;
                }
                Ok(record)
            }
            "format" => self.braces(&value, &arguments),
            "encode" | "decode" | "toString" | "valueOf" => {
                // `new TextDecoder().decode(bytes)`.
                if let (true, Some(Data::Text(bytes))) = (text.is_empty() && self.wide(), first) {
                    return Ok(Data::Text(bytes.clone()));
                }
                let codec = match first {
                    Some(codec @ Data::Text(_)) => self.string(codec)?,
                    Some(other) if name == "decode" => return self.outside("bytes", vec![other.clone()]),
                    _ => String::new(),
                };
                if fold::is_codec(&codec) && name != "toString" {
                    let text = self.string(&value)?;
                    return self.decoded(&codec, &text);
                }
                if matches!(&*codec, "hex" | "base64") { Err(Halt::Unknown) } else { Ok(value) }
            }
            "hex" => Err(Halt::Unknown),
            "indexOf" | "find" | "index" => {
                let from = self.whole(arguments.get(1), 0)?.max(0) as usize;
                let at = self.find(&value, first.ok_or(Halt::Thrown)?, from)?;
                Ok(Data::Number(at.map_or(-1.0, |at| at as f64)))
            }
            "includes" => self.contains(&value, first.ok_or(Halt::Thrown)?).map(Data::Bool),
            "startsWith" | "startswith" => {
                let start = self.text(first.ok_or(Halt::Thrown)?)?;
                Ok(Data::Bool(text.starts_with(&start)))
            }
            "concat" => {
                let mut all = value;
                for argument in &arguments {
                    all = self.binary(Binary::Add, &all, argument)?;
                }
                Ok(all)
            }
            "repeat" => {
                let times = self.whole(first, 0)?.max(0) as usize;
                if text.len().saturating_mul(times) > MAX_REPEATED {
                    return Err(Halt::Unknown);
                }
                self.pay_memory(text.len().saturating_mul(times).saturating_mul(4))?;
                self.new_text(text.repeat(times))
            }
            "padStart" | "zfill" | "rjust" => {
                let (width, fill) = (
                    self.whole(first, 0)?.clamp(0, 4096) as usize,
                    match arguments.get(1) {
                        Some(fill) => self.text(fill)?.first().copied().unwrap_or(32),
                        None if name == "zfill" => 48,
                        None => 32,
                    },
                );
                let mut out = vec![fill; width.saturating_sub(text.len())];
                out.extend_from_slice(text);
                self.new_text(out)
            }
            "map" => {
                let items = self.each(&value)?;
                self.mapped(first.ok_or(Halt::Thrown)?, items)
            }
            "reverse" => self.slice(&value, [None, None, Some(-1)]),
            _ => Err(Halt::Unknown),
        }
    }
}

pub(super) fn is(text: &[u32], word: &str) -> bool {
    text.len() == word.len() && text.iter().zip(word.bytes()).all(|(a, b)| *a == u32::from(b))
}

/// The parts between separators; every character where the separator is empty.
fn split(text: &[u32], separator: &[u32]) -> Vec<Vec<u32>> {
    let Some((first, rest)) = separator.split_first() else {
        return text.iter().map(|character| vec![*character]).collect();
    };
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    while at < text.len() {
        if text[at] == *first && text[at + 1..].starts_with(rest) {
            parts.push(text[start..at].to_vec());
            at += separator.len();
            start = at;
        } else {
            at += 1;
        }
    }
    parts.push(text[start..].to_vec());
    parts
}
