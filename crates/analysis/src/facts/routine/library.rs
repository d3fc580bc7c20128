//! The built-in functions that routines may use: on texts, numbers and lists, nothing else.

use super::Data;
use super::machine::{Answer, Halt, Machine};
use super::operators::to_i32;
use super::value::{characters, string};
use crate::facts::fold;

impl Machine {
    pub(super) fn wide(&self) -> bool {
        !self.python
    }

    pub(super) fn string(&mut self, value: &Data) -> Answer<String> {
        Ok(string(&self.text(value)?, self.wide()))
    }

    pub(super) fn make_text(&mut self, text: &str) -> Answer<Data> {
        self.pay_memory(text.len())?;
        Ok(Data::text(text, self.wide()))
    }

    pub(super) fn whole(&self, value: Option<&Data>, otherwise: i64) -> Answer<i64> {
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
                let mut text = Vec::new();
                for value in &arguments {
                    let number = self.number(value)?;
                    let wide = self.wide() && path == "String.fromCharCode";
                    let number = if wide { i64::from(to_i32(number) as u16) } else { number as i64 };
                    text.push(u32::try_from(number).ok().filter(|n| *n <= 0x10_ffff).ok_or(Halt::Thrown)?);
                }
                // One letter hides no text, and a control or a quote cannot be written otherwise.
                let letters = text.iter().filter(|c| char::from_u32(**c).is_none_or(char::is_alphanumeric));
                self.letters = self.letters.saturating_add(letters.count());
                self.decodes |= self.letters > usize::from(path == "chr");
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
            "range" => {
                let items = self.range(&arguments)?.collect();
                self.new_list(items)
            }
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
                let mut items = self.each(first.ok_or(Halt::Thrown)?)?;
                self.decodes |= Data::are_texts(&items);
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

    pub(super) fn decoded(&mut self, decoder: &str, text: &str) -> Answer<Data> {
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

    /// The numbers of a range, paid for.
    pub(super) fn range(&mut self, arguments: &[Data]) -> Answer<impl ExactSizeIterator<Item = Data> + use<>> {
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
        // Fits: what is more was not affordable.
        let count = u32::try_from(count).map_err(|_| Halt::Unknown)?;
        Ok((0..count).map(move |index| Data::Number((start + i64::from(index) * step) as f64)))
    }

    pub(super) fn mapped(&mut self, function: &Data, items: Vec<Data>) -> Answer<Data> {
        let mut mapped = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let arguments = if self.python { vec![item] } else { vec![item, Data::Number(index as f64)] };
            mapped.push(self.invoke(function, arguments)?);
        }
        self.new_list(mapped)
    }

    pub(super) fn filtered(&mut self, function: &Data, items: Vec<Data>) -> Answer<Vec<Data>> {
        let mut kept = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let keep = self.invoke(function, vec![item.clone(), Data::Number(index as f64)])?;
            if self.truth(&keep) {
                kept.push(item);
            }
        }
        Ok(kept)
    }
}
