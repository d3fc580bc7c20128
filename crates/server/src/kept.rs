//! Answers as bytes, found by the end of the address that asks for them.
//!
//! In: answers with their entity tags, what is not certified, and word of what is no longer true. Out: the same bytes, without parsing
//! or hashing anything. Bounded in bytes: of what was asked for once, most goes first.
//!
//! Answers are kept packed, a sixth of their size, so that a million fit. Those that are asked for all the time stand ready as well, as
//! they go out. A third part remembers what is not certified, so that it costs no more to ask for that. Whatever is found says which
//! address it is of: two that share a number in the table are never taken for each other.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderValue;
use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use sigma_core::{PackageId, Timestamp};

use crate::conditional::Tagged;
use crate::encoding::Encoding;
use crate::packed::{pack, unpack};

/// Which answer about a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// The certificate.
    Package,
    /// The certificate with what is needed to verify it.
    Verify,
}

/// What an address of a package ends in, where the whole certificate is asked for.
pub(crate) const VERIFY: &str = "/verify";

/// `pypi/requests/2.31.0`, or the same with `/verify`: the canonical address of an answer, below that of all packages. `None` for the
/// one whose address could be taken for another's.
fn address(package: &PackageId, view: View) -> Option<Box<str>> {
    let below = match view {
        View::Package if package.version() == "verify" => return None,
        View::Package => "",
        View::Verify => VERIFY,
    };
    Some(format!("{}/{}/{}{below}", package.ecosystem(), package.name(), package.version()).into())
}

/// The package that a canonical address names. Whatever is percent-encoded or spelled otherwise is for the router to read.
pub(crate) fn named(address: &str) -> Option<(PackageId, View)> {
    let (rest, view) = match address.strip_suffix(VERIFY) {
        Some(rest) => (rest, View::Verify),
        None => (address, View::Package),
    };
    let ((registry, rest), (_, version)) = (rest.split_once('/')?, rest.rsplit_once('/')?);
    let name = rest.strip_suffix(version)?.strip_suffix('/')?;
    let known =
        sigma_core::PackageName::new(registry.parse().ok()?, name).ok().filter(|known| known.as_str() == name)?;
    Some((PackageId::new(known, version).ok()?, view))
}

/// What is known about an address.
pub(crate) enum Known {
    Answer(Tagged),
    /// Nobody certified that package.
    Uncertified,
}

impl Known {
    pub(crate) fn answer(self) -> Option<Tagged> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::Uncertified => None,
        }
    }
}

/// For how long something holds.
#[derive(Debug, Clone, Copy)]
struct Holds {
    /// For good where nothing in it grows old.
    until: Option<Timestamp>,
    round: u64,
}

/// Address, entity tag and body in one piece, as a frame.
#[derive(Debug, Clone)]
struct Packed {
    frame: Arc<[u8]>,
    shape: Shape,
    holds: Holds,
}

/// Where in one piece the address ends, where the tag does, and how long it is in all.
#[derive(Debug, Clone, Copy)]
struct Shape {
    address: u32,
    etag: u32,
    length: u32,
}

/// The same in one piece, the body in some encoding.
#[derive(Debug, Clone)]
struct Ready {
    bytes: Bytes,
    shape: Shape,
    encoding: Encoding,
    holds: Holds,
}

#[derive(Debug, Clone)]
struct Uncertified {
    address: Arc<str>,
    round: u64,
}

/// What an entry costs beside its bytes: the table's records, those of the allocation, and what is reserved while it grows.
const OVERHEAD: usize = 128;
/// Of so many parts of the memory, one is for what stands ready and three for what is not certified, of which as many fit then as of
/// answers.
const PARTS: u64 = 16;
/// Of so many answers that were unpacked, one stands ready from then on: what is asked for often soon does, and what is asked for
/// once seldom drives it out.
const PROMOTED: u64 = 8;
/// Bytes that a packed answer has as a rule, for the tables to divide themselves into parts.
const USUAL: u64 = 512;

type Table<K, V> = Cache<K, V, Weigh, RandomState>;

