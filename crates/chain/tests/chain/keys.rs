//! Keys: what is read, what is refused, and that others agree about what is signed.

use std::os::unix::fs::PermissionsExt as _;

use sigma_chain::ChainKey;

/// The first key of the well-known test phrase, and its address: of every wallet's documentation.
const KNOWN: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const ADDRESS: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

fn written(text: &str, mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    (folder, path)
}

#[test]
fn a_key_of_a_wallet_has_its_address() {
    for text in [KNOWN.to_owned(), format!("0x{KNOWN}\n")] {
        let (_folder, path) = written(&text, 0o600);
        assert_eq!(ChainKey::from_file(&path).unwrap().address().to_string(), ADDRESS);
    }
}

#[test]
fn a_new_key_is_read_again_and_never_replaces_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.pem");
    let key = ChainKey::generate(&path).unwrap();
    assert_eq!(ChainKey::from_file(&path).unwrap().address(), key.address());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(ChainKey::generate(&path).unwrap_err().to_string().contains("exists"));
    let pem = std::fs::read_to_string(&path).unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----"), "PKCS#8");
    assert!(!format!("{key:?}").contains(pem.lines().nth(1).unwrap()));
}

#[test]
fn what_is_no_key_is_refused() {
    let check = |text: &str, mode: u32, expect: &str| {
        let (_folder, path) = written(text, mode);
        let error = ChainKey::from_file(&path).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
        assert!(!error.contains(KNOWN), "an error never holds the key");
    };
    check(KNOWN, 0o640, "got the mode 640, expected 600");
    check(KNOWN, 0o604, "got the mode 604, expected 600");
    let none = "expected a secp256k1 key";
    check("", 0o600, none);
    check(&"0".repeat(64), 0o600, none);
    check(&"f".repeat(64), 0o600, none);
    check(&KNOWN[1..], 0o600, none);
    check(
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n",
        0o600,
        none,
    );
}

/// OpenSSL's file of a key on that curve.
#[test]
fn openssl_makes_keys_too() {
    let made = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"])
        .output();
    let Ok(made) = made else { return println!("skipped: there is no openssl") };
    let (_folder, path) = written(&String::from_utf8(made.stdout).unwrap(), 0o600);
    ChainKey::from_file(&path).unwrap();
}
