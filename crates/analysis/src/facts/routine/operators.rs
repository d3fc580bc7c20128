//! What operators yield, and how a value becomes a number, a text or a truth.

use std::rc::Rc;

use super::machine::{Answer, Halt, Machine};
use super::value::{characters, string};
use super::{Binary, Data, Unary};

/// Characters of a text, or items of a list, that is repeated: 64 Ki. What is repeated more often hides nothing, and tests of parsers do so.
pub(super) const MAX_REPEATED: usize = 64 << 10;

impl Machine {
    pub(super) fn truth(&self, value: &Data) -> bool {
        match value {
            Data::None => false,
            Data::Bool(truth) => *truth,
            Data::Number(number) => *number != 0.0 && !number.is_nan(),
            Data::Text(text) => !text.is_empty(),
            Data::Object(id) => {
                !self.python || self.objects.get(*id).is_some_and(|o| !o.items.is_empty() || !o.fields.is_empty())
            }
            Data::Path(_) => true,
        }
    }

    /// The items that a loop over a value sees.
    pub(super) fn each(&mut self, value: &Data) -> Answer<Vec<Data>> {
        let items = match value {
            Data::Text(text) => {
                let one = |character: &u32| Data::Text(Rc::new(vec![*character]));
                text.iter().map(one).collect()
            }
            Data::Object(id) => {
                let object = self.object(*id)?;
                if object.record {
                    return Err(Halt::Unknown);
                }
                object.items.clone()
            }
            _ => return Err(Halt::Thrown),
        };
        self.pay_memory(items.len() * 40)?;
        Ok(items)
    }

    pub(super) fn unary(&mut self, operator: Unary, value: &Data) -> Answer<Data> {
        Ok(match operator {
            Unary::Minus => Data::Number(-self.number(value)?),
            Unary::Plus => Data::Number(self.number(value)?),
            Unary::Not => Data::Bool(!self.truth(value)),
            Unary::Invert if self.python => Data::Number(!(self.number(value)? as i64) as f64),
            Unary::Invert => Data::Number(f64::from(!to_i32(self.number(value)?))),
            Unary::Void => Data::None,
            Unary::TypeOf => {
                let name = match value {
                    Data::None => "undefined",
                    Data::Bool(_) => "boolean",
                    Data::Number(_) => "number",
                    Data::Text(_) => "string",
                    Data::Object(id) if self.object(*id)?.function.is_some() => "function",
                    Data::Object(_) => "object",
                    Data::Path(_) => return Err(Halt::Unknown),
                };
                Data::Text(characters(name))
            }
        })
    }

    pub(super) fn binary(&mut self, operator: Binary, left: &Data, right: &Data) -> Answer<Data> {
        let texts = matches!(left, Data::Text(_)) && matches!(right, Data::Text(_));
        match operator {
            Binary::Equal => return Ok(Data::Bool(self.equal(left, right))),
            Binary::NotEqual => return Ok(Data::Bool(!self.equal(left, right))),
            Binary::In | Binary::NotIn => {
                let found = self.contains(right, left)?;
                return Ok(Data::Bool(found == (operator == Binary::In)));
            }
            Binary::Add => {
                let any_text = matches!(left, Data::Text(_)) || matches!(right, Data::Text(_));
                let objects = matches!(left, Data::Object(_)) && matches!(right, Data::Object(_));
                if texts || (any_text && !self.python) {
                    let mut text = self.text(left)?.to_vec();
                    text.extend_from_slice(&self.text(right)?);
                    return self.new_text(text);
                }
                if objects && self.python {
                    let mut items = self.each(left)?;
                    items.extend(self.each(right)?);
                    return self.new_list(items);
                }
            }
            Binary::Multiply if self.python => {
                let (text, times) = if matches!(left, Data::Text(_)) { (left, right) } else { (right, left) };
                if let (Data::Text(text), Data::Number(times)) = (text, times) {
                    let times = times.max(0.0) as usize;
                    if text.len().saturating_mul(times) > MAX_REPEATED {
                        return Err(Halt::Unknown);
                    }
                    self.pay_memory(text.len().saturating_mul(times).saturating_mul(4))?;
                    return self.new_text(text.repeat(times));
                }
                if let (Data::Object(_), Data::Number(times)) = (left, right) {
                    let items = self.each(left)?;
                    let times = times.max(0.0) as usize;
                    if items.len().saturating_mul(times) > MAX_REPEATED {
                        return Err(Halt::Unknown);
                    }
                    self.pay_memory(items.len().saturating_mul(times).saturating_mul(24))?;
                    return self.new_list((0..times).flat_map(|_| items.iter().cloned()).collect());
                }
            }
            Binary::Remainder if self.python && matches!(left, Data::Text(text) if text.contains(&u32::from('%'))) => {
                return self.percent(left, right);
            }
            Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual if texts => {
                let (left, right) = (self.text(left)?, self.text(right)?);
                return Ok(Data::Bool(match operator {
                    Binary::Less => left < right,
                    Binary::LessOrEqual => left <= right,
                    Binary::Greater => left > right,
                    _ => left >= right,
                }));
            }
            _ => {}
        }
        let (a, b) = (self.number(left)?, self.number(right)?);
        self.arithmetic(operator, a, b)
    }

