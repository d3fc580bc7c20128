//! Stores with many certificates, for benches.

use sigma_certificate::PackageCertificate;
use sigma_core::{Ecosystem, PackageId, PackageName, Sha1, Sha256, Sha512};
use sigma_store::{Sealed, Store};

#[path = "../../../server/tests/api/sample.rs"]
mod sample;

/// Certificates stored in one transaction.
const CHUNK: usize = 2_000;

/// Stores certificates of `package(0)` and so on, unless they are there.
pub async fn fill(store: &Store, certificates: usize) {
    let last = package(certificates.saturating_sub(1));
    if !store.certificates_of(&last).await.expect("a look-up").is_empty() {
        return;
    }
    let numbers: Vec<usize> = (0..certificates).collect();
    for chunk in numbers.chunks(CHUNK) {
        let sealed: Vec<Sealed> = chunk.iter().map(|number| one(*number)).collect();
        store.insert_all(&sealed).await.expect("stored");
    }
}

/// A certificate whose hashes are as different from those of all others as real ones are: what is the same costs a cache nothing.
pub fn one(number: usize) -> Sealed {
    let mut payload = sample::payload(&package(number).to_string());
    let hash = |what: &str| Sha256::of(format!("{what} of {number}").as_bytes());
    let (long, mut sha512, mut sha1) = (hash("sha512"), [0; 64], [0; 20]);
    sha512[..32].copy_from_slice(long.as_bytes());
    sha512[32..].copy_from_slice(hash("its end").as_bytes());
    sha1.copy_from_slice(&hash("sha1").as_bytes()[..20]);
    payload.file_set_hash = hash("files");
    payload.report_hash = hash("report");
    payload.round_id = format!("rnd_{}", &hash("round").to_string()[..32]);
    for distribution in &mut payload.distributions {
        distribution.file_set_hash = payload.file_set_hash;
        distribution.filename = format!("name-{number}-1.0.0.tgz");
        distribution.size = number as u64 * 7 + 1_000;
        distribution.coverage.files = number as u64 % 997;
        distribution.coverage.bytes = number as u64 * 31;
        distribution.sha512 = Sha512::from_bytes(sha512);
        distribution.sha1 = Sha1::from_bytes(sha1);
    }
    let certificate = PackageCertificate::seal(payload).expect("sealed");
    Sealed { certificate, report: b"{}".to_vec(), round: b"{}".to_vec() }
}

/// The package with a number.
pub fn package(number: usize) -> PackageId {
    let name = PackageName::new(Ecosystem::Npm, &format!("name-{number}")).expect("a name");
    PackageId::new(name, "1.0.0").expect("a version")
}

/// A number from all over the store: a multiplication by a large prime visits them in no order.
pub fn spread(number: usize, certificates: usize) -> usize {
    number.wrapping_mul(2_654_435_761) % certificates
}
