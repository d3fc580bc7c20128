//! A registry with a log, a contract on a node, and a key.

use std::time::Duration;

use sigma_certificate::PackageCertificate;
use sigma_chain::{ChainKey, Finality, Node, Registry, deploy};
use sigma_pipeline::{AnchorConfig, AnchorMode, AnchorStep, Anchorer, LedgerFolder};
use sigma_store::{Database, Sealed, Store};
use sigma_testkit::{EvmNode, LyingNode, fresh_postgres};

pub use crate::made::{at, certificate};

pub const CHAIN: u64 = 143;
/// 1,000 gwei: more than the node asks for.
pub const CAP: u128 = 1_000_000_000_000;
pub const HOUR: i64 = 3600;

pub struct World {
    pub node: EvmNode,
    pub key: ChainKey,
    pub store: Store,
    pub ledger: LedgerFolder,
    pub registry: Registry,
    _folder: tempfile::TempDir,
}

pub fn config(mode: AnchorMode) -> AnchorConfig {
    AnchorConfig { mode, batch: 1000, interval: Duration::from_secs(HOUR as u64), max_fee: CAP, revocations: true }
}

fn client(url: &str) -> Node {
    Node::new(&url.parse().unwrap()).unwrap()
}

impl World {
    /// None where there is no node to be had.
    pub async fn start() -> Option<Self> {
        let node = EvmNode::start(CHAIN)?;
        let folder = tempfile::tempdir().unwrap();
        let key = ChainKey::generate(&folder.path().join("chain.pem")).unwrap();
        node.fund(&key.address().to_string());
        let deploying = client(&node.url());
        let prepared = deploy(&deploying, CHAIN, key.address(), CAP).await.unwrap();
        deploying.send(&prepared.sign(&key, 0, prepared.fees).raw).await.unwrap();
        node.mine(3);
        let registry = Registry::new(deploying, CHAIN, key.address().create(0), Finality::Finalized);
        let database = fresh_postgres().map_or(Database::Embedded, |url| url.parse().unwrap());
        let store = Store::open(&folder.path().join("store"), &database).await.unwrap();
        let ledger = LedgerFolder::new(&folder.path().join("ledger"), None);
        ledger.create("sigma.example.org/log", None, at(0)).unwrap();
        Some(Self { node, key, store, ledger, registry, _folder: folder })
    }

    /// Certifies packages and logs them. The log has one entry more, its status list, from the first time on.
    pub async fn certify(&self, names: &[&str]) -> Vec<PackageCertificate> {
        let sealed: Vec<_> = names.iter().map(|name| certificate(name)).collect();
        for certificate in &sealed {
            let (report, round) = (b"{}".to_vec(), b"{}".to_vec());
            self.store.insert(&Sealed { certificate: certificate.clone(), report, round }).await.unwrap();
        }
        self.ledger.open().unwrap().sync(&self.store, true, at(1)).await.unwrap();
        sealed
    }

    pub fn anchorer(&self, mode: AnchorMode) -> Anchorer {
        self.process(&self.registry, config(mode))
    }

    /// As another process would: nothing is shared but the store, the key and the log.
    pub fn process(&self, registry: &Registry, config: AnchorConfig) -> Anchorer {
        Anchorer::new(self.store.clone(), self.ledger.clone(), registry.clone(), self.key.clone(), config)
    }

    /// The same contract, asked through another node.
    pub fn through(&self, lying: &LyingNode) -> Registry {
        Registry::new(client(&lying.url()), CHAIN, self.registry.contract(), Finality::Finalized)
    }

    /// Steps and makes blocks until it is final.
    pub async fn finish(&self, anchorer: &Anchorer, mut seconds: i64) -> u64 {
        for _ in 0..20 {
            if let AnchorStep::Final { seq } = anchorer.step(at(seconds)).await.unwrap() {
                return seq;
            }
            self.node.mine(1);
            seconds += 1;
        }
        panic!("it is never final: {:?}", self.store.open_anchor(CHAIN).await);
    }

    /// What the contract was told in all, and how many transactions that took; its own deployment is not counted.
    pub fn told(&self) -> (usize, u64) {
        let events = self.node.events(&self.registry.contract().to_string());
        (events - 1, self.node.sent(&self.key.address().to_string()) - 1)
    }

    /// The `onChain` block of a certificate.
    pub async fn on_chain(&self, certificate: &PackageCertificate) -> sigma_certificate::OnChain {
        sigma_pipeline::on_chain(self.store.anchor_of(certificate.id()).await.unwrap().as_ref(), true)
    }
}

pub fn open(step: &AnchorStep) -> &str {
    match step {
        AnchorStep::Open { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

/// The trusted root of a ledger, as a stranger has it.
pub fn trusted_root(ledger: &LedgerFolder) -> sigma_ledger::TrustedRoot {
    ledger.root().unwrap()
}
