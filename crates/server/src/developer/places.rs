//! Places for what keeps the server busy for a while: so many in all, and so many for one owner, who then keeps nobody else out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Places, by the owners who have them.
pub(crate) struct Places {
    all: usize,
    each: usize,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

/// A place that is taken, until it is dropped.
pub(crate) struct Place {
    owner: String,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// All of them are taken.
    All,
    /// The owner has as many as one may have.
    Owner,
}

impl Places {
    pub(crate) fn new(all: usize, each: usize) -> Self {
        Self { all, each, taken: Arc::default() }
    }

    /// Takes a place for an owner, or says why not, at once.
    pub(crate) fn take(&self, owner: &str) -> Result<Place, Full> {
        let mut taken = locked(&self.taken);
        if taken.get(owner).is_some_and(|of_owner| *of_owner >= self.each) {
            return Err(Full::Owner);
        }
        if taken.values().sum::<usize>() >= self.all {
            return Err(Full::All);
        }
        *taken.entry(owner.to_owned()).or_default() += 1;
        Ok(Place { owner: owner.to_owned(), taken: self.taken.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = locked(&self.taken);
        if let Some(of_owner) = taken.get_mut(&self.owner) {
            *of_owner -= 1;
            if *of_owner == 0 {
                taken.remove(&self.owner);
            }
        }
    }
}

/// Nothing in here panics while it holds the lock; a count is right either way.
fn locked(taken: &Mutex<HashMap<String, usize>>) -> MutexGuard<'_, HashMap<String, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_owner_leaves_places_to_others() {
        let places = Places::new(3, 2);
        let take = |owner: &str| places.take(owner);
        let (first, _second) = (take("ann").unwrap(), take("ann").unwrap());
        assert_eq!(take("ann").err(), Some(Full::Owner));
        let _third = take("bob").unwrap();
        assert_eq!(take("bob").err(), Some(Full::All));
        drop(first);
        assert!(take("bob").is_ok(), "what is given back is there for anybody");
        assert!(take("ann").is_ok(), "and was dropped at once");
        assert_eq!(locked(&places.taken).values().sum::<usize>(), 2);
    }
}
