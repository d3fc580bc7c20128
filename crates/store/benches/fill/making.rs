//! Certificates made on every processor, and handed over in their order; digests that are remembered until they can be stored in theirs.

use std::sync::mpsc::sync_channel;
use std::time::Instant;

use sigma_core::{ExpectedDigest, Sha1, Sha256, Sha512};
use sigma_store::Sealed;

use crate::filling::one;

/// Certificates that are handed over at once, and how many such pieces one thread is ahead.
const PIECE: usize = 500;
const AHEAD: usize = 4;
/// After so many, it is told how far it is.
const TOLD: usize = 1_000_000;

/// Makes certificates, and has each stored by the calling thread.
pub fn each(certificates: usize, mut store: impl FnMut(&Sealed)) {
    let makers = std::thread::available_parallelism().map_or(2, usize::from);
    let (began, pieces) = (Instant::now(), certificates.div_ceil(PIECE));
    std::thread::scope(|scope| {
        let made: Vec<_> = (0..makers)
            .map(|maker| {
                let (give, take) = sync_channel::<Vec<Sealed>>(AHEAD);
                scope.spawn(move || {
                    for piece in (maker..pieces).step_by(makers) {
                        let numbers = piece * PIECE..((piece + 1) * PIECE).min(certificates);
                        let sealed: Vec<Sealed> = numbers.map(one).collect();
                        for sealed in &sealed {
                            // Made once, and here: it is the dearest of all hashes.
                            sealed.certificate.payload_hash();
                        }
                        give.send(sealed).expect("somebody stores it");
                    }
                });
                take
            })
            .collect();
        for piece in 0..pieces {
            made[piece % makers].recv().expect("made").iter().for_each(&mut store);
            if ((piece + 1) * PIECE).is_multiple_of(TOLD) {
                crate::tell(&format!("{} certificates", (piece + 1) * PIECE), began);
            }
        }
    });
}

/// What the table of digests says of one certificate, in as few bytes as possible.
struct Digests {
    certificate: String,
    sha256: Sha256,
    sha512: Sha512,
    sha1: Sha1,
}

/// The digests of all certificates.
#[derive(Default)]
pub struct AllDigests(Vec<Digests>);

/// A digest, the certificate's id, and whether it is the distribution that an installer prefers.
pub type Row<'a> = (String, &'a str, i64);

impl AllDigests {
    /// Remembers those of one more certificate, which has one distribution.
    pub fn add(&mut self, sealed: &Sealed) {
        let [distribution] = sealed.certificate.payload().distributions.as_slice() else {
            panic!("a sample has one distribution")
        };
        let (sha256, sha512, sha1) = (distribution.sha256, distribution.sha512, distribution.sha1);
        self.0.push(Digests { certificate: sealed.certificate.id().to_owned(), sha256, sha512, sha1 });
    }

    /// The rows of the table in the order of its key, so that storing them only ever appends.
    pub fn in_order(&self) -> impl Iterator<Item = Row<'_>> {
        // As texts, `sha1:` comes first and `sha512:` last. The first bytes decide; where two have the same, nothing is lost but order.
        let kinds: [fn(&Digests) -> &[u8]; 3] =
            [|one| one.sha1.as_bytes(), |one| one.sha256.as_bytes(), |one| one.sha512.as_bytes()];
        kinds.into_iter().enumerate().flat_map(move |(kind, bytes)| {
            let first = |one: &Digests| u64::from_be_bytes(bytes(one)[..8].try_into().expect("eight bytes"));
            let mut order: Vec<(u64, u32)> = self.0.iter().zip(0..).map(|(one, number)| (first(one), number)).collect();
            order.sort_unstable();
            order.into_iter().map(move |(_, number)| {
                let one = &self.0[number as usize];
                let digest = match kind {
                    0 => ExpectedDigest::from(one.sha1),
                    1 => ExpectedDigest::from(one.sha256),
                    _ => ExpectedDigest::from(one.sha512),
                };
                (digest.to_string(), one.certificate.as_str(), 1)
            })
        })
    }
}
