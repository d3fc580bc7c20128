//! Values of routines, and the way from and to the constants of facts.

use std::rc::Rc;

use oxc_allocator::Allocator;

use crate::facts::{Constant, Text, Value};

/// A value. Objects live in the machine, so that a cycle leaks nothing.
#[derive(Clone, Debug, Default)]
pub(crate) enum Data {
    /// `undefined`, `None`, `null`.
    #[default]
    None,
    /// True or false.
    Bool(bool),
    /// A number; whole ones are exact up to 2^53.
    Number(f64),
    /// A text or bytes, by character: code points in Python, UTF-16 units in JavaScript.
    Text(Rc<Vec<u32>>),
    /// A list, record or function of the machine.
    Object(usize),
    /// Something outside, by its dotted name: `String.fromCharCode`.
    Path(Rc<str>),
}

impl Data {
    /// A text; `wide` is for JavaScript, whose characters are UTF-16 units.
    pub fn text(text: &str, wide: bool) -> Self {
        Self::Text(Rc::new(if wide {
            text.encode_utf16().map(u32::from).collect()
        } else {
            text.chars().map(u32::from).collect()
        }))
    }

    /// True for several values with a text among them: in another order they may hide what they say together.
    pub fn are_texts(items: &[Self]) -> bool {
        items.len() > 1 && items.iter().any(|item| matches!(item, Self::Text(_)))
    }

    /// The plain constant that a value is; nothing for lists, which live in a machine.
    pub fn of(value: &Value<'_>, wide: bool) -> Option<Self> {
        match (&value.constant, &value.path) {
            (Constant::Text(text), _) => Some(Self::text(text, wide)),
            (Constant::Number(number), _) => Some(Self::Number(*number as f64)),
            (Constant::Bool(truth), _) => Some(Self::Bool(*truth)),
            (Constant::Unknown, Some(path)) => Some(Self::Path((&**path).into())),
            _ => None,
        }
    }

    /// The constant of facts that this is.
    pub fn constant<'a>(&self, arena: &'a Allocator, wide: bool) -> Constant<'a> {
        match self {
            Self::Text(characters) => Constant::Text(Text::made(arena, &string(characters, wide))),
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => Constant::Number(*number as i64),
            Self::Bool(truth) => Constant::Bool(*truth),
            _ => Constant::Unknown,
        }
    }
}

/// Characters as UTF-8.
pub(super) fn string(characters: &[u32], wide: bool) -> String {
    if wide {
        let units = characters.iter().map(|unit| *unit as u16);
        return char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    }
    characters.iter().map(|character| char::from_u32(*character).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Characters of a short text.
pub(super) fn characters(text: &str) -> Rc<Vec<u32>> {
    Rc::new(text.chars().map(u32::from).collect())
}
