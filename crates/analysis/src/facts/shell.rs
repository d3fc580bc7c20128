//! Functions of a file that hand a shell what they are told: `run(command)` is a call of the shell.
//!
//! In: calls of shells, and calls of the file's own functions. Out: what one reading learned of such functions, and the same facts
//! as if the shell had been called directly.

use super::Place;
use super::bits::Taint;
use super::builder::{Argument, Builder};
use super::learned::MAX_PARAMETERS;
use super::value::{Constant, Text, Value};

impl<'a> Builder<'a> {
    /// Remembers that the function being read hands a shell what its callers say, and nothing else.
    pub(super) fn note_shell(&mut self, path: &Text<'a>, command: &Value<'a>) {
        let given = command.taint.without(command.taint.concrete()).without_symbols();
        let whole = matches!(command.constant, Constant::Unknown) && !command.taint.any(Taint::JOINED);
        if given.is_empty() || !whole || self.owner == 0 || self.owner != self.current {
            return;
        }
        let index = (0..MAX_PARAMETERS as u32).find(|index| given == Taint::parameter(*index));
        if let (Some(index), Some(function)) = (index, self.learned.functions.get_mut(self.owner as usize)) {
            self.learned.useful |= function.shell.is_none();
            function.shell = Some((*path, index));
        }
    }

    /// A call of such a function is one of the shell: `run("curl ..")`.
    pub(super) fn hand_to_shell(&mut self, function: u32, arguments: &[Argument<'a>], skip: usize, place: Place) {
        let known = self.learned.functions.get(function as usize).and_then(|known| known.shell);
        let Some((path, index)) = known else { return };
        let Some(at) = (index as usize).checked_sub(skip) else { return };
        let given = arguments.iter().filter(|argument| argument.name.is_none()).nth(at).cloned();
        if let Some(command) = given.filter(|command| command.value.as_prefix().is_some_and(|text| !text.is_empty())) {
            self.call(Value { path: Some(path), ..Value::default() }, vec![command], Taint::NONE, place);
        }
    }
}
