//! The log's writer asks witnesses: on loopback, honest ones and all the others.

#[path = "../made/mod.rs"]
mod made;
mod served;
#[path = "../../../ledger/tests/ledger/witness.rs"]
mod witness;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use made::{at, certificate};
use served::{Mood, Served};
use sigma_core::Timestamp;
use sigma_ledger::log::WitnessError;
use sigma_ledger::{Checkpoint, Name, Note, Outcome, Policy, verify};
use sigma_pipeline::{
    Asked, Clock, KeyChange, Ledger, LedgerError, LedgerFolder, WitnessAddress, WitnessConfig, keep_log,
};
use sigma_store::{Database, Duty, Sealed, Store};
use witness::Witness;

struct World {
    folder: tempfile::TempDir,
    store: Store,
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), &Database::Embedded).await.unwrap();
        let world = Self { folder, store };
        world.bare().create("sigma.example.org/log", None, at(0)).unwrap();
        world
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("ledger")
    }

    fn bare(&self) -> LedgerFolder {
        LedgerFolder::new(&self.path(), None)
    }

    /// As a process that begins anew: nothing is known but what is in files.
    fn asking(&self, witnesses: &[&Served], first: bool) -> LedgerFolder {
        let witnesses =
            witnesses.iter().map(|one| WitnessAddress { url: one.url().parse().unwrap(), key: one.key.clone() });
        let config = WitnessConfig { witnesses: witnesses.collect(), timeout: Duration::from_secs(60), first };
        self.bare().with_witnesses(config).unwrap()
    }

    fn log_key(&self) -> sigma_ledger::NoteKey {
        self.bare().root().unwrap().logs().last().unwrap().0.clone()
    }

    /// The root asks for so many of these.
    async fn names(&self, witnesses: &[&Served], threshold: u64) {
        let keys = witnesses.iter().map(|one| one.key.clone()).collect();
        self.bare().change(&self.store, KeyChange::Witnesses { keys, threshold }, at(1)).await.unwrap();
    }

    async fn seal(&self, name: &str) -> String {
        let certificate = certificate(name);
        let sealed = Sealed { certificate: certificate.clone(), report: b"{}".to_vec(), round: b"{}".to_vec() };
        self.store.insert(&sealed).await.unwrap();
        certificate.id().to_owned()
    }

    /// Seals one more, and logs it.
    async fn grow(&self, ledger: &mut Ledger, name: &str, now: Timestamp) -> u64 {
        self.seal(name).await;
        ledger.sync(&self.store, true, now).await.unwrap().size
    }

    /// The checkpoint that is handed out, by whom it is signed.
    fn cosigned(&self) -> Option<(Checkpoint, Vec<String>)> {
        let (bytes, _) = self.bare().reader().unwrap().serve("checkpoint.cosigned").unwrap()?;
        let note = Note::parse(std::str::from_utf8(&bytes).unwrap()).unwrap();
        let mut names: Vec<_> = note.signatures()[1..].iter().map(|line| line.name.clone()).collect();
        names.sort();
        Some((Checkpoint::parse(note.text()).unwrap(), names))
    }

    /// What a verifier says of the witnesses of a certificate's bundle.
    async fn proven(&self, id: &str, now: Timestamp) -> Option<(Outcome, String)> {
        let bundle = self.bare().reader().unwrap().bundle(&self.store, id).await.unwrap()?;
        let report =
            verify(&serde_json::to_vec(&bundle).unwrap(), &self.bare().root().unwrap(), None, &Policy::at(now));
        let check = report.checks.iter().find(|check| check.check == Name::Witnesses).unwrap().clone();
        Some((report.outcome, check.detail))
    }
}

fn failures(asked: &Asked) -> Vec<(&str, &WitnessError)> {
    asked.failed.iter().map(|(name, why)| (name.as_str(), why)).collect()
}

