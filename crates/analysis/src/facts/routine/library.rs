//! The built-in functions and methods that routines may use: texts, numbers and lists, nothing else.

use std::rc::Rc;

use super::machine::{Answer, Halt, Machine, number_text, to_i32};
use super::value::{characters, string};
use super::{Binary, Data};
use crate::facts::fold;

impl Machine {
    fn wide(&self) -> bool {
        !self.python
    }

    fn string(&mut self, value: &Data) -> Answer<String> {
        Ok(string(&self.text(value)?, self.wide()))
    }

    fn make_text(&mut self, text: &str) -> Answer<Data> {
        self.pay_memory(text.len())?;
        Ok(Data::text(text, self.wide()))
    }

    fn whole(&self, value: Option<&Data>, otherwise: i64) -> Answer<i64> {
        match value {
            None | Some(Data::None) => Ok(otherwise),
            Some(value) => Ok(self.number(value)? as i64),
        }
    }

    /// A function that is no function of the file, by its dotted name.
    pub(super) fn outside(&mut self, path: &str, arguments: Vec<Data>) -> Answer<Data> {
        self.pay(4)?;
        let first = arguments.first();
        match path {
            "chr" | "String.fromCharCode" | "String.fromCodePoint" | "unichr" => {
                self.decodes = true;
                let mut text = Vec::new();
                for value in &arguments {
                    let number = self.number(value)?;
                    let wide = self.wide() && path == "String.fromCharCode";
                    let number = if wide { i64::from(to_i32(number) as u16) } else { number as i64 };
                    text.push(u32::try_from(number).ok().filter(|n| *n <= 0x10_ffff).ok_or(Halt::Thrown)?);
                }
                self.new_text(text)
            }
            "ord" => Ok(Data::Number(self.number(first.ok_or(Halt::Thrown)?)?)),
            "len" => self.member(first.ok_or(Halt::Thrown)?, &Data::Text(characters("length"))),
            "bytes" | "bytearray" | "Buffer.from" | "Uint8Array" | "Uint8Array.from" | "Buffer"
                if matches!(first, Some(Data::Object(_))) =>
            {
                self.decodes = true;
                let mut text = Vec::new();
                for item in self.each(&arguments[0])? {
                    text.push(self.number(&item)? as u32 & 255);
                }
                // Bytes that are UTF-8 are read as such, like everywhere else.
                let bytes: Vec<u8> = text.iter().map(|byte| *byte as u8).collect();
                match std::str::from_utf8(&bytes) {
                    Ok(plain) if !plain.is_ascii() => self.make_text(plain),
                    _ => self.new_text(text),
                }
            }
            "bytes" | "bytearray" | "str" | "String" | "memoryview" => match first {
                Some(value) => {
                    let text = self.text(value)?;
                    Ok(Data::Text(text))
                }
                None => self.new_text(Vec::new()),
            },
            "Buffer.from" => match arguments.get(1) {
                Some(encoding) => {
                    let (name, text) = (self.string(encoding)?, self.string(&arguments[0])?);
                    if name.starts_with("utf") || name == "binary" || name == "latin1" {
                        return Ok(arguments[0].clone());
                    }
                    self.decoded(&name, &text)
                }
                None => first.cloned().ok_or(Halt::Thrown),
            },
            "int" | "parseInt" => self.parse_int(&arguments),
            "Number" | "parseFloat" | "float" => Ok(Data::Number(self.number(first.unwrap_or(&Data::None))?)),
            "Math.floor" | "Math.trunc" => Ok(Data::Number(self.number(first.unwrap_or(&Data::None))?.floor())),
            "Math.abs" | "abs" => Ok(Data::Number(self.number(first.unwrap_or(&Data::None))?.abs())),
            "isNaN" => Ok(Data::Bool(self.number(first.unwrap_or(&Data::None))?.is_nan())),
            "hex" => {
                let number = self.number(first.unwrap_or(&Data::None))? as i64;
                self.make_text(&format!("0x{number:x}"))
            }
            "bool" | "Boolean" => Ok(Data::Bool(first.is_some_and(|value| self.truth(value)))),
            "list" | "tuple" | "iter" | "Array.from" if arguments.len() == 1 => {
                let items = self.each(&arguments[0])?;
                self.new_list(items)
            }
            "Array.from" => {
                let items = self.each(&arguments[0])?;
                self.mapped(&arguments[1], items)
            }
            "list" => self.new_list(Vec::new()),
            "Array" => self.new_list(arguments),
            "range" => self.range(&arguments),
            "map" => {
                let items = self.each(arguments.get(1).ok_or(Halt::Thrown)?)?;
                self.mapped(&arguments[0], items)
            }
            "filter" => {
                let items = self.each(arguments.get(1).ok_or(Halt::Thrown)?)?;
                let items = self.filtered(&arguments[0], items)?;
                self.new_list(items)
            }
            "enumerate" => {
                let items = self.each(first.ok_or(Halt::Thrown)?)?;
                let mut pairs = Vec::new();
                for (index, item) in items.into_iter().enumerate() {
                    pairs.push(self.new_list(vec![Data::Number(index as f64), item])?);
                }
                self.new_list(pairs)
            }
            "zip" => {
                let mut lists = Vec::new();
                for argument in &arguments {
                    lists.push(self.each(argument)?);
                }
                let length = lists.iter().map(Vec::len).min().unwrap_or(0);
                let mut rows = Vec::new();
                for index in 0..length {
                    rows.push(self.new_list(lists.iter().map(|list| list[index].clone()).collect())?);
                }
                self.new_list(rows)
            }
            "reversed" => {
                self.decodes = true;
                let mut items = self.each(first.ok_or(Halt::Thrown)?)?;
                items.reverse();
                self.new_list(items)
            }
            "sum" => {
                let mut sum = 0.0;
                for item in self.each(first.ok_or(Halt::Thrown)?)? {
                    sum += self.number(&item)?;
                }
                Ok(Data::Number(sum))
            }
            "min" | "max" => {
                let values = if arguments.len() == 1 { self.each(&arguments[0])? } else { arguments };
                let mut best = None;
                for value in values {
                    let number = self.number(&value)?;
                    best =
                        Some(best.map_or(number, |b: f64| if path == "min" { b.min(number) } else { b.max(number) }));
                }
                best.map(Data::Number).ok_or(Halt::Thrown)
            }
            "itertools.cycle" => {
                let items = self.each(first.ok_or(Halt::Thrown)?)?;
                let times = 4096 / items.len().max(1) + 1;
                let items: Vec<Data> = (0..times).flat_map(|_| items.iter().cloned()).collect();
                self.new_list(items)
            }
            "codecs.decode" | "codecs.encode" => {
                let name = self.string(arguments.get(1).ok_or(Halt::Thrown)?)?;
                let text = self.string(&arguments[0])?;
                self.decoded(&name, &text)
            }
            "str.maketrans" | "bytes.maketrans" | "string.maketrans" => {
                self.text_method(&characters(""), "maketrans", arguments)
            }
            "TextDecoder" | "TextEncoder" => self.new_text(Vec::new()),
            _ if path.ends_with("()") => Err(Halt::Unknown),
            // Any decoder of the table; a name that is none yields nothing.
            _ => {
                let text = self.string(first.ok_or(Halt::Unknown)?)?;
                self.decoded(path, &text)
            }
        }
    }

