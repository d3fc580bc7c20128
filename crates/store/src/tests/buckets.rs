//! Blobs in object storage: a real S3 server where `SIGMA_TEST_S3` names one, memory otherwise.

use std::sync::atomic::{AtomicU32, Ordering};

use sigma_core::ExpectedDigest;

use super::{digests, store};
use crate::*;

/// A bucket of its own: on the S3 server that `SIGMA_TEST_S3` names, or in memory.
async fn bucket() -> Bucket {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let prefix = format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let server = std::env::var("SIGMA_TEST_S3").ok();
    let url = match &server {
        Some(_) => format!("s3://sigma-test/{prefix}"),
        None => format!("memory:///{prefix}"),
    };
    let options = [
        ("AWS_ENDPOINT_URL", server.unwrap_or_default()),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
    ];
    Bucket::open(&url.parse().unwrap(), options.map(|(name, value)| (name.to_owned(), value))).unwrap()
}

/// Stores a text as a verified distribution.
async fn adopted(store: &Store, bytes: &[u8]) -> Blob {
    let staged = store.staging().join("x.partial");
    std::fs::write(&staged, bytes).unwrap();
    store.blobs().adopt(&staged, &digests(bytes)).await.unwrap()
}

#[tokio::test]
async fn what_one_machine_stored_another_fetches_from_the_bucket() {
    let (_place, store) = store().await;
    let bucket = bucket().await;
    let store = store.with_bucket(bucket.clone());
    // More than one part of an upload.
    let large: Vec<u8> = (0..12_000_000_u32).map(|at| (at % 251) as u8).collect();
    for bytes in [&b"bytes"[..], &large] {
        let blob = adopted(&store, bytes).await;
        std::fs::remove_file(&blob.path).unwrap();
        let found = store.blobs().find(&[blob.sha256.into()]).await.unwrap();
        assert_eq!(found, Some(blob.clone()));
        assert!(std::fs::read(&blob.path).unwrap() == bytes);
    }
    assert_eq!(std::fs::read_dir(store.staging()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_bucket_that_is_not_right_is_no_source_of_bytes() {
    let (_place, store) = store().await;
    let bucket = bucket().await;
    let store = store.with_bucket(bucket.clone());
    let blob = adopted(&store, b"bytes").await;
    let digest = [ExpectedDigest::from(blob.sha256)];

    // Somebody put other bytes there.
    let other = store.staging().join("other");
    std::fs::write(&other, b"more than these bytes").unwrap();
    bucket.put(blob.sha256, &other).await.unwrap();
    std::fs::remove_file(&other).unwrap();
    std::fs::remove_file(&blob.path).unwrap();
    assert_eq!(store.blobs().find(&digest).await.unwrap(), None);
    assert!(!blob.path.exists());

    // Nobody answers: the bytes are as good as not there, but what must be durable fails.
    let nowhere =
        [("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_ALLOW_HTTP", "true"), ("AWS_SKIP_SIGNATURE", "true")];
    let options = nowhere.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let down = store.clone().with_bucket(Bucket::open(&"s3://gone".parse().unwrap(), options).unwrap());
    assert_eq!(down.blobs().find(&digest).await.unwrap(), None);
    let staged = down.staging().join("y.partial");
    std::fs::write(&staged, b"others").unwrap();
    let error = down.blobs().adopt(&staged, &digests(b"others")).await.unwrap_err();
    assert!(matches!(error, StoreError::Bucket { ref name, .. } if name == "s3://gone"), "{error}");
    assert_eq!(down.blobs().find(&[digests(b"others").sha256.into()]).await.unwrap(), None);

    assert!(Bucket::open(&"ftp://host/x".parse().unwrap(), []).is_err());
}

#[tokio::test]
async fn blobs_of_a_folder_move_into_a_bucket() {
    let (_place, store) = store().await;
    let first = adopted(&store, b"first").await;
    let second = adopted(&store, b"second").await;
    assert!(matches!(store.blobs().upload().await, Err(StoreError::NoBucket)));
    std::fs::remove_file(&second.path).unwrap();

    let store = store.with_bucket(bucket().await);
    assert_eq!(store.blobs().upload().await.unwrap(), Uploaded { put: 1, present: 0, missing: 1 });
    assert_eq!(store.blobs().upload().await.unwrap(), Uploaded { put: 0, present: 1, missing: 1 });
    std::fs::remove_file(&first.path).unwrap();
    assert_eq!(store.blobs().find(&[first.sha256.into()]).await.unwrap(), Some(first));
}
