//! Members, slices and methods of values: which of them there are, by the kind of the value.

use std::rc::Rc;

use super::Data;
use super::machine::{Answer, Halt, Machine};
use super::operators::number_text;
use super::texts::is;
use super::value::{characters, string};

impl Machine {
    /// `object[key]`.
    pub(super) fn member(&mut self, object: &Data, key: &Data) -> Answer<Data> {
        if let Data::Path(path) = object {
            let Data::Text(name) = key else { return Err(Halt::Unknown) };
            let joined = format!("{path}.{}", string(name, self.wide()));
            let plain = ["globalThis.", "window.", "global.", "self.", "builtins.", "__builtins__."];
            let name = plain.iter().find_map(|prefix| joined.strip_prefix(prefix)).unwrap_or(&joined);
            return if name.len() > 160 { Err(Halt::Unknown) } else { Ok(Data::Path(name.into())) };
        }
        let index = match (object, key) {
            (Data::Text(_), Data::Number(number)) => Some(*number),
            (Data::Object(id), Data::Number(number)) if !self.object(*id)?.record => Some(*number),
            _ => None,
        };
        if let Some(index) = index {
            let length = match object {
                Data::Text(text) => text.len(),
                Data::Object(id) => self.object(*id)?.items.len(),
                _ => 0,
            };
            let index = if self.python && index < 0.0 { index + length as f64 } else { index };
            let inside = index >= 0.0 && index.fract() == 0.0 && (index as usize) < length;
            return match (object, inside) {
                (Data::Text(text), true) => Ok(Data::Text(Rc::new(vec![text[index as usize]]))),
                (Data::Object(id), true) => Ok(self.object(*id)?.items[index as usize].clone()),
                _ if self.python => Err(Halt::Thrown),
                _ => Ok(Data::None),
            };
        }
        match object {
            Data::Text(text) => match key {
                Data::Text(name) if is(name, "length") => Ok(Data::Number(text.len() as f64)),
                _ => Err(Halt::Unknown),
            },
            Data::Object(id) => {
                let key = self.text(key)?;
                let object = self.object(*id)?;
                if let Some(value) = object.fields.get(&key[..]) {
                    return Ok(value.clone());
                }
                if is(&key, "length") {
                    return Ok(Data::Number(
                        if object.record { object.fields.len() } else { object.items.len() } as f64
                    ));
                }
                if self.python { Err(Halt::Thrown) } else { Ok(Data::None) }
            }
            Data::None => Err(Halt::Thrown),
            _ => Err(Halt::Unknown),
        }
    }

    /// `object[key] = value`.
    pub(super) fn set_member(&mut self, object: &Data, key: &Data, value: Data) -> Answer<()> {
        let Data::Object(id) = object else { return Err(Halt::Thrown) };
        if let Data::Number(number) = key
            && !self.object(*id)?.record
        {
            let (length, python) = (self.object(*id)?.items.len(), self.python);
            let index = if python && *number < 0.0 { number + length as f64 } else { *number };
            if index < 0.0 || index.fract() != 0.0 || index as usize > length + 65_536 {
                return Err(Halt::Unknown);
            }
            let index = index as usize;
            if index >= length {
                self.pay_memory((index + 1 - length) * 24)?;
            }
            let items = &mut self.object_mut(*id)?.items;
            if index >= items.len() {
                items.resize(index + 1, Data::None);
            }
            items[index] = value;
            return Ok(());
        }
        let key = self.text(key)?;
        self.pay_memory(key.len() * 4 + 64)?;
        self.object_mut(*id)?.fields.insert(key[..].into(), value);
        Ok(())
    }

    pub(super) fn contains(&mut self, holder: &Data, value: &Data) -> Answer<bool> {
        match holder {
            Data::Text(_) => Ok(self.find(holder, value, 0)?.is_some()),
            Data::Object(id) if self.object(*id)?.record => {
                let key = self.text(value)?;
                Ok(self.object(*id)?.fields.contains_key(&key[..]))
            }
            Data::Object(id) => {
                let items = self.object(*id)?.items.clone();
                self.pay(items.len())?;
                Ok(items.iter().any(|item| self.equal(item, value)))
            }
            _ => Err(Halt::Unknown),
        }
    }

    pub(super) fn find(&mut self, text: &Data, part: &Data, from: usize) -> Answer<Option<usize>> {
        let (text, part) = (self.text(text)?, self.text(part)?);
        // Searching character by character: what it costs at worst is paid for before.
        self.pay(text.len().saturating_mul(part.len().clamp(1, 64)) / 8)?;
        if part.len() > 64 {
            return Err(Halt::Unknown);
        }
        if part.is_empty() {
            return Ok(Some(from));
        }
        let rest = text.get(from..).unwrap_or_default();
        Ok(rest.windows(part.len()).position(|window| *window == part[..]).map(|at| at + from))
    }

