//! Answers as bytes, found by the end of the address that asks for them.
//!
//! In: answers with their entity tags, and word of what is no longer true. Out: the same bytes, without parsing, hashing or copying
//! anything. Bounded in bytes: of what was asked for once, most goes first.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderValue;
use bytes::Bytes;
use moka::sync::Cache;
use sigma_core::{PackageId, Timestamp};

use crate::conditional::Tagged;

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

#[derive(Debug, Clone)]
struct Ready {
    /// The entity tag, then the body: one piece of memory.
    bytes: Bytes,
    /// Where the body begins.
    body: usize,
    /// Until when it holds; for good where nothing in it grows old.
    until: Option<Timestamp>,
    round: u64,
}

/// What an entry costs beside its address and its bytes: the cache's own records.
const OVERHEAD: usize = 300;

/// The answers.
pub(crate) struct Kept {
    answers: Cache<Box<str>, Ready>,
    /// Grows when nothing that was kept before is true any more.
    round: AtomicU64,
}

impl Kept {
    /// Keeps at most so many bytes.
    pub(crate) fn new(bytes: u64) -> Self {
        let answers = Cache::<Box<str>, Ready>::builder()
            .max_capacity(bytes)
            .weigher(|address, ready| u32::try_from(address.len() + ready.bytes.len() + OVERHEAD).unwrap_or(u32::MAX))
            .build();
        Self { answers, round: AtomicU64::new(0) }
    }

    /// The answer at an address, which is the canonical one or any other text.
    pub(crate) fn at(&self, address: &str, now: impl Fn() -> Timestamp) -> Option<Tagged> {
        let ready = self.answers.get(address)?;
        if ready.round != self.round.load(Ordering::SeqCst) || ready.until.is_some_and(|until| now() >= until) {
            return None;
        }
        let etag = HeaderValue::from_maybe_shared(ready.bytes.slice(..ready.body)).ok()?;
        Some(Tagged { body: ready.bytes.slice(ready.body..), etag })
    }

    /// The answer about a package.
    pub(crate) fn of(&self, package: &PackageId, view: View, now: impl Fn() -> Timestamp) -> Option<Tagged> {
        self.at(&address(package, view)?, now)
    }

    /// Keeps an answer, until some time where it grows old.
    pub(crate) fn keep(&self, package: &PackageId, view: View, answer: &Tagged, until: Option<Timestamp>) {
        let Some(address) = address(package, view) else { return };
        let bytes = [answer.etag.as_bytes(), &answer.body].concat().into();
        let (body, round) = (answer.etag.len(), self.round.load(Ordering::SeqCst));
        self.answers.insert(address, Ready { bytes, body, until, round });
    }

    /// Forgets what was kept about a package.
    pub(crate) fn forget(&self, package: &PackageId) {
        for view in [View::Package, View::Verify] {
            if let Some(address) = address(package, view) {
                self.answers.invalidate(&*address);
            }
        }
    }

    /// Forgets everything, however much it is, in no time: what is left makes room as new answers come.
    pub(crate) fn forget_all(&self) {
        self.round.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(text: &str) -> Tagged {
        Tagged { body: Bytes::from(text.to_owned()), etag: crate::conditional::etag(text) }
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

    #[test]
    fn what_is_kept_is_found_until_it_grows_old_or_is_forgotten() {
        let kept = Kept::new(1 << 20);
        let (package, other): (PackageId, PackageId) = ("pypi:a@1".parse().unwrap(), "pypi:b@1".parse().unwrap());
        let found = |at: i64| {
            let found = kept.at("pypi/a/1", || Timestamp::from_millis(at));
            found.map(|answer| (answer.body.to_vec(), answer.etag.to_str().unwrap().to_owned()))
        };
        let expect = Some((b"one".to_vec(), "W/\"one\"".to_owned()));
        kept.keep(&package, View::Package, &tagged("one"), Some(Timestamp::from_millis(10)));
        assert_eq!((found(9), found(10)), (expect.clone(), None));
        kept.keep(&package, View::Package, &tagged("one"), None);
        kept.forget(&other);
        assert_eq!(found(i64::MAX), expect);
        kept.forget(&package);
        assert_eq!(found(0), None);
        kept.keep(&package, View::Package, &tagged("one"), None);
        kept.forget_all();
        assert_eq!(found(0), None);
        kept.keep(&package, View::Package, &tagged("one"), None);
        assert_eq!(found(0), expect, "what is kept afterwards is found");
    }

    #[test]
    fn no_more_is_kept_than_there_may_be() {
        let check = |bytes: u64, expect: bool| {
            let kept = Kept::new(bytes);
            for number in 0..2_000 {
                let package = format!("npm:name-{number}@1.0.0").parse().unwrap();
                kept.keep(&package, View::Package, &tagged(&"x".repeat(1_000)), None);
            }
            kept.answers.run_pending_tasks();
            let weight = kept.answers.weighted_size();
            assert!(weight <= bytes && (weight > bytes / 2) == expect, "{weight} of {bytes}");
        };
        check(1 << 20, true);
        check(0, false);
    }
}
