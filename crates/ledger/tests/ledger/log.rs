//! Appending, proofs, serving, checking.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sigma_ledger::log::{Folder, Log, LogError, Reader, Resource, Storage as _, StorageError, fsck};
use tlog_tiles::tlog::{Hash, check_record, check_tree, record_hash, tree_hash};

use crate::support::{ORIGIN, World, at};

fn hashes(proof: Vec<[u8; 32]>) -> Vec<Hash> {
    proof.into_iter().map(Hash).collect()
}

/// The Merkle tree hash as RFC 9162, section 2.1.1, defines it: the slow way.
fn mth(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [] => sigma_core::Sha256::of(b"").as_bytes().to_owned(),
        [leaf] => record_hash(leaf).0,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = (mth(&leaves[..split]), mth(&leaves[split..]));
            sigma_core::Sha256::of(&[&[1][..], &left, &right].concat()).as_bytes().to_owned()
        }
    }
}

#[test]
fn roots_are_those_of_the_definition_however_entries_come() {
    let mut world = World::new();
    let mut leaves: Vec<Vec<u8>> = Vec::new();
    for batch in [1, 1, 5, 0, 248, 1, 1, 300, 511, 2, 700] {
        let new: Vec<_> = (0..batch).map(|n| format!("{}", leaves.len() + n).into_bytes()).collect();
        let logged = world.log.append(&new, at(0)).unwrap();
        assert_eq!(logged.len(), batch);
        leaves.extend(new);
        let reader = world.log.reader().unwrap();
        assert_eq!(reader.checkpoint().size, leaves.len() as u64);
        assert_eq!(reader.checkpoint().root, mth(&leaves));
    }
    let reader = world.log.reader().unwrap();
    for size in [0, 1, 2, 3, 255, 256, 257, 511, 512, 1000, 1770] {
        assert_eq!(reader.root(size).unwrap(), mth(&leaves[..size as usize]), "{size}");
    }
    for (index, leaf) in leaves.iter().enumerate().step_by(37) {
        assert_eq!(reader.entry(index as u64).unwrap(), *leaf);
    }
    assert!(matches!(reader.entry(1770), Err(LogError::Beyond { got: 1770, size: 1770 })));
}

#[test]
fn every_entry_and_every_earlier_state_is_proven() {
    let mut world = World::new();
    world.fill(777);
    let reader = world.log.reader().unwrap();
    let root = Hash(reader.checkpoint().root);
    for index in (0..777).step_by(7).chain([255, 256, 511, 512, 767, 768, 776]) {
        let leaf = record_hash(&reader.entry(index).unwrap());
        let proof = hashes(reader.inclusion(index).unwrap());
        check_record(&proof, 777, root, index, leaf).unwrap();
        assert!(check_record(&proof, 777, root, (index + 1) % 777, leaf).is_err(), "{index}");
    }
    for old in (1..=777).step_by(5).chain([256, 512, 768, 777]) {
        let old_root = Hash(reader.root(old).unwrap());
        let proof = hashes(reader.consistency(old).unwrap());
        check_tree(&proof, 777, root, old, old_root).unwrap();
    }
    assert!(reader.consistency(0).unwrap().is_empty());
    assert!(reader.consistency(778).is_err() && reader.inclusion(777).is_err());
}