/// The answers.
pub(crate) struct Kept {
    packed: Table<u64, Packed>,
    ready: Table<(u64, Encoding), Ready>,
    uncertified: Table<u64, Uncertified>,
    /// Numbers for addresses that nobody outside can foresee.
    numbers: RandomState,
    /// Grows when nothing that was kept before is true any more.
    round: AtomicU64,
    unpacked: AtomicU64,
}

impl Kept {
    /// Keeps at most so many bytes.
    pub(crate) fn new(bytes: u64) -> Self {
        let part = bytes / PARTS;
        Self {
            packed: table(bytes - 4 * part),
            ready: table(part),
            uncertified: table(3 * part),
            numbers: RandomState::new(),
            round: AtomicU64::new(0),
            unpacked: AtomicU64::new(0),
        }
    }

    /// What is known about an address, which is the canonical one or any other text.
    pub(crate) fn at(&self, address: &str, encoding: Encoding, now: impl Fn() -> Timestamp) -> Option<Known> {
        let (number, round) = (self.numbers.hash_one(address), self.round.load(Ordering::SeqCst));
        let holds = |holds: Holds| holds.round == round && holds.until.is_none_or(|until| now() < until);
        if let Some(ready) = self.ready.get(&(number, encoding))
            && holds(ready.holds)
            && let Some(answer) = ready.answer(address)
        {
            return Some(Known::Answer(answer));
        }
        if let Some(packed) = self.packed.get(&number)
            && holds(packed.holds)
            && let Some(answer) = self.unpack(number, &packed, address, encoding)
        {
            return Some(Known::Answer(answer));
        }
        let unknown = self.uncertified.get(&number)?;
        (unknown.round == round && *unknown.address == *address).then_some(Known::Uncertified)
    }

    fn unpack(&self, number: u64, packed: &Packed, address: &str, encoding: Encoding) -> Option<Tagged> {
        let bytes: Bytes = unpack(&packed.frame, packed.shape.length as usize)?.into();
        let plain = Ready { bytes, shape: packed.shape, encoding: Encoding::Identity, holds: packed.holds };
        let answer = plain.answer(address)?.written(encoding);
        if self.unpacked.fetch_add(1, Ordering::Relaxed).is_multiple_of(PROMOTED) {
            let ready = match answer.encoding {
                Encoding::Identity => Some(plain),
                _ => Ready::new(address, &answer, packed.holds),
            };
            if let Some(ready) = ready {
                self.promote(number, packed, ready);
            }
        }
        Some(answer)
    }

    /// From now on it stands ready, unless what it was unpacked from is forgotten: `forget` empties this table last, so that what comes
    /// after it is seen here, and what came before it goes there.
    fn promote(&self, number: u64, packed: &Packed, ready: Ready) {
        let key = (number, ready.encoding);
        self.ready.insert(key, ready);
        if !self.packed.peek(&number).is_some_and(|now| Arc::ptr_eq(&now.frame, &packed.frame)) {
            self.ready.remove(&key);
        }
    }

    /// What is known about a package.
    pub(crate) fn of(&self, package: &PackageId, view: View, now: impl Fn() -> Timestamp) -> Option<Known> {
        self.at(&address(package, view)?, Encoding::Identity, now)
    }

    /// Keeps an answer as it is, until some time where it grows old.
    pub(crate) fn keep(&self, package: &PackageId, view: View, answer: &Tagged, until: Option<Timestamp>) {
        let Some(address) = address(package, view) else { return };
        let holds = Holds { until, round: self.round.load(Ordering::SeqCst) };
        let Some(Ready { bytes, shape, .. }) = Ready::new(&address, answer, holds) else { return };
        if let Some(frame) = pack(&bytes) {
            self.packed.insert(self.numbers.hash_one(&*address), Packed { frame, shape, holds });
        }
    }

    /// Keeps that there is no answer about a package.
    pub(crate) fn keep_uncertified(&self, package: &PackageId, view: View) {
        let Some(address) = address(package, view) else { return };
        let round = self.round.load(Ordering::SeqCst);
        self.uncertified.insert(self.numbers.hash_one(&*address), Uncertified { address: address.into(), round });
    }

