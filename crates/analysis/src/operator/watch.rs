//! Which calls an operator's rules want to hear of, beside those of the table of APIs.
//!
//! The front ends need not know: what is watched holds for the thread that reads a file, for as long as it reads it.

use std::cell::RefCell;
use std::sync::Arc;

use super::matcher::Condition;
use super::pattern::Patterns;

thread_local! {
    static WATCH: RefCell<Option<Arc<Watch>>> = const { RefCell::new(None) };
}

/// Names of calls.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    names: Vec<Patterns>,
}

impl Watch {
    /// Adds the names of a condition.
    pub(super) fn add(&mut self, condition: &Condition) {
        condition.for_each_call(&mut |names| self.names.push(names.clone()));
    }

    /// True when nothing is watched.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// Watches while `read` runs on this thread.
pub(super) fn during<T>(watch: &Arc<Watch>, read: impl FnOnce() -> T) -> T {
    /// Puts back what was watched before, also when `read` panics.
    struct Restore(Option<Arc<Watch>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            WATCH.set(self.0.take());
        }
    }
    let _restore = Restore(WATCH.replace(Some(watch.clone())));
    read()
}

/// True when a rule of the operator wants to hear of calls of `path`.
pub(crate) fn wants(path: &str) -> bool {
    WATCH.with_borrow(|watch| watch.as_ref().is_some_and(|watch| watch.names.iter().any(|names| names.names(path))))
}