/// A log that forks, truncates or reorders cannot prove that its earlier state is its beginning.
#[test]
fn another_history_is_not_consistent() {
    let mut honest = World::new();
    honest.fill(600);
    let reader = honest.log.reader().unwrap();
    let seen = Hash(reader.root(500).unwrap());
    let entries: Vec<_> = (0..600).map(|index| reader.entry(index).unwrap()).collect();
    let check = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut changed = entries.clone();
        change(&mut changed);
        let mut other = World::new();
        other.log.append(&changed, at(0)).unwrap();
        let reader = other.log.reader().unwrap();
        let size = reader.checkpoint().size;
        let proof = hashes(reader.consistency(500.min(size)).unwrap());
        let root = Hash(reader.checkpoint().root);
        check_tree(&proof, size, root, 500, seen)
    };
    assert!(check(&|_| ()).is_ok(), "the same history is");
    assert!(check(&|entries| entries[499] = b"forked".to_vec()).is_err(), "a fork");
    assert!(check(&|entries| entries.swap(3, 4)).is_err(), "another order");
    assert!(check(&|entries| drop(entries.remove(7))).is_err(), "one entry less in the middle");
    let other = |entries: &mut Vec<Vec<u8>>| {
        entries.truncate(500);
        entries[0] = b"forked".to_vec();
    };
    assert!(check(&other).is_err(), "another log of the same size");
    assert!(check(&|entries| entries.truncate(500)).is_ok(), "the same log of the same size");
    assert!(check(&|entries| entries.truncate(400)).is_err(), "truncated");
    assert!(check(&|entries| entries[599] = b"later".to_vec()).is_ok(), "what came later may be anything");
}

#[test]
fn who_appends_again_gets_the_first_position() {
    let mut world = World::new();
    let first = world.log.append(&[b"a".to_vec(), b"b".to_vec(), b"a".to_vec()], at(5)).unwrap();
    assert_eq!(
        first.iter().map(|logged| (logged.index, logged.existed)).collect::<Vec<_>>(),
        [(0, false), (1, false), (0, false)]
    );
    let again = world.log.append(&[b"c".to_vec(), b"a".to_vec()], at(9)).unwrap();
    assert_eq!(again.iter().map(|logged| (logged.index, logged.existed)).collect::<Vec<_>>(), [(2, false), (0, true)]);
    assert_eq!((again[1].time, &again[1].promise), (first[0].time, &first[0].promise), "with the first time");
    // Also after a restart.
    let mut world = reopen(world);
    let again = world.log.append(&[b"a".to_vec()], at(12)).unwrap();
    assert_eq!((again[0].index, again[0].existed), (0, true));
    assert_eq!((again[0].time, &again[0].promise), (first[0].time, &first[0].promise));
}

fn reopen(world: World) -> World {
    let World { dir, issuer, log, root } = world;
    drop(log);
    let key = sigma_ledger::keys::LogKey::from_file(&dir.path().join("log.pem"), ORIGIN).unwrap();
    let log = Log::open(Folder::open(&dir.path().join("log")).unwrap(), key).unwrap();
    World { dir, issuer, log, root }
}

#[test]
fn a_log_goes_on_where_it_ended() {
    let mut world = World::new();
    for size in [0, 1, 255, 256, 300, 512] {
        world.fill(size - world.log.size() as usize);
        let checkpoint = world.log.checkpoint().to_owned();
        world = reopen(world);
        assert_eq!((world.log.size(), world.log.checkpoint()), (size as u64, checkpoint.as_str()));
    }
    // A clock that goes back does not turn times back.
    let logged = world.log.append(&[b"late".to_vec()], at(-5000)).unwrap();
    assert_eq!(logged[0].time, at(1));
}

#[test]
fn a_log_has_one_writer_and_one_key() {
    let world = World::new();
    assert!(matches!(Folder::open(&world.folder()), Err(StorageError::Locked(_))));
    let folder = Folder::read_only(&world.folder());
    assert!(folder.cosign("note").is_err(), "opened to read");
    let other = sigma_ledger::keys::generate_log_key(&world.dir.path().join("other.pem"), ORIGIN).unwrap();
    drop(world.log);
    let folder = Folder::open(&world.dir.path().join("log")).unwrap();
    assert!(matches!(Log::open(folder, other), Err(LogError::Checkpoint(_))));
}

#[test]
fn entries_that_do_not_fit_are_refused_and_nothing_is_written() {
    let mut world = World::new();
    for wrong in [Vec::new(), vec![0; 65_536]] {
        assert!(matches!(world.log.append(&[b"good".to_vec(), wrong], at(0)), Err(LogError::Leaf(_))));
    }
    assert_eq!(world.log.size(), 0);
    world.log.append(&[vec![0; 65_535]], at(0)).unwrap();
    assert_eq!(world.log.reader().unwrap().entry(0).unwrap().len(), 65_535);
}