    /// Forgets what was kept about a package.
    pub(crate) fn forget(&self, package: &PackageId) {
        for address in [View::Package, View::Verify].into_iter().filter_map(|view| address(package, view)) {
            let number = self.numbers.hash_one(&*address);
            self.packed.remove(&number);
            self.uncertified.remove(&number);
            for encoding in Encoding::ALL {
                self.ready.remove(&(number, encoding));
            }
        }
    }

    /// How many answers are kept packed, of how many bytes, and how many those take.
    #[cfg(test)]
    pub(crate) fn packed(&self) -> (usize, usize, usize) {
        let of = |(_, packed): (u64, Packed)| (packed.shape.length as usize, packed.frame.len());
        self.packed
            .iter()
            .map(of)
            .fold((0, 0, 0), |(count, plain, small), (length, frame)| (count + 1, plain + length, small + frame))
    }

    /// Forgets everything, however much it is, in no time: what is left makes room as new answers come.
    pub(crate) fn forget_all(&self) {
        self.round.fetch_add(1, Ordering::SeqCst);
    }
}

impl Ready {
    /// An answer in one piece. `None` for one of 4 GiB.
    fn new(address: &str, answer: &Tagged, holds: Holds) -> Option<Self> {
        let etag = address.len() + answer.etag.len();
        let shape = Shape {
            address: u32::try_from(address.len()).ok()?,
            etag: u32::try_from(etag).ok()?,
            length: u32::try_from(etag + answer.body.len()).ok()?,
        };
        let bytes = [address.as_bytes(), answer.etag.as_bytes(), &answer.body].concat().into();
        Some(Self { bytes, shape, encoding: answer.encoding, holds })
    }

    /// The answer, where it is that of this address: pieces of the same memory.
    fn answer(&self, address: &str) -> Option<Tagged> {
        let Shape { address: end, etag, .. } = self.shape;
        let (end, etag) = (end as usize, etag as usize);
        if self.bytes.get(..end)? != address.as_bytes() {
            return None;
        }
        let tag = HeaderValue::from_maybe_shared(self.bytes.slice(end..etag)).ok()?;
        Some(Tagged { body: self.bytes.slice(etag..), encoding: self.encoding, etag: tag })
    }
}

/// How many bytes an entry takes.
#[derive(Clone)]
struct Weigh;

impl Weighter<u64, Packed> for Weigh {
    fn weight(&self, _: &u64, packed: &Packed) -> u64 {
        (packed.frame.len() + OVERHEAD) as u64
    }
}

impl Weighter<(u64, Encoding), Ready> for Weigh {
    fn weight(&self, _: &(u64, Encoding), ready: &Ready) -> u64 {
        (ready.bytes.len() + OVERHEAD) as u64
    }
}

impl Weighter<u64, Uncertified> for Weigh {
    fn weight(&self, _: &u64, unknown: &Uncertified) -> u64 {
        (unknown.address.len() + OVERHEAD) as u64
    }
}

