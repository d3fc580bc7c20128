//! Streams that are piped into a request, and parameters of which a call tells what they are.
//!
//! In: `file.pipe(request)`, and the parameters that a value is made of. Out: the same facts as if the file had been written
//! to the request, and names of parameters that are made of more. Nothing is run.

use super::Place;
use super::api;
use super::bits::{Effects, Taint};
use super::builder::{Argument, Builder};
use super::value::Value;

impl<'a> Builder<'a> {
    /// What is piped into a request is sent: `createReadStream(path).pipe(request)`.
    pub(super) fn pipes(&mut self, stream: &Value<'a>, arguments: &[Argument<'a>], place: Place) {
        const TELLS: Taint = Taint::FILE.with(Taint::HELD);
        let Some(request) = arguments.first().map(|argument| argument.value.clone()) else { return };
        let made = request.path.as_deref().and_then(|path| path.strip_suffix("()"));
        let connected = made.is_some_and(|made| api::effects(made).any(Effects::NET));
        if !connected || !stream.whole_taint().any(TELLS) {
            return;
        }
        let Some(path) = request.path.as_deref().and_then(|path| self.joined(path, "write")) else { return };
        let given = vec![Argument { name: None, value: Value::tainted(stream.whole_taint()) }];
        self.call(Value { path: Some(path), ..request.clone() }, given, request.whole_taint(), place);
    }

    /// The parameters of the function being read that a value is made of are made of this too, by their own names:
    /// `Keypair.fromSecretKey(decode(text))` tells that `text` is a key.
    pub(super) fn grow_parameters(&mut self, value: Taint, taint: Taint) {
        let given = value.without_symbols().without(value.concrete());
        // Every name is looked at, however often a file asks for that.
        if given.is_empty() || !self.afford(self.scope.len()) {
            return;
        }
        let current = self.current;
        for known in self.scope.values_mut().filter(|known| known.declared == current) {
            let own = known.value.taint.without_symbols().without(known.value.taint.concrete());
            if !own.is_empty() && given.and(own) == own && known.value.function.is_none() {
                known.value.taint |= taint;
            }
        }
    }
}