#[test]
fn what_is_served_is_what_the_specification_says_and_nothing_else() {
    let mut world = World::new();
    for _ in 0..5 {
        world.fill(100);
    }
    let reader = world.log.reader().unwrap();
    let get = |path: &str| reader.serve(path).unwrap().map(|(_, bytes)| bytes);
    let tile = get("tile/0/000").unwrap();
    assert_eq!(tile.len(), 256 * 32);
    let leaves = tile.as_chunks::<32>().0;
    assert_eq!(leaves[9], record_hash(&reader.entry(9).unwrap()).0);
    // Narrower versions are the beginnings of wider ones, whether they were ever written or not.
    assert_eq!(get("tile/0/000.p/100").unwrap(), tile[..3200]);
    assert_eq!(get("tile/0/000.p/7").unwrap(), tile[..7 * 32]);
    assert_eq!(get("tile/0/001.p/244").unwrap().len(), 244 * 32);
    assert_eq!(get("tile/1/000.p/1").unwrap(), reader.root(256).unwrap());
    let entries = get("tile/entries/001.p/2").unwrap();
    let (first, second) = (reader.entry(256).unwrap(), reader.entry(257).unwrap());
    let expected = [&(first.len() as u16).to_be_bytes()[..], &first, &(second.len() as u16).to_be_bytes(), &second];
    assert_eq!(entries, expected.concat());
    assert_eq!(get("tile/times/000").unwrap().len(), 256 * 8);
    assert_eq!(get("checkpoint").unwrap(), world.log.checkpoint().as_bytes());
    for wrong in [
        "tile/0/001",
        "tile/0/001.p/245",
        "tile/1/000",
        "tile/2/000.p/1",
        "lock",
        "../issuer.pem",
        "tile/0/002.p/1",
        "checkpoint.cosigned",
        "tile/entries/../../lock",
    ] {
        assert_eq!(get(wrong), None, "{wrong}");
    }
}

#[test]
fn fsck_names_every_byte_that_changed() {
    let mut world = World::new();
    world.fill(600);
    let root = world.folder();
    let check = || {
        let folder = Folder::read_only(&root);
        let reader = Reader::open(folder, world.log.key().public().clone()).unwrap();
        fsck(&reader, |_, _| Ok(())).unwrap()
    };
    assert_eq!((check().entries, check().problems), (600, vec![]));
    let live = |resource: Resource| resource.path();
    let files = [
        live(Resource::Entries { index: 0, width: 256 }),
        live(Resource::Entries { index: 2, width: 88 }),
        live(Resource::Tile { level: 0, index: 1, width: 256 }),
        live(Resource::Tile { level: 0, index: 2, width: 88 }),
        live(Resource::Tile { level: 1, index: 0, width: 2 }),
    ];
    for file in files {
        let path = root.join(&file);
        let good = std::fs::read(&path).unwrap();
        for position in [0, 1, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[position] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            let report = check();
            assert!(!report.problems.is_empty(), "byte {position} of {file}");
        }
        std::fs::write(&path, &good[..good.len() - 1]).unwrap();
        assert!(check().problems.iter().any(|problem| problem.starts_with(&file)), "{file} is shorter");
        std::fs::remove_file(&path).unwrap();
        assert!(check().problems.iter().any(|problem| problem.contains("missing")), "{file} is missing");
        std::fs::write(&path, &good).unwrap();
    }
    let times = root.join(live(Resource::Times { index: 1, width: 256 }));
    let mut bad = std::fs::read(&times).unwrap();
    bad[16] = 1;
    std::fs::write(&times, bad).unwrap();
    assert_eq!(check().problems, ["tile/times/001: a time goes back"]);
    // What a hash cannot say, the caller checks.
    let reader = world.log.reader().unwrap();
    let report = fsck(&reader, |index, _| if index == 3 { Err("no statement".to_owned()) } else { Ok(()) }).unwrap();
    assert!(report.problems.contains(&"tile/entries/000: entry 3: no statement".to_owned()), "{:?}", report.problems);
}