fn table<K: Eq + std::hash::Hash, V: Clone>(bytes: u64) -> Table<K, V>
where
    Weigh: Weighter<K, V>,
{
    // Remembering what went is worth most where much goes all the time, and would cost a record for each.
    let options = OptionsBuilder::new()
        .estimated_items_capacity(usize::try_from(bytes / USUAL).unwrap_or(usize::MAX))
        .weight_capacity(bytes)
        .ghost_allocation(0.0)
        .build()
        .expect("what it asks for is given");
    Cache::with_options(options, Weigh, RandomState::new(), DefaultLifecycle::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(text: &str) -> Tagged {
        Tagged::plain(Bytes::from(text.to_owned()), crate::conditional::etag(&text[..3]))
    }

    #[test]
    fn an_address_names_one_answer() {
        let check = |text: &str, expect: Option<(&str, View)>| {
            let got = named(text).map(|(package, view)| (package.to_string(), view));
            assert_eq!(got, expect.map(|(package, view)| (package.to_owned(), view)), "{text}");
            if let Some((package, view)) = named(text) {
                assert_eq!(address(&package, view).as_deref(), Some(text));
            }
        };
        check("pypi/demo/1.0", Some(("pypi:demo@1.0", View::Package)));
        check("pypi/demo/1.0/verify", Some(("pypi:demo@1.0", View::Verify)));
        check("npm/@a/b/1.0.0", Some(("npm:@a/b@1.0.0", View::Package)));
        check("npm/@a/b/1.0.0/verify", Some(("npm:@a/b@1.0.0", View::Verify)));
        check("pypi/torch/2.0.0+cpu", Some(("pypi:torch@2.0.0+cpu", View::Package)));
        for other in [
            "pypi/Demo/1.0",
            "pypi/demo",
            "pypi/demo/verify",
            "npm/@a/b/verify",
            "npm/@a%2fb/1.0.0",
            "npm/a/b/1.0.0",
            "batch",
            "by-hash/00",
            "pypi/demo/1.0/flags",
            "pypi//1.0",
            "pypi/demo/",
            "/pypi/demo/1.0",
            "",
            "/",
            "verify",
            "/verify",
            "1/1",
        ] {
            check(other, None);
        }
        assert_eq!(address(&"npm:@a/b@verify".parse().unwrap(), View::Package), None, "npm/@a/b/verify is no address");
    }

    const NOON: fn() -> Timestamp = || Timestamp::from_millis(0);

    fn found(kept: &Kept, address: &str, encoding: Encoding, at: i64) -> Option<Option<(Vec<u8>, String)>> {
        Some(match kept.at(address, encoding, || Timestamp::from_millis(at))? {
            Known::Answer(answer) => {
                assert_eq!(answer.encoding, encoding);
                Some((answer.body.to_vec(), answer.etag.to_str().unwrap().to_owned()))
            }
            Known::Uncertified => None,
        })
    }

    #[test]
    fn what_is_kept_is_found_until_it_grows_old_or_is_forgotten() {
        let kept = Kept::new(1 << 20);
        let (package, other): (PackageId, PackageId) = ("pypi:a@1".parse().unwrap(), "pypi:b@1".parse().unwrap());
        // As often as it takes to stand ready, and as often as it takes to come from there.
        let check = |at: i64, expect: Option<Option<&str>>| {
            for encoding in Encoding::ALL {
                let expect = expect.map(|body| {
                    body.map(|body| (encoding.write(body.as_bytes()).unwrap(), format!("W/\"{}\"", &body[..3])))
                });
                for _ in 0..2 * PROMOTED {
                    assert_eq!(found(&kept, "pypi/a/1", encoding, at), expect);
                }
            }
        };
        check(0, None);
        kept.keep(&package, View::Package, &tagged("one"), Some(Timestamp::from_millis(10)));
        check(9, Some(Some("one")));
        check(10, None);
        kept.keep(&package, View::Package, &tagged("two"), None);
        check(10, Some(Some("two")));
        kept.forget(&other);
        check(i64::MAX, Some(Some("two")));
        kept.forget(&package);
        check(0, None);
        kept.keep_uncertified(&package, View::Package);
        check(0, Some(None));
        kept.forget(&package);
        check(0, None);
        kept.keep(&package, View::Package, &tagged("three"), None);
        kept.keep_uncertified(&other, View::Package);
        kept.forget_all();
        check(0, None);
        assert!(kept.at("pypi/b/1", Encoding::Identity, NOON).is_none());
        kept.keep(&package, View::Package, &tagged("four"), None);
        check(0, Some(Some("four")));
    }

    #[test]
    fn an_answer_of_another_address_is_not_found() {
        let kept = Kept::new(1 << 20);
        let package: PackageId = "pypi:a@1".parse().unwrap();
        kept.keep(&package, View::Package, &tagged("one"), None);
        let number = kept.numbers.hash_one("pypi/a/1");
        let packed = kept.packed.get(&number).unwrap();
        // As if the numbers of two addresses were one.
        let collides = kept.numbers.hash_one("pypi/b/1");
        kept.packed.insert(collides, packed.clone());
        assert!(kept.at("pypi/b/1", Encoding::Identity, NOON).is_none());
        let bytes = Ready::new("pypi/a/1", &tagged("one"), packed.holds).unwrap();
        kept.ready.insert((collides, Encoding::Identity), bytes);
        assert!(kept.at("pypi/b/1", Encoding::Identity, NOON).is_none());
        kept.uncertified.insert(collides, Uncertified { address: "pypi/c/1".into(), round: 0 });
        assert!(kept.at("pypi/b/1", Encoding::Identity, NOON).is_none());
    }

    #[test]
    fn what_is_unpacked_while_it_is_forgotten_does_not_stay() {
        let kept = Kept::new(1 << 20);
        let package: PackageId = "pypi:a@1".parse().unwrap();
        kept.keep(&package, View::Package, &tagged("one"), None);
        let number = kept.numbers.hash_one("pypi/a/1");
        let packed = kept.packed.get(&number).unwrap();
        kept.forget(&package);
        kept.promote(number, &packed, Ready::new("pypi/a/1", &tagged("one"), packed.holds).unwrap());
        assert!(kept.at("pypi/a/1", Encoding::Identity, NOON).is_none());
        // Nor where another answer has taken its place.
        kept.keep(&package, View::Package, &tagged("two"), None);
        kept.promote(number, &packed, Ready::new("pypi/a/1", &tagged("one"), packed.holds).unwrap());
        assert_eq!(found(&kept, "pypi/a/1", Encoding::Identity, 0).unwrap().unwrap().0, b"two");
    }

    /// What stands ready costs no memory of its own, and what is unpacked costs that of the answer.
    #[test]
    fn what_an_answer_costs_is_counted() {
        let kept = Kept::new(1 << 20);
        let check = |address: &str, encoding: Encoding, expect: u64| {
            let measured = allocation_counter::measure(|| assert!(kept.at(address, encoding, NOON).is_some()));
            assert_eq!(measured.count_total, expect, "{address} {encoding:?}");
        };
        let package: PackageId = "pypi:a@1".parse().unwrap();
        kept.keep(&package, View::Package, &tagged(&"one ".repeat(500)), None);
        kept.keep(&package, View::Verify, &tagged(&"two ".repeat(500)), None);
        kept.keep_uncertified(&"pypi:b@1".parse().unwrap(), View::Package);
        for encoding in Encoding::ALL {
            // As often as it takes to stand ready. What reads and writes frames is made once for each thread.
            for _ in 0..2 * PROMOTED {
                kept.at("pypi/a/1", encoding, NOON);
            }
            check("pypi/a/1", encoding, 0);
        }
        check("pypi/b/1", Encoding::Identity, 0);
        // Its bytes, and the count of who uses them.
        kept.unpacked.store(1, Ordering::Relaxed);
        check("pypi/a/1/verify", Encoding::Identity, 2);
    }

    #[test]
    fn no_more_is_kept_than_there_may_be() {
        let check = |bytes: u64, expect: bool| {
            let kept = Kept::new(bytes);
            for number in 0..8_000 {
                let package = format!("npm:name-{number}@1.0.0").parse().unwrap();
                kept.keep(&package, View::Package, &tagged(&number.to_string().repeat(300)), None);
                for _ in 0..PROMOTED {
                    kept.at(&format!("npm/name-{number}/1.0.0"), Encoding::Identity, NOON);
                }
                let other = format!("npm:other-{number}@1.0.0").parse().unwrap();
                kept.keep_uncertified(&other, View::Package);
            }
            let weight = kept.packed.weight() + kept.ready.weight() + kept.uncertified.weight();
            assert!(weight <= bytes + 64 && (weight > bytes / 2) == expect, "{weight} of {bytes}");
        };
        check(1 << 20, true);
        check(0, false);
    }
}