    fn arithmetic(&self, operator: Binary, a: f64, b: f64) -> Answer<Data> {
        let whole = |of: fn(i64, i64) -> i64| of(a as i64, b as i64) as f64;
        let words = |of: fn(i32, i32) -> i32| f64::from(of(to_i32(a), to_i32(b)));
        let python = self.python;
        if python && b == 0.0 && matches!(operator, Binary::Divide | Binary::FloorDivide | Binary::Remainder) {
            return Err(Halt::Thrown);
        }
        let number = match operator {
            Binary::Add => a + b,
            Binary::Subtract => a - b,
            Binary::Multiply => a * b,
            Binary::Divide => a / b,
            Binary::FloorDivide => (a / b).floor(),
            Binary::Remainder if python => a - b * (a / b).floor(),
            Binary::Remainder => a % b,
            Binary::Power => a.powf(b),
            Binary::Xor if python => whole(|a, b| a ^ b),
            Binary::And if python => whole(|a, b| a & b),
            Binary::Or if python => whole(|a, b| a | b),
            Binary::ShiftLeft if python => whole(|a, b| a.wrapping_shl(b as u32)),
            Binary::ShiftRight if python => whole(|a, b| a.wrapping_shr(b as u32)),
            Binary::Xor => words(|a, b| a ^ b),
            Binary::And => words(|a, b| a & b),
            Binary::Or => words(|a, b| a | b),
            Binary::ShiftLeft => words(|a, b| a.wrapping_shl(b as u32 & 31)),
            Binary::ShiftRight => words(|a, b| a.wrapping_shr(b as u32 & 31)),
            Binary::ShiftRightUnsigned => f64::from((to_i32(a) as u32).wrapping_shr(to_i32(b) as u32 & 31)),
            Binary::Less => return Ok(Data::Bool(a < b)),
            Binary::LessOrEqual => return Ok(Data::Bool(a <= b)),
            Binary::Greater => return Ok(Data::Bool(a > b)),
            Binary::GreaterOrEqual => return Ok(Data::Bool(a >= b)),
            Binary::Equal | Binary::NotEqual | Binary::In | Binary::NotIn => return Err(Halt::Unknown),
        };
        // Python counts without end; beyond this the answer would be wrong.
        if python && number.abs() > 9e15 { Err(Halt::Unknown) } else { Ok(Data::Number(number)) }
    }

    pub(super) fn equal(&self, left: &Data, right: &Data) -> bool {
        match (left, right) {
            (Data::None, Data::None) => true,
            (Data::Bool(a), Data::Bool(b)) => a == b,
            (Data::Number(a), Data::Number(b)) => a == b,
            (Data::Text(a), Data::Text(b)) => a == b,
            (Data::Object(a), Data::Object(b)) => a == b,
            (Data::Path(a), Data::Path(b)) => a == b,
            _ => false,
        }
    }

    /// A value as a number. A single character of bytes is its number in Python.
    pub(super) fn number(&self, value: &Data) -> Answer<f64> {
        Ok(match value {
            Data::Number(number) => *number,
            Data::Bool(truth) => f64::from(u8::from(*truth)),
            Data::Text(text) if self.python => match text[..] {
                [character] => f64::from(character),
                _ => return Err(Halt::Thrown),
            },
            Data::Text(text) => {
                let text = string(text, true);
                let text = text.trim();
                match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                    Some(digits) => i64::from_str_radix(digits, 16).map_or(f64::NAN, |number| number as f64),
                    None if text.is_empty() => 0.0,
                    None => text.parse().unwrap_or(f64::NAN),
                }
            }
            Data::None if self.python => return Err(Halt::Thrown),
            Data::None | Data::Object(_) => f64::NAN,
            Data::Path(_) => return Err(Halt::Unknown),
        })
    }

    /// A value as text.
    pub(super) fn text(&mut self, value: &Data) -> Answer<Rc<Vec<u32>>> {
        Ok(match value {
            Data::Text(text) => {
                self.pay(text.len() / 16)?;
                text.clone()
            }
            Data::Number(number) => characters(&number_text(*number)),
            Data::Bool(truth) => characters(match (truth, self.python) {
                (true, true) => "True",
                (false, true) => "False",
                (true, false) => "true",
                (false, false) => "false",
            }),
            Data::None => characters(if self.python { "None" } else { "undefined" }),
            Data::Object(_) if !self.python => {
                let items = self.each(value)?;
                let comma = Data::Text(characters(","));
                let joined = self.join(&items, &comma)?;
                return self.text(&joined);
            }
            Data::Object(_) | Data::Path(_) => return Err(Halt::Unknown),
        })
    }
}

/// ECMAScript ToInt32.
pub(super) fn to_i32(number: f64) -> i32 {
    if !number.is_finite() {
        return 0;
    }
    (number.trunc() % 4_294_967_296.0) as i64 as i32
}

pub(super) fn number_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.fract() == 0.0 && number.abs() < 1e15 { format!("{}", number as i64) } else { format!("{number}") }
}
