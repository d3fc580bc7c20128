//! Stores with many certificates, for benches.

use sigma_certificate::PackageCertificate;
use sigma_core::{Ecosystem, PackageId, PackageName};
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

fn one(number: usize) -> Sealed {
    let payload = sample::payload(&package(number).to_string());
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