async fn until(what: &str, is: impl AsyncFn() -> bool) {
    for _ in 0..1000 {
        if is().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_the_log_has_each_checkpoint_that_grew_signed() {
    let world = World::start().await;
    let (one, two) = (
        Served::start("one.example.org", 1, &world.log_key(), Mood::Honest),
        Served::start("two.example.org", 2, &world.log_key(), Mood::Honest),
    );
    world.names(&[&one, &two], 2).await;
    let clock: Clock = Arc::new(now);
    let write = |folder: LedgerFolder| {
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(keep_log(folder, world.store.clone(), clock.clone(), async move { drop(ended.await) }));
        async move || {
            drop(end);
            task.await.unwrap();
        }
    };
    let stop = write(world.asking(&[&one, &two], false));
    let first = world.seal("first").await;
    until("the first is proven", async || world.proven(&first, now()).await.is_some()).await;
    assert_eq!(world.proven(&first, now()).await.unwrap().1, "2 signed, 2 asked for");
    let second = world.seal("second").await;
    until("the second is proven", async || world.proven(&second, now()).await.is_some()).await;
    assert_eq!(world.proven(&first, now()).await.unwrap(), (Outcome::Valid, "2 signed, 2 asked for".to_owned()));
    // Ended in the middle of a round, it might not have heard what a witness signed: then the witness would say what it knows.
    let caught_up = async || {
        let size = world.bare().reader().unwrap().log().unwrap().checkpoint().size;
        [&one, &two].iter().all(|one| world.bare().witnessed(&one.key).unwrap().is_some_and(|(seen, _)| seen == size))
    };
    until("both saw all", caught_up).await;
    stop().await;
    // From what it signed last, every time: nobody ever says that it knows another size.
    let (size, names) = world.cosigned().map(|(checkpoint, names)| (checkpoint.size, names)).unwrap();
    assert_eq!(names, ["one.example.org", "two.example.org"]);
    for witness in [&one, &two] {
        let asked = witness.asked();
        assert!(asked.len() >= 2 && asked.iter().all(|(_, status)| *status == 200), "{asked:?}");
        assert_eq!(asked.iter().filter(|(old, _)| *old == 0).count(), 1, "{asked:?}");
        assert_eq!(witness.seen(), size);
    }
    // The next process knows as much.
    let before = one.asked().len();
    let stop = write(world.asking(&[&one, &two], false));
    let third = world.seal("third").await;
    until("the third is proven", async || world.proven(&third, now()).await.is_some()).await;
    until("both saw all", caught_up).await;
    stop().await;
    assert!(one.asked()[before..].iter().all(|(old, status)| *old >= size && *status == 200), "{:?}", one.asked());
    let known = world.bare().witnessed(&one.key).unwrap().unwrap();
    assert_eq!(known.0, one.seen());
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_are_down_slow_or_wrong_keep_nobody_from_anything() {
    let world = World::start().await;
    let key = world.log_key();
    let honest = Served::start("honest.example.org", 1, &key, Mood::Honest);
    let release = Arc::new(AtomicBool::new(false));
    let slow = Served::start("slow.example.org", 2, &key, Mood::Waits(release.clone()));
    let down = Served::start("down.example.org", 3, &key, Mood::Down);
    let forger = Served::start("forger.example.org", 4, &key, Mood::OtherKey);
    let endless = Served::start("endless.example.org", 5, &key, Mood::Endless);
    let boaster = Served::start("boaster.example.org", 6, &key, Mood::Says(409, "", "99999\n".to_owned()));
    let stuck = Served::start("stuck.example.org", 7, &key, Mood::Says(409, "", "0\n".to_owned()));
    let elsewhere: &'static str = format!("location: {}/add-checkpoint\r\n", honest.url()).leak();
    let redirecting = Served::start("away.example.org", 8, &key, Mood::Says(307, elsewhere, String::new()));
    let stranger = Served::start("stranger.example.org", 9, &key, Mood::Says(404, "", String::new()));
    let all = [&honest, &slow, &down, &forger, &endless, &boaster, &stuck, &redirecting, &stranger];
    world.names(&all, 1).await;
    let folder = world.asking(&all, false);
    let mut ledger = folder.open().unwrap();
    let id = world.seal("demo").await;
    // Announced before anybody is asked.
    let size = ledger.sync(&world.store, true, now()).await.unwrap().size;
    assert_eq!(world.store.unannounced().await.unwrap(), 0);
    let asking = ledger.asking().clone();
    let began = now();
    let round = tokio::spawn(async move { asking.round(began).await.unwrap() });
    // While one still thinks, what another signed is handed out.
    until("the honest one's signature", async || world.cosigned().is_some()).await;
    assert_eq!(world.cosigned().unwrap().1, ["honest.example.org"]);
    assert_eq!(world.proven(&id, began).await.unwrap(), (Outcome::Valid, "1 signed, 1 asked for".to_owned()));
    release.store(true, Ordering::SeqCst);
    let asked = round.await.unwrap();
    assert_eq!((asked.size, asked.signed), (size, 2));
    assert_eq!(world.cosigned().unwrap().1, ["honest.example.org", "slow.example.org"]);
    let mut failed = failures(&asked);
    failed.sort_by_key(|(name, _)| *name);
    let (names, why): (Vec<_>, Vec<_>) = failed.into_iter().unzip();
    assert_eq!(
        names.iter().map(|name| name.split('.').next().unwrap()).collect::<Vec<_>>(),
        ["away", "boaster", "down", "endless", "forger", "stranger", "stuck"]
    );
    assert_eq!(*why[0], WitnessError::Status(307));
    assert_eq!(*why[1], WitnessError::Ahead { got: 99_999, size });
    assert!(matches!(why[2], WitnessError::Unreached(_)), "{}", why[2]);
    assert!(why[3].to_string().contains("answered more than 16384 bytes"), "{}", why[3]);
    assert_eq!(*why[4], WitnessError::Unsigned);
    assert_eq!(*why[5], WitnessError::Log);
    assert_eq!(*why[6], WitnessError::Stuck(0));
    assert_eq!(honest.asked().len(), 1, "no redirect leads to it");

    // They rest, each for itself; who has signed is not asked again.
    let counts = || all.map(|one| one.asked().len());
    let before = counts();
    assert_eq!(failures(&ledger.asking().round(began).await.unwrap()), []);
    assert_eq!(counts(), before);
    forger.behave(Mood::Honest);
    let later = Timestamp::from_millis(began.as_millis() + 2_000);
    assert_eq!(ledger.asking().round(later).await.unwrap().signed, 3);
    assert_eq!(world.cosigned().unwrap().1, ["forger.example.org", "honest.example.org", "slow.example.org"]);
    assert_eq!((honest.asked().len(), slow.asked().len(), stranger.asked().len()), (1, 1, 2));
    // The second rest is twice as long.
    let early = Timestamp::from_millis(later.as_millis() + 3_999);
    ledger.asking().round(early).await.unwrap();
    assert_eq!(stranger.asked().len(), 2);
    ledger.asking().round(Timestamp::from_millis(later.as_millis() + 4_000)).await.unwrap();
    assert_eq!(stranger.asked().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_is_asked_from_what_it_knows() {
    let world = World::start().await;
    let witness = Served::start("w.example.org", 1, &world.log_key(), Mood::Honest);
    let folder = world.asking(&[&witness], false);
    let mut ledger = folder.open().unwrap();
    let first = world.grow(&mut ledger, "a", now()).await;
    assert_eq!(ledger.asking().round(now()).await.unwrap().signed, 1);
    assert_eq!(witness.asked(), [(0, 200)], "it is not in the root, and its signature is kept all the same");
    assert_eq!(world.cosigned().unwrap().0.size, first);
    let round = async |ledger: &Ledger| {
        let from = witness.asked().len();
        let asked = ledger.asking().round(now()).await.unwrap();
        (asked.signed, witness.asked()[from..].to_vec())
    };
    // Our file is lost.
    let file = std::fs::read_dir(world.path().join("witnesses")).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(&file).unwrap();
    drop(ledger);
    let mut ledger = world.asking(&[&witness], false).open().unwrap();
    let second = world.grow(&mut ledger, "b", now()).await;
    assert_eq!(round(&ledger).await, (1, vec![(0, 409), (first, 200)]));
    // The file is nonsense.
    drop(ledger);
    std::fs::write(&file, "nonsense").unwrap();
    let mut ledger = world.asking(&[&witness], false).open().unwrap();
    let third = world.grow(&mut ledger, "c", now()).await;
    assert_eq!(round(&ledger).await, (1, vec![(0, 409), (second, 200)]));
    // It lost what it knew.
    witness.saw(None);
    let fourth = world.grow(&mut ledger, "d", now()).await;
    assert_eq!(round(&ledger).await, (1, vec![(third, 409), (0, 200)]));
    // The process ended between the witness's answer and its file: the same checkpoint is signed again.
    std::fs::remove_file(world.path().join("checkpoint.gathered")).unwrap();
    drop(ledger);
    let mut ledger = world.asking(&[&witness], false).open().unwrap();
    assert_eq!(round(&ledger).await, (1, vec![(fourth, 200)]));
    // It saw another history of this log, as long as ours: nothing is signed, and what is handed out stays.
    witness.saw(Some(Checkpoint { origin: "sigma.example.org/log".to_owned(), size: fourth, root: [7; 32] }));
    world.grow(&mut ledger, "e", now()).await;
    let asked = ledger.asking().round(now()).await.unwrap();
    assert_eq!(failures(&asked), [("w.example.org", &WitnessError::History)]);
    assert_eq!(world.cosigned().unwrap().0.size, fourth);
    // An old copy of the log: the witness saw more.
    drop(ledger);
    let lie = Checkpoint { origin: "sigma.example.org/log".to_owned(), size: 5_000, root: [7; 32] };
    witness.saw(Some(lie));
    let ledger = world.asking(&[&witness], false).open().unwrap();
    let asked = ledger.asking().round(now()).await.unwrap();
    assert!(matches!(failures(&asked)[..], [(_, WitnessError::Ahead { got: 5_000, .. })]), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_witnesses_come_first_nothing_is_announced_without_them() {
    let world = World::start().await;
    let witness = Served::start("w.example.org", 1, &world.log_key(), Mood::Down);
    world.names(&[&witness], 1).await;
    let before = world.bare().reader().unwrap().log().unwrap().checkpoint().size;
    let mut ledger = world.asking(&[&witness], true).open().unwrap();
    world.store.bind_log("sigma.example.org/log", at(1)).await.unwrap();
    let id = world.seal("demo").await;
    let error = ledger.sync(&world.store, false, at(10)).await.unwrap_err();
    assert!(matches!(error, LedgerError::Unwitnessed { .. }), "{error}");
    assert_eq!(world.store.unannounced().await.unwrap(), 1);
    assert!(world.store.attestation(&id).await.unwrap().unwrap().logged.is_none());
    // A key is changed all the same: in an emergency nobody waits.
    drop(ledger);
    world.asking(&[&witness], true).change(&world.store, KeyChange::Log, at(11)).await.unwrap();
    let witness = Served::start("w.example.org", 1, &world.log_key(), Mood::Honest);
    let mut ledger = world.asking(&[&witness], true).open().unwrap();
    ledger.sync(&world.store, false, at(20)).await.unwrap();
    assert_eq!(world.store.unannounced().await.unwrap(), 0);
    let entry = world.store.attestation(&id).await.unwrap().unwrap().logged.unwrap();
    assert_eq!(entry.index, before, "once, and where it was logged first");
    assert_eq!(world.bare().reader().unwrap().fsck().unwrap().problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_without_a_network_signs_what_another_signed() {
    let world = World::start().await;
    let online = Served::start("online.example.org", 1, &world.log_key(), Mood::Honest);
    let carried = Served::start("carried.example.org", 2, &world.log_key(), Mood::Honest);
    world.names(&[&online, &carried], 2).await;
    let folder = world.asking(&[&online], false);
    let mut ledger = folder.open().unwrap();
    let first = world.grow(&mut ledger, "a", now()).await;
    ledger.asking().round(now()).await.unwrap();
    assert_eq!(world.cosigned(), None, "one of two");
    let mut away = Witness::new("carried.example.org", 2, &world.log_key());
    let seconds = u64::try_from(now().as_millis() / 1000).unwrap();
    let body = world.bare().ask_witness(0, false).unwrap();
    let answer = away.add_checkpoint(&body, seconds).unwrap();
    // The log grows meanwhile, and the other one signs that.
    let second = world.grow(&mut ledger, "b", now()).await;
    ledger.asking().round(now()).await.unwrap();
    assert_eq!(world.bare().ask_witness(0, false).unwrap(), body, "about the same, until enough have signed");
    let forged = answer.replace("carried", "curried");
    assert!(world.bare().witness_answered(&world.store, &forged).await.is_err());
    let claim = world.store.try_claim(Duty::Log).await.unwrap().unwrap();
    let answered = world.bare().witness_answered(&world.store, &answer).await.unwrap();
    assert_eq!((answered.signed, answered.wanted, answered.kept), (2, 2, true));
    assert_eq!(world.cosigned(), None, "somebody else writes");
    drop((claim, ledger));
    // Whoever writes takes it from there.
    let clock: Clock = Arc::new(now);
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(keep_log(folder, world.store.clone(), clock, async move { drop(ended.await) }));
    until("it is handed out", async || world.cosigned().is_some()).await;
    drop(end);
    task.await.unwrap();
    let (checkpoint, names) = world.cosigned().unwrap();
    assert_eq!(
        (checkpoint.size, names),
        (first, vec!["carried.example.org".to_owned(), "online.example.org".to_owned()])
    );
    // Nobody writes: the answer is taken at once.
    let body = world.bare().ask_witness(first, false).unwrap();
    let answer = away.add_checkpoint(&body, seconds).unwrap();
    assert!(world.bare().witness_answered(&world.store, &answer).await.unwrap().kept);
    assert_eq!(world.cosigned().unwrap().0.size, second);
    assert!(!Path::new(&world.path().join("checkpoint.asked")).exists());
}
