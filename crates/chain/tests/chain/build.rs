//! The contract is what its source says, and its fuzz tests hold.

use std::process::Command;

use sigma_testkit::{chain_program, chain_tool};

use crate::support::ours;

/// What is shipped is what the pinned compiler makes of the source, byte by byte.
#[test]
fn a_rebuild_gives_the_same_bytes() {
    let Some(modules) = chain_tool("node_modules") else { return };
    let folder = tempfile::tempdir().unwrap();
    let built = Command::new("node")
        .arg(ours("../../contracts/build.cjs"))
        .arg(folder.path())
        .env("NODE_PATH", modules)
        .output()
        .expect("Node.js runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    for name in ["CertificateRegistry.abi.json", "CertificateRegistry.bin", "CertificateRegistry.runtime.bin"] {
        let shipped = std::fs::read(ours("../../contracts/out").join(name)).unwrap();
        let rebuilt = std::fs::read(folder.path().join(name)).unwrap();
        assert!(shipped.len() > 5000 && shipped == rebuilt, "{name} is not what `node contracts/build.cjs` writes");
    }
}

/// Fuzz tests of who may write, of proofs, and the vectors of payload hashes and of the log, in Solidity.
#[test]
fn the_contract_holds_under_fuzzing() {
    let (Some(modules), Some(forge)) = (chain_tool("node_modules"), chain_program("forge")) else { return };
    let cache = tempfile::tempdir().unwrap();
    let tested = Command::new(forge)
        .args(["test", "--no-cache"])
        .current_dir(ours("../../contracts"))
        .env("NODE_PATH", modules)
        .env("FOUNDRY_OUT", cache.path().join("out"))
        .env("FOUNDRY_CACHE_PATH", cache.path().join("cache"))
        .output()
        .expect("forge runs");
    let text = String::from_utf8_lossy(&tested.stdout);
    assert!(tested.status.success(), "{text}{}", String::from_utf8_lossy(&tested.stderr));
    for suite in ["CertificateRegistry.t.sol", "Proofs.t.sol", "Payload.t.sol"] {
        assert!(text.contains(suite), "{suite} did not run: {text}");
    }
    assert!(text.contains(" 0 failed, 0 skipped"), "{text}");
}