    fn decoded(&mut self, decoder: &str, text: &str) -> Answer<Data> {
        self.pay(text.len())?;
        self.decodes = true;
        if decoder.contains("compress") || decoder.contains("zip") || decoder.contains("nflate") {
            self.pay_memory(256 << 10)?;
        }
        match fold::decoded_text(decoder, text) {
            Some(text) => self.make_text(&text),
            None => Err(Halt::Unknown),
        }
    }

    fn parse_int(&mut self, arguments: &[Data]) -> Answer<Data> {
        let Some(value) = arguments.first() else { return Ok(Data::Number(0.0)) };
        if let Data::Number(number) = value {
            return Ok(Data::Number(number.trunc()));
        }
        let text = self.string(value)?;
        let text = text.trim();
        let (sign, text) = text.strip_prefix('-').map_or((1.0, text), |text| (-1.0, text));
        let mut radix = self.whole(arguments.get(1), 10)?;
        let mut digits = text;
        for (prefix, base) in [("0x", 16), ("0X", 16), ("0b", 2), ("0o", 8)] {
            let explicit = radix == base || radix == 0 || base == 16 && arguments.len() < 2 && !self.python;
            if let Some(rest) = text.strip_prefix(prefix).filter(|_| explicit) {
                (digits, radix) = (rest, base);
            }
        }
        let radix = u32::try_from(radix).ok().filter(|radix| (2..=36).contains(radix)).ok_or(Halt::Thrown)?;
        let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
        if self.python && (end < digits.len() || digits.is_empty()) {
            return Err(Halt::Thrown);
        }
        if end == 0 {
            return Ok(Data::Number(f64::NAN));
        }
        let number = digits[..end]
            .chars()
            .fold(0.0, |sum, c| sum * f64::from(radix) + f64::from(c.to_digit(radix).unwrap_or(0)));
        if self.python && number > 9e15 { Err(Halt::Unknown) } else { Ok(Data::Number(sign * number)) }
    }