/// It would show another history than the one it signed.
/// Any byte of any tile, bundle of entries or checkpoint: the check names the place, or the next to it that it is compared with.
#[test]
fn fsck_names_any_byte_of_any_file() {
    let mut world = World::new();
    world.fill(300);
    let (root, key) = (world.folder(), world.log.key().public().clone());
    let entries = |index, width| Resource::Entries { index, width };
    let tile = |level, index, width| Resource::Tile { level, index, width };
    // Of entries and their hashes in two files, one of which is wrong, nobody but the checkpoint can say which.
    let files = [
        (entries(0, 256), vec![entries(0, 256), tile(0, 0, 256)]),
        (entries(1, 44), vec![entries(1, 44), tile(0, 1, 44)]),
        (tile(0, 0, 256), vec![tile(0, 0, 256)]),
        (tile(0, 1, 44), vec![tile(0, 1, 44)]),
        (tile(1, 0, 1), vec![tile(1, 0, 1)]),
    ];
    let found = |file: &Resource, at: usize, mask: u8| {
        let path = root.join(file.path());
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        let at = at % good.len();
        bad[at] ^= mask;
        std::fs::write(&path, &bad).unwrap();
        let reader = Reader::open(Folder::read_only(&root), key.clone());
        let problems = reader.and_then(|reader| fsck(&reader, |_, _| Ok(()))).map(|report| report.problems);
        std::fs::write(&path, &good).unwrap();
        problems
    };
    let mut runner = TestRunner::new(ProptestConfig::with_cases(150));
    let any = (0..files.len(), any::<usize>(), 1_u8..);
    let ran = runner.run(&any, |(which, at, mask)| {
        let (file, places) = &files[which];
        let problems = found(file, at, mask).unwrap();
        let named = problems.iter().any(|problem| places.iter().any(|place| problem.starts_with(&place.path())));
        prop_assert!(named, "byte {at} of {}: {problems:?}", file.path());
        Ok(())
    });
    ran.unwrap();
    // A checkpoint is signed: nothing is checked against one that is not the log's.
    let length = std::fs::read(root.join("checkpoint")).unwrap().len();
    for at in 0..length {
        let error = found(&Resource::Checkpoint, at, 0x01).expect_err("it is opened").to_string();
        assert!(error.contains("checkpoint"), "byte {at}: {error}");
    }
    assert_eq!(found(&tile(0, 0, 256), 0, 0).unwrap(), Vec::<String>::new(), "and is whole again");
}

#[test]
fn a_log_that_lost_its_checkpoint_does_not_begin_again() {
    for entries in [0, 1, 300] {
        let mut world = World::new();
        world.fill(entries);
        let World { dir, log, .. } = world;
        drop(log);
        let key = || sigma_ledger::keys::LogKey::from_file(&dir.path().join("log.pem"), ORIGIN).unwrap();
        let folder = || Folder::open(&dir.path().join("log")).unwrap();
        assert!(matches!(Log::create(folder(), key()), Err(LogError::Damaged { .. })), "{entries}");
        std::fs::remove_file(dir.path().join("log/checkpoint")).unwrap();
        assert!(matches!(Log::open(folder(), key()), Err(LogError::Damaged { .. })), "{entries}");
        assert_eq!(Log::create(folder(), key()).is_ok(), entries == 0, "{entries}");
    }
}

#[test]
fn a_damaged_edge_is_not_appended_to() {
    let mut world = World::new();
    world.fill(300);
    let tile = world.folder().join(Resource::Tile { level: 0, index: 1, width: 44 }.path());
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    let World { dir, log, .. } = world;
    drop(log);
    let key = sigma_ledger::keys::LogKey::from_file(&dir.path().join("log.pem"), ORIGIN).unwrap();
    let opened = Log::open(Folder::open(&dir.path().join("log")).unwrap(), key);
    assert!(matches!(opened, Err(LogError::Damaged { .. })), "{:?}", opened.map(|log| log.size()));
}

