//! What is known of a value without running anything.

use std::ops::Deref;
use std::rc::Rc;

use oxc_allocator::Allocator;

use super::api;
use super::bits::Taint;
use super::builtin::is_settings;
use super::name::names_file;

/// Text that stands in the source or was put together while folding. What is put together lies in the arena of the file
/// until the file is read, so that a value is copied and dropped for next to nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Text<'a> {
    Borrowed(&'a str),
    Made(&'a str),
}

impl<'a> Text<'a> {
    /// A text that is put together.
    pub fn made(arena: &'a Allocator, text: &str) -> Self {
        Self::Made(arena.alloc_str(text))
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) | Self::Made(text) => text,
        }
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Borrowed(text)
    }
}

/// The constant part of a value.
#[derive(Clone, Debug, Default)]
pub(crate) enum Constant<'a> {
    /// Nothing is known.
    #[default]
    Unknown,
    /// The whole text.
    Text(Text<'a>),
    /// The text begins so; what follows is not known.
    Prefix(Text<'a>),
    /// A whole number.
    Number(i64),
    /// True or false.
    Bool(bool),
    /// A list or tuple, the first [`LIST_ITEMS`] of it.
    List(Rc<[Value<'a>]>),
    /// Named values, the first [`LIST_ITEMS`] of them.
    Record(Rc<[(Text<'a>, Value<'a>)]>),
}

/// Items that are remembered of a list or record.
pub(crate) const LIST_ITEMS: usize = 256;

/// Items of a list of texts of which the first stands for all in a loop.
const FEW: usize = 8;

/// Longest text that folding reads or makes: 16 KiB.
pub(super) const MAX_TEXT: usize = 16 << 10;

/// The items of a list while it is read. Beyond those that are remembered only what they are made of counts, so that a
/// table of numbers takes no memory.
#[derive(Default)]
pub(crate) struct Items<'a> {
    pub(super) kept: Vec<Value<'a>>,
    pub(super) more: Taint,
}

impl<'a> Items<'a> {
    /// With room for so many.
    pub fn with_room(items: usize) -> Self {
        Self { kept: Vec::with_capacity(items.min(LIST_ITEMS + 1)), more: Taint::NONE }
    }

    /// One more.
    pub fn push(&mut self, value: Value<'a>) {
        // A function is kept: somebody may call what stands in a list.
        if self.kept.len() > LIST_ITEMS && value.function.is_none() {
            self.more |= value.whole_taint();
        } else {
            self.kept.push(value);
        }
    }
}

/// What is known of a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Value<'a> {
    /// The dotted name it goes by, from an import or a global: `os.system`, `requests.Session().get`.
    pub path: Option<Text<'a>>,
    /// Its constant part.
    pub constant: Constant<'a>,
    /// What it is made of.
    pub taint: Taint,
    /// The function of this file that it is.
    pub function: Option<u32>,
    /// The class of this file that it is, or is an instance of.
    pub class: Option<u32>,
    /// Whether it is an instance of its class, or a getter: reading the member calls the function.
    pub made: bool,
    /// The variable or literal it came from, to recognise a file that is written and then run.
    pub origin: Option<Text<'a>>,
}

/// True for what lists the paths below a folder.
fn lists_paths(path: &str) -> bool {
    matches!(path, "pathlib.Path().rglob()" | "pathlib.Path().glob()" | "pathlib.Path().iterdir()")
}

impl<'a> Value<'a> {
    /// A value with a dotted name.
    pub fn at_path(path: impl Into<Text<'a>>) -> Self {
        Self { path: Some(path.into()), ..Self::default() }
    }

    /// A constant text.
    pub fn text(text: impl Into<Text<'a>>) -> Self {
        Self { constant: Constant::Text(text.into()), ..Self::default() }
    }

    /// A constant number.
    pub fn number(number: i64) -> Self {
        Self { constant: Constant::Number(number), ..Self::default() }
    }

    /// A value of which only the taint is known.
    pub fn tainted(taint: Taint) -> Self {
        Self { taint, ..Self::default() }
    }

    /// True when nothing at all is known, whatever callers or other files may know.
    pub fn is_unknown(&self) -> bool {
        self.path.is_none()
            && self.taint.concrete().is_empty()
            && self.function.is_none()
            && self.class.is_none()
            && matches!(self.constant, Constant::Unknown)
    }

    /// True for what may be called, or has members that may be.
    pub fn is_callable(&self) -> bool {
        self.path.is_some() || self.function.is_some() || self.class.is_some()
    }

    /// True for the name of what the table of APIs knows something about, by its first part.
    pub fn is_of_api(&self) -> bool {
        self.path.as_deref().is_some_and(api::is_known)
    }

    /// True when nothing is known but what it is made of.
    pub fn is_unknown_but_tainted(&self) -> bool {
        self.path.is_none() && self.function.is_none() && self.class.is_none()
    }

    /// What is known, to see whether it became more.
    pub fn known(&self) -> (Taint, bool, bool, bool) {
        let constant = !matches!(self.constant, Constant::Unknown);
        (self.taint, constant, self.path.is_some(), self.function.is_some() || self.class.is_some())
    }

    /// Also what `other` may be: what is known first wins, what both are made of adds up.
    pub fn join(&mut self, other: Value<'a>) {
        self.made |= other.made && self.class.is_none() && self.function.is_none();
        self.taint |= other.taint;
        self.path = self.path.take().or(other.path);
        self.function = self.function.or(other.function);
        self.class = self.class.or(other.class);
        if matches!(self.constant, Constant::Unknown) {
            self.constant = other.constant;
        }
        // What stands for a file stays that file.
        if self.origin.is_none() {
            self.origin = other.origin.filter(|origin| names_file(origin) || is_settings(origin));
        }
    }

    /// The whole constant text, unless it is longer than anything that is looked at again and again.
    pub fn as_text(&self) -> Option<&str> {
        match &self.constant {
            Constant::Text(text) if text.len() <= MAX_TEXT => Some(text),
            _ => None,
        }
    }

    /// The constant text, or how it begins, under the same limit.
    pub fn as_prefix(&self) -> Option<&str> {
        match &self.constant {
            Constant::Text(text) | Constant::Prefix(text) if text.len() <= MAX_TEXT => Some(text),
            _ => None,
        }
    }

    /// Items of a constant list.
    pub fn items(&self) -> &[Value<'a>] {
        match &self.constant {
            Constant::List(items) => items,
            _ => &[],
        }
    }

    /// What a loop over it works on, turn by turn: the first of a few constants or names, made of what any of them is.
    pub fn each(&self) -> Value<'a> {
        let taint = self.whole_taint();
        let items = self.items();
        let all_texts = items.len() <= FEW && items.iter().all(|item| item.as_text().is_some());
        match items.first() {
            // `for path in folder.rglob("*")`
            _ if self.path.as_deref().is_some_and(lists_paths) => {
                Value { path: Some("pathlib.Path()".into()), ..Value::tainted(taint) }
            }
            Some(first) if first.path.is_some() || first.function.is_some() => first.clone(),
            Some(first) if all_texts => Value { taint, ..first.clone() },
            Some(first) if !first.items().is_empty() => Value { taint, ..first.clone() },
            _ => Value::tainted(taint),
        }
    }

    /// A named part of a constant record.
    pub fn field(&self, name: &str) -> Option<&Value<'a>> {
        match &self.constant {
            Constant::Record(fields) => fields.iter().find(|(key, _)| &**key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The taint, counting the environment object itself as the whole environment.
    pub fn whole_taint(&self) -> Taint {
        match self.path.as_deref() {
            Some("os.environ" | "process.env" | "os.environb" | "Bun.env") => self.taint | Taint::ENV_ALL,
            Some("localStorage" | "sessionStorage") => self.taint | Taint::PAGE,
            _ => self.taint,
        }
    }
}
