//! Texts put together from values: `join`, `%`, `format`.

use super::Data;
use super::machine::{Answer, Halt, Machine};

impl Machine {
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
    pub(super) fn braces(&mut self, format: &Data, values: &[Data]) -> Answer<Data> {
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
}