    fn range(&mut self, arguments: &[Data]) -> Answer<Data> {
        let numbers: Vec<i64> =
            arguments.iter().map(|value| self.number(value).map(|n| n as i64)).collect::<Answer<_>>()?;
        let (start, end, step) = match numbers[..] {
            [end] => (0, end, 1),
            [start, end] => (start, end, 1),
            [start, end, step] if step != 0 => (start, end, step),
            _ => return Err(Halt::Thrown),
        };
        let span = if step > 0 { end.saturating_sub(start) } else { start.saturating_sub(end) };
        let count = if span <= 0 { 0 } else { (span as u64).div_ceil(step.unsigned_abs()) as usize };
        self.pay_memory(count.saturating_mul(24))?;
        self.new_list((0..count as i64).map(|index| Data::Number((start + index * step) as f64)).collect())
    }

    fn mapped(&mut self, function: &Data, items: Vec<Data>) -> Answer<Data> {
        let mut mapped = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let arguments = if self.python { vec![item] } else { vec![item, Data::Number(index as f64)] };
            mapped.push(self.invoke(function, arguments)?);
        }
        self.new_list(mapped)
    }

    fn filtered(&mut self, function: &Data, items: Vec<Data>) -> Answer<Vec<Data>> {
        let mut kept = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let keep = self.invoke(function, vec![item.clone(), Data::Number(index as f64)])?;
            if self.truth(&keep) {
                kept.push(item);
            }
        }
        Ok(kept)
    }

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

    fn find(&mut self, text: &Data, part: &Data, from: usize) -> Answer<Option<usize>> {
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

    pub(super) fn join(&mut self, items: &[Data], separator: &Data) -> Answer<Data> {
        let separator = self.text(separator)?;
        let mut text = Vec::new();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                text.extend_from_slice(&separator);
            }
            text.extend_from_slice(&self.text(item)?);
            self.pay_memory(separator.len() * 4)?;
        }
        self.new_text(text)
    }

    /// Python's `[start:end:step]`.
    pub(super) fn slice(&mut self, object: &Data, [start, end, step]: [Option<i64>; 3]) -> Answer<Data> {
        let length = match object {
            Data::Text(text) => text.len(),
            Data::Object(id) => self.object(*id)?.items.len(),
            _ => return Err(Halt::Unknown),
        } as i64;
        let step = step.unwrap_or(1);
        self.decodes |= step != 1;
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

    /// `"%s%d" % (a, b)`.
    pub(super) fn percent(&mut self, format: &Data, values: &Data) -> Answer<Data> {
        let format = self.string(format)?;
        let values = match values {
            Data::Object(id) if !self.object(*id)?.record => self.object(*id)?.items.clone(),
            other => vec![other.clone()],
        };
        let (mut out, mut next, mut rest) = (String::new(), 0, format.as_str());
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let kind = rest.chars().next().ok_or(Halt::Thrown)?;
            rest = &rest[kind.len_utf8()..];
            if kind == '%' {
                out.push('%');
                continue;
            }
            let value = values.get(next).cloned().ok_or(Halt::Thrown)?;
            next += 1;
            match kind {
                's' | 'd' | 'i' | 'r' => out.push_str(&self.string(&value)?),
                'c' => match value {
                    Data::Number(number) => out.push(char::from_u32(number as u32).ok_or(Halt::Thrown)?),
                    value => out.push_str(&self.string(&value)?),
                },
                'x' => out.push_str(&format!("{:x}", self.number(&value)? as i64)),
                'X' => out.push_str(&format!("{:X}", self.number(&value)? as i64)),
                _ => return Err(Halt::Unknown),
            }
        }
        out.push_str(rest);
        self.make_text(&out)
    }

    /// `"{}{1}".format(a, b)`.
    fn braces(&mut self, format: &Data, values: &[Data]) -> Answer<Data> {
        let format = self.string(format)?;
        let (mut out, mut next, mut rest) = (String::new(), 0, format.as_str());
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(&rest[..at]);
            let (mark, after) = rest[at..].split_at(1);
            rest = after;
            if let Some(after) = rest.strip_prefix(mark) {
                out.push_str(mark);
                rest = after;
                continue;
            }
            let (field, after) = rest.split_once('}').ok_or(Halt::Thrown)?;
            let index = if field.is_empty() { next } else { field.parse().map_err(|_| Halt::Unknown)? };
            next += 1;
            let value = values.get(index).cloned().ok_or(Halt::Thrown)?;
            out.push_str(&self.string(&value)?);
            rest = after;
        }
        out.push_str(rest);
        self.make_text(&out)
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

    fn list_method(&mut self, id: usize, name: &str, arguments: Vec<Data>) -> Answer<Data> {
        let length = self.object(id)?.items.len();
        match name {
            "push" | "append" | "add" => {
                self.pay_memory(arguments.len() * 32)?;
                self.object_mut(id)?.items.extend(arguments);
                Ok(Data::Number(self.object(id)?.items.len() as f64))
            }
            "extend" => {
                let more = self.each(arguments.first().ok_or(Halt::Thrown)?)?;
                self.object_mut(id)?.items.extend(more);
                Ok(Data::None)
            }
            "shift" => {
                self.pay(length / 64)?;
                let items = &mut self.object_mut(id)?.items;
                Ok(if items.is_empty() { Data::None } else { items.remove(0) })
            }
            "pop" => {
                let index = self.whole(arguments.first(), -1)?;
                let index = if index < 0 { index + length as i64 } else { index };
                self.pay(length / 64)?;
                let items = &mut self.object_mut(id)?.items;
                match usize::try_from(index).ok().filter(|index| *index < items.len()) {
                    Some(index) => Ok(items.remove(index)),
                    None if self.python => Err(Halt::Thrown),
                    None => Ok(Data::None),
                }
            }
            "unshift" | "insert" => {
                self.pay_memory(arguments.len() * 32 + length)?;
                let (index, value) = match (name, &arguments[..]) {
                    ("insert", [index, value]) => (self.number(index)?.max(0.0) as usize, value.clone()),
                    ("unshift", [value]) => (0, value.clone()),
                    _ => return Err(Halt::Unknown),
                };
                let items = &mut self.object_mut(id)?.items;
                items.insert(index.min(items.len()), value);
                Ok(Data::None)
            }
            "reverse" => {
                self.decodes = true;
                self.pay(length / 16)?;
                self.object_mut(id)?.items.reverse();
                Ok(if self.python { Data::None } else { Data::Object(id) })
            }
            "join" => {
                let items = self.each(&Data::Object(id))?;
                let separator = arguments.first().cloned().unwrap_or_else(|| Data::Text(characters(",")));
                self.join(&items, &separator)
            }
            "map" => {
                let items = self.each(&Data::Object(id))?;
                self.mapped(arguments.first().ok_or(Halt::Thrown)?, items)
            }
            "filter" => {
                let items = self.each(&Data::Object(id))?;
                let items = self.filtered(arguments.first().ok_or(Halt::Thrown)?, items)?;
                self.new_list(items)
            }
            "forEach" => {
                let items = self.each(&Data::Object(id))?;
                self.mapped(arguments.first().ok_or(Halt::Thrown)?, items)?;
                Ok(Data::None)
            }
            "reduce" => {
                let mut items = self.each(&Data::Object(id))?.into_iter();
                let mut all = match arguments.get(1) {
                    Some(start) => start.clone(),
                    None => items.next().ok_or(Halt::Thrown)?,
                };
                for item in items {
                    all = self.invoke(&arguments[0], vec![all, item])?;
                }
                Ok(all)
            }
            "slice" => {
                let [start, end] = [self.whole(arguments.first(), 0)?, self.whole(arguments.get(1), i64::MAX)?];
                self.slice(&Data::Object(id), [Some(start), Some(end.min(length as i64)), None])
            }
            "concat" => {
                let mut items = self.each(&Data::Object(id))?;
                for argument in &arguments {
                    match argument {
                        Data::Object(_) => items.extend(self.each(argument)?),
                        other => items.push(other.clone()),
                    }
                }
                self.new_list(items)
            }
            "indexOf" | "index" => {
                self.pay(length)?;
                let items = &self.object(id)?.items;
                let at = arguments.first().and_then(|value| items.iter().position(|item| self.equal(item, value)));
                Ok(Data::Number(at.map_or(-1.0, |at| at as f64)))
            }
            "includes" => self.contains(&Data::Object(id), arguments.first().ok_or(Halt::Thrown)?).map(Data::Bool),
            "fill" => {
                let value = arguments.first().cloned().unwrap_or_default();
                self.pay(length)?;
                self.object_mut(id)?.items.fill(value);
                Ok(Data::Object(id))
            }
            "keys" => self.range(&[Data::Number(length as f64)]),
            "toString" => {
                let items = self.each(&Data::Object(id))?;
                self.join(&items, &Data::Text(characters(",")))
            }
            _ => Err(Halt::Unknown),
        }
    }

    fn text_method(&mut self, text: &Rc<Vec<u32>>, name: &str, arguments: Vec<Data>) -> Answer<Data> {
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

fn is(text: &[u32], word: &str) -> bool {
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
