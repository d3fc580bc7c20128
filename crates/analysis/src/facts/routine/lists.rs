//! The methods of lists.

use super::Data;
use super::machine::{Answer, Halt, Machine};
use super::value::characters;

impl Machine {
    pub(super) fn list_method(&mut self, id: usize, name: &str, arguments: Vec<Data>) -> Answer<Data> {
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
                self.pay(length / 16)?;
                let items = &mut self.object_mut(id)?.items;
                items.reverse();
                self.decodes |= Data::are_texts(items);
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
            "keys" => {
                let items = self.range(&[Data::Number(length as f64)])?.collect();
                self.new_list(items)
            }
            "toString" => {
                let items = self.each(&Data::Object(id))?;
                self.join(&items, &Data::Text(characters(",")))
            }
            _ => Err(Halt::Unknown),
        }
    }
}