/// A reader that opened before a tile was full goes on reading what its checkpoint covers.
#[test]
fn an_older_reader_reads_on() {
    let mut world = World::new();
    world.fill(250);
    let old = Reader::open(Folder::read_only(&world.folder()), world.log.key().public().clone()).unwrap();
    let (root, entry) = (old.root(250).unwrap(), old.entry(249).unwrap());
    world.fill(400);
    assert!(!world.folder().join("tile/0/000.p").exists(), "the narrower tile is gone");
    assert_eq!((old.root(250).unwrap(), old.entry(249).unwrap()), (root, entry));
    let proof = hashes(old.inclusion(3).unwrap());
    check_record(&proof, 250, Hash(root), 3, record_hash(&old.entry(3).unwrap())).unwrap();
    assert_eq!(fsck(&old, |_, _| Ok(())).unwrap().problems, Vec::<String>::new());
    assert_eq!(old.serve("tile/0/000").unwrap(), None, "beyond its checkpoint");
}

#[test]
fn a_log_goes_on_under_a_new_key() {
    let mut world = World::new();
    world.fill(300);
    let old = world.log.key().public().clone();
    let root = world.log.reader().unwrap().checkpoint().root;
    let World { dir, log, .. } = world;
    drop(log);
    let new = |name: &str, origin| sigma_ledger::keys::generate_log_key(&dir.path().join(name), origin).unwrap();
    let folder = || Folder::open(&dir.path().join("log")).unwrap();
    assert!(Log::change_key(folder(), &old, new("a.pem", "log.example.org/other")).is_err(), "another name");
    let stranger = new("b.pem", ORIGIN);
    assert!(Log::change_key(folder(), stranger.public(), new("c.pem", ORIGIN)).is_err(), "not the old key");
    let mut log = Log::change_key(folder(), &old, stranger).unwrap();
    log.append(&[b"more".to_vec()], at(9)).unwrap();
    let reader = log.reader().unwrap();
    check_tree(&hashes(reader.consistency(300).unwrap()), 301, Hash(reader.checkpoint().root), 300, Hash(root))
        .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Any change of any byte of any tile or bundle that the checkpoint covers is named with its path.
    #[test]
    fn fsck_names_any_byte(which in any::<prop::sample::Index>(), byte in any::<prop::sample::Index>(), mask in 1_u8..) {
        let mut world = World::new();
        world.fill(520);
        let covered = [
            Resource::Tile { level: 0, index: 0, width: 256 }, Resource::Tile { level: 0, index: 1, width: 256 },
            Resource::Tile { level: 0, index: 2, width: 8 }, Resource::Tile { level: 1, index: 0, width: 2 },
            Resource::Entries { index: 0, width: 256 }, Resource::Entries { index: 1, width: 256 },
            Resource::Entries { index: 2, width: 8 },
        ];
        let changed = covered[which.index(covered.len())];
        let path = world.folder().join(changed.path());
        let mut bytes = std::fs::read(&path).unwrap();
        let position = byte.index(bytes.len());
        bytes[position] ^= mask;
        std::fs::write(&path, bytes).unwrap();
        let report = fsck(&world.log.reader().unwrap(), |_, _| Ok(())).unwrap();
        // A changed entry shows as other hashes of the tile beside it, or as a bundle that cannot be split.
        let beside = changed.path().replace("entries", "0");
        let named = report.problems.iter().any(|problem| problem.starts_with(&changed.path()) || problem.starts_with(&beside));
        prop_assert!(named, "{} byte {position}: {:?}", changed.path(), report.problems);
    }
}

#[test]
fn the_empty_log_has_the_hash_of_nothing() {
    let world = World::new();
    let root = world.log.reader().unwrap().checkpoint().root;
    assert_eq!(root, tree_hash(0, &NoHashes).unwrap().0);
    assert_eq!(root, *sigma_core::Sha256::of(b"").as_bytes());
}

struct NoHashes;

impl tlog_tiles::tlog::HashReader for NoHashes {
    fn read_hashes(&self, _: &[u64]) -> Result<Vec<Hash>, tlog_tiles::tlog::Error> {
        Ok(Vec::new())
    }
}