    /// Python's `[start:end:step]`.
    pub(super) fn slice(&mut self, object: &Data, [start, end, step]: [Option<i64>; 3]) -> Answer<Data> {
        let (length, texts) = match object {
            Data::Text(text) => (text.len(), true),
            Data::Object(id) => (self.object(*id)?.items.len(), Data::are_texts(&self.object(*id)?.items)),
            _ => return Err(Halt::Unknown),
        };
        let length = length as i64;
        let step = step.unwrap_or(1);
        self.decodes |= step != 1 && texts;
        if step == 0 {
            return Err(Halt::Thrown);
        }
        let bound = |value: i64, low: i64, high: i64| (if value < 0 { value + length } else { value }).clamp(low, high);
        let (start, end) = if step > 0 {
            (start.map_or(0, |v| bound(v, 0, length)), end.map_or(length, |v| bound(v, 0, length)))
        } else {
            (start.map_or(length - 1, |v| bound(v, -1, length - 1)), end.map_or(-1, |v| bound(v, -1, length - 1)))
        };
        let mut indexes = Vec::new();
        let mut at = start;
        while (step > 0 && at < end) || (step < 0 && at > end) {
            indexes.push(at as usize);
            at = at.saturating_add(step);
        }
        self.pay_memory(indexes.len() * 12)?;
        match object {
            Data::Text(text) => {
                let text = indexes.into_iter().map(|index| text[index]).collect();
                self.new_text(text)
            }
            Data::Object(id) => {
                let items = &self.object(*id)?.items;
                let items = indexes.into_iter().map(|index| items[index].clone()).collect();
                self.new_list(items)
            }
            _ => Err(Halt::Unknown),
        }
    }

    /// `object.name(arguments)`.
    pub(super) fn call_member(&mut self, object: &Data, name: &str, arguments: Vec<Data>) -> Answer<Data> {
        self.pay(4)?;
        match object {
            Data::Text(text) => self.text_method(&text.clone(), name, arguments),
            Data::Object(id) => {
                let own = self.object(*id)?.fields.get(&characters(name)[..]).cloned();
                if let Some(own) = own {
                    return self.invoke(&own, arguments);
                }
                if self.object(*id)?.function.is_some() {
                    return match name {
                        "apply" => {
                            let list = arguments.get(1).cloned().unwrap_or_default();
                            let list = if matches!(list, Data::None) { Vec::new() } else { self.each(&list)? };
                            self.invoke(object, list)
                        }
                        "call" => self.invoke(object, arguments.into_iter().skip(1).collect()),
                        "bind" => Ok(object.clone()),
                        "__call__" => self.invoke(object, arguments),
                        _ => Err(Halt::Unknown),
                    };
                }
                if self.object(*id)?.record {
                    self.record_method(*id, name, &arguments)
                } else {
                    self.list_method(*id, name, arguments)
                }
            }
            Data::Path(path) => match name {
                "apply" => {
                    let list = self.each(arguments.get(1).ok_or(Halt::Unknown)?)?;
                    self.outside(&path.clone(), list)
                }
                "call" => self.outside(&path.clone(), arguments.into_iter().skip(1).collect()),
                _ => {
                    let callee = self.member(object, &Data::text(name, self.wide()))?;
                    self.invoke(&callee, arguments)
                }
            },
            Data::Number(number) => match name {
                "toString" => {
                    let text = radix_text(*number, self.whole(arguments.first(), 10)?).ok_or(Halt::Unknown)?;
                    self.make_text(&text)
                }
                "to_bytes" => {
                    let (number, length) = (*number as u64, self.whole(arguments.first(), 1)?.clamp(0, 8) as usize);
                    let little = match arguments.get(1) {
                        Some(order) => self.string(order)? == "little",
                        None => false,
                    };
                    let mut bytes: Vec<u32> =
                        number.to_le_bytes().iter().take(length).map(|byte| u32::from(*byte)).collect();
                    if !little {
                        bytes.reverse();
                    }
                    self.new_text(bytes)
                }
                _ => Err(Halt::Unknown),
            },
            Data::None => Err(Halt::Thrown),
            Data::Bool(_) => Err(Halt::Unknown),
        }
    }

    fn record_method(&mut self, id: usize, name: &str, arguments: &[Data]) -> Answer<Data> {
        match name {
            "get" => {
                let key = self.text(arguments.first().ok_or(Halt::Thrown)?)?;
                let found = self.object(id)?.fields.get(&key[..]).cloned();
                Ok(found.or_else(|| arguments.get(1).cloned()).unwrap_or_default())
            }
            "hasOwnProperty" => self.contains(&Data::Object(id), &arguments[0]).map(Data::Bool),
            _ => Err(Halt::Unknown),
        }
    }
}

/// A number in a base from 2 to 36.
fn radix_text(number: f64, radix: i64) -> Option<String> {
    if radix == 10 {
        return Some(number_text(number));
    }
    if !(2..=36).contains(&radix) || number.fract() != 0.0 || number.abs() > 9e15 {
        return None;
    }
    let (mut rest, mut digits) = (number.abs() as u64, Vec::new());
    loop {
        digits.push(char::from_digit((rest % radix as u64) as u32, radix as u32)?);
        rest /= radix as u64;
        if rest == 0 {
            break;
        }
    }
    let sign = if number < 0.0 { "-" } else { "" };
    Some(sign.to_owned() + &digits.into_iter().rev().collect::<String>())
}
