//! Reports and lists of files: what a certificate's hashes are over.

use sigma_core::Sha256;

use crate::support::TestApp;

#[tokio::test]
async fn a_report_is_its_bytes_and_a_list_needs_the_distribution() {
    let app = TestApp::new().await;
    let id = app.certify("pypi:requests@2.31.0").await;
    let got = app.get(&format!("/api/v1/public/certificates/{id}/report")).await;
    assert_eq!((got.status, got.header("content-type")), (200, "application/json"), "{}", got.text());
    let sealed = app.store.certificate(&id).await.unwrap().unwrap();
    assert_eq!(Sha256::of(got.text().as_bytes()), Sha256::of(&sealed.report), "to the byte");
    // Nobody opened the lists here, and the sample has no bytes.
    let got = app.get(&format!("/api/v1/public/certificates/{id}/files")).await;
    assert_eq!((got.status, got.code().as_str()), (404, "not-found"));
    for path in ["report", "files"] {
        let unknown = format!("/api/v1/public/certificates/pkg_{}/{path}", "a".repeat(32));
        assert_eq!(app.get(&unknown).await.code(), "not-found");
        let wrong = app.get(&format!("/api/v1/public/certificates/sig_{}/{path}", "a".repeat(32))).await;
        assert_eq!((wrong.status, wrong.code().as_str()), (400, "invalid-id"));
    }
}
