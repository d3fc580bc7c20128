//! A node with a deployed contract, and a key that pays.

use std::path::{Path, PathBuf};

use sigma_chain::{Address, B256, ChainKey, Commit, Fees, Finality, Node, Registry, deploy};
use sigma_testkit::EvmNode;

/// 1,000 gwei: more than the node asks for.
pub const CAP: u128 = 1_000_000_000_000;
pub const CHAIN: u64 = 143;

pub struct World {
    pub node: EvmNode,
    pub key: ChainKey,
    pub registry: Registry,
    pub folder: tempfile::TempDir,
}

pub fn ours(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub fn client(url: &str) -> Node {
    Node::new(&url.parse().unwrap()).unwrap()
}

pub fn hash(byte: u8) -> B256 {
    B256::repeat_byte(byte)
}

impl World {
    /// None where there is no node to be had.
    pub async fn start() -> Option<Self> {
        let node = EvmNode::start(CHAIN)?;
        let folder = tempfile::tempdir().unwrap();
        let key = ChainKey::generate(&folder.path().join("chain.pem")).unwrap();
        node.fund(&key.address().to_string());
        let client = client(&node.url());
        let prepared = deploy(&client, CHAIN, key.address(), CAP).await.unwrap();
        let signed = prepared.sign(&key, 0, prepared.fees);
        client.send(&signed.raw).await.unwrap();
        node.mine(3);
        let registry = Registry::new(client, CHAIN, key.address().create(0), Finality::Finalized);
        assert_eq!(registry.issuer(&registry.final_block().await.unwrap()).await.unwrap(), key.address());
        Some(Self { node, key, registry, folder })
    }

    /// Sends a commit, makes blocks, and tells the gas that was used and allowed.
    pub async fn commit(&self, commit: &Commit) -> (u64, u64) {
        let prepared = self.registry.prepare(commit, self.key.address(), CAP).await.unwrap();
        let signed = prepared.sign(&self.key, self.nonce().await, prepared.fees);
        self.registry.node().send(&signed.raw).await.unwrap();
        self.node.mine(3);
        let receipt = self.registry.node().receipt(signed.hash).await.unwrap().unwrap();
        assert!(receipt.succeeded, "{receipt:?}");
        (receipt.gas_used, prepared.gas)
    }

    pub async fn nonce(&self) -> u64 {
        self.registry.node().sent(self.key.address(), "latest").await.unwrap()
    }

    pub async fn find(&self, commit: &Commit) -> Option<sigma_chain::Found> {
        let at = self.registry.final_block().await.unwrap();
        self.registry.find(commit, &at).await.unwrap()
    }

    /// Another key that can pay.
    pub fn stranger(&self) -> ChainKey {
        let key = ChainKey::generate(&self.folder.path().join("stranger.pem")).unwrap();
        self.node.fund(&key.address().to_string());
        key
    }
}

pub fn fees() -> Fees {
    Fees { most: CAP, tip: 1_000_000_000 }
}

pub fn nobody() -> Address {
    Address::repeat_byte(9)
}
