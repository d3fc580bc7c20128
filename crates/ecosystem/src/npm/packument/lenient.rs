//! JSON of which nothing is certain: a value of a wrong type counts as absent instead of spoiling the rest.
//!
//! In: any JSON. Out: texts, lists and objects, bounded in length. It must never keep what was not asked for.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Longest text that is kept of any one field.
const MAX_TEXT: usize = 4096;
/// Most entries of one list or map. The packages with most versions have some ten thousand; an answer with more is refused
/// rather than cut, because a missing version would change what is resolved.
const MAX_ENTRIES: usize = 100_000;

/// A text; `true` counts as `"true"`; anything else is absent.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Text(pub Option<String>);

impl Text {
    /// Whether it is `true`, as a text or as itself.
    pub(super) fn is_true(&self) -> bool {
        self.0.as_deref() == Some("true")
    }
}

/// An object's entries in their order, each turned into what is kept of it as soon as it is read; anything else is absent.
pub(super) struct Entries<T: Entry>(pub Option<Vec<T::Kept>>);

/// A value of [`Entries`].
pub(super) trait Entry {
    /// What is kept of it and its key.
    type Kept;
    /// `None` leaves the entry out.
    fn keep(self, key: String) -> Option<Self::Kept>;
}

impl Entry for Text {
    type Kept = (String, String);
    fn keep(self, key: String) -> Option<Self::Kept> {
        Some((key, self.0?))
    }
}

/// An object of a known shape; anything else is absent.
pub(super) struct Object<T>(pub Option<T>);

/// A list of texts, where npm also accepts a single text, or `true` for all.
#[derive(Debug, Default, PartialEq)]
pub(super) enum List {
    #[default]
    Absent,
    All,
    Texts(Vec<String>),
}

/// The names in a list of accounts, each an object with a `name`, or a text of the old form `name <address>`; anything else
/// is absent.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Accounts(pub Option<Vec<String>>);

/// Most accounts that are kept of one list.
const MAX_ACCOUNTS: usize = 100;

/// One of them.
#[derive(Debug, Default)]
struct Account(Option<String>);

impl<T: Entry> Default for Entries<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

fn bounded<E: serde::de::Error>(entries: usize) -> Result<(), E> {
    if entries > MAX_ENTRIES {
        return Err(E::custom(format_args!("got more than {MAX_ENTRIES} entries in one place")));
    }
    Ok(())
}

/// A visitor's methods for JSON values of a type that is not wanted: they are read over.
macro_rules! ignore {
    (scalars) => {
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any JSON")
        }
    };
    (bool) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    (str) => {
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    (seq) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
    (map) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Text;
            ignore!(scalars);
            ignore!(seq);
            ignore!(map);
            fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
                Ok(Text(value.then(|| "true".to_owned())))
            }
            fn visit_str<E>(self, value: &str) -> Result<Text, E> {
                let end = value.floor_char_boundary(MAX_TEXT);
                Ok(Text(Some(value[..end].to_owned())))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = List;
            ignore!(scalars);
            ignore!(map);
            fn visit_bool<E>(self, value: bool) -> Result<List, E> {
                Ok(if value { List::All } else { List::Absent })
            }
            fn visit_str<E>(self, value: &str) -> Result<List, E> {
                Ok(List::Texts(vec![value[..value.floor_char_boundary(MAX_TEXT)].to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = seq.next_element::<Text>()? {
                    texts.extend(text.0);
                    bounded(texts.len())?;
                }
                Ok(List::Texts(texts))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Account;
            ignore!(scalars);
            ignore!(bool);
            ignore!(seq);
            fn visit_str<E>(self, value: &str) -> Result<Account, E> {
                let name = value.split('<').next().unwrap_or_default().trim();
                Ok(Account((!name.is_empty()).then(|| name[..name.floor_char_boundary(MAX_TEXT)].to_owned())))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Account, A::Error> {
                let mut name = Text::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "name" => name = map.next_value()?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Account(name.0))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl<'de> Deserialize<'de> for Accounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Accounts;
            ignore!(scalars);
            ignore!(bool);
            ignore!(str);
            ignore!(map);
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Accounts, A::Error> {
                let (mut names, mut whole) = (Vec::new(), true);
                while let Some(account) = seq.next_element::<Account>()? {
                    match account.0 {
                        Some(name) if names.len() < MAX_ACCOUNTS => names.push(name),
                        _ => whole = false,
                    }
                }
                // A list of which some is missing would make who is missing look new later.
                Ok(Accounts(whole.then_some(names)))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl<'de, T: Entry + Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<'de, T: Entry + Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = Entries<T>;
            ignore!(scalars);
            ignore!(bool);
            ignore!(str);
            ignore!(seq);
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let (mut entries, mut read) = (Vec::new(), 0);
                while let Some((key, value)) = map.next_entry::<String, T>()? {
                    entries.extend(value.keep(key));
                    read += 1;
                    bounded(read)?;
                }
                Ok(Entries(Some(entries)))
            }
        }
        deserializer.deserialize_any(Read(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = Object<T>;
            ignore!(scalars);
            ignore!(bool);
            ignore!(str);
            ignore!(seq);
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(|value| Object(Some(value)))
            }
        }
        deserializer.deserialize_any(Read(PhantomData))
    }
}
