//! Key files and signing commands.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sigma_ledger::keys::{Issuer, LogKey, SignCommand, SignError, generate_issuer_key, generate_log_key};

use crate::support::ORIGIN;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn new_keys_are_their_owners_alone_and_replace_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (issuer, log) = (dir.path().join("issuer.pem"), dir.path().join("log.pem"));
    let key = generate_issuer_key(&issuer).unwrap();
    generate_log_key(&log, ORIGIN).unwrap();
    assert_eq!((mode(&issuer), mode(&log)), (0o600, 0o600));
    let before = std::fs::read(&issuer).unwrap();
    assert!(generate_issuer_key(&issuer).unwrap_err().to_string().contains("exists"));
    assert_eq!(std::fs::read(&issuer).unwrap(), before);
    assert_eq!(Issuer::from_file(&issuer).unwrap().public().id(), key.public().id());
    assert!(!format!("{key:?}").contains("PRIVATE"));
}

#[test]
fn keys_that_others_can_read_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("issuer.pem");
    generate_issuer_key(&path).unwrap();
    for mode in [0o640, 0o604, 0o660, 0o601] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = Issuer::from_file(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("got the mode {mode:o}")), "{error}");
    }
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.pem");
    generate_issuer_key(&path).unwrap();
    assert!(LogKey::from_file(&path, ORIGIN).is_err(), "a P-256 key is no log key");
    let log = dir.path().join("log.pem");
    generate_log_key(&log, ORIGIN).unwrap();
    assert!(Issuer::from_file(&log).is_err(), "an Ed25519 key is no issuer key");
    assert!(LogKey::from_file(&log, "two words").is_err(), "a name with a space");
    std::fs::write(&log, "no key").unwrap();
    assert!(LogKey::from_file(&log, ORIGIN).is_err());
}

/// Keys of OpenSSL are read, and OpenSSL signs for us as an external command.
#[test]
fn openssl_signs_as_an_external_command() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("issuer.pem");
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"])
        .arg(&path)
        .output();
    let Ok(made) = made else {
        println!("skipped: openssl is not installed");
        return;
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let public = Issuer::from_file(&path).unwrap().public().clone();
    let argv = ["openssl", "dgst", "-sha256", "-sign", path.to_str().unwrap()].map(str::to_owned).to_vec();
    let issuer = Issuer::from_command(SignCommand { argv, public: public.clone(), timeout: Duration::from_secs(20) });
    let message = vec![7; 300_000];
    let signature = issuer.sign(&message).unwrap();
    assert!(public.verify(&message, &signature));
    assert!(!public.verify(b"another", &signature));
}

#[test]
fn commands_that_misbehave_give_no_signature() {
    let dir = tempfile::tempdir().unwrap();
    let public = generate_issuer_key(&dir.path().join("issuer.pem")).unwrap().public().clone();
    let sign = |script: &str, timeout| {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let command = SignCommand { argv, public: public.clone(), timeout: Duration::from_millis(timeout) };
        Issuer::from_command(command).sign(&[1; 100_000]).unwrap_err()
    };
    assert!(matches!(sign("cat >/dev/null; echo nonsense", 20_000), SignError::Signature(9)));
    assert!(matches!(sign("cat /dev/zero", 1_000), SignError::Timeout(_) | SignError::Failed(_)));
    assert!(matches!(sign("exec sleep 60", 100), SignError::Timeout(_)));
    assert!(matches!(sign("exit 3", 20_000), SignError::Failed(_)));
    // What it leaves running keeps the pipe open; nobody waits for that.
    assert!(matches!(sign("sleep 5 & exit 0", 500), SignError::Timeout(_)));
    let nothing = SignCommand { argv: Vec::new(), public: public.clone(), timeout: Duration::from_secs(1) };
    assert!(matches!(Issuer::from_command(nothing).sign(b""), Err(SignError::Io(_))));
    let missing = vec!["/nonexistent/signer".to_owned()];
    let missing = SignCommand { argv: missing, public, timeout: Duration::from_secs(1) };
    assert!(matches!(Issuer::from_command(missing).sign(b""), Err(SignError::Io(_))));
}
