//! What is left when a writer ends in the middle of something.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sigma_ledger::keys::{LogKey, generate_log_key};
use sigma_ledger::log::{Batch, Folder, Log, LogError, Resource, Storage, StorageError, fsck};

use crate::support::{ORIGIN, at};

/// A folder whose disk takes the first files of a batch, and not the checkpoint.
struct Torn {
    folder: Folder,
    /// How many files of a batch are written; more than there are for all of it.
    files: AtomicUsize,
}

impl Storage for Torn {
    fn read(&self, resource: &Resource) -> Result<Option<Vec<u8>>, StorageError> {
        self.folder.read(resource)
    }

    fn commit(&self, batch: &Batch) -> Result<(), StorageError> {
        let files = self.files.load(Ordering::SeqCst);
        if files > batch.resources.len() {
            return self.folder.commit(batch);
        }
        let checkpoint = self.folder.read(&Resource::Checkpoint)?.unwrap_or_default();
        let resources = batch.resources[..files].to_vec();
        let checkpoint = String::from_utf8(checkpoint).expect("text");
        self.folder.commit(&Batch { resources, checkpoint, completed: Vec::new() })?;
        Err(StorageError::Other("no power".to_owned()))
    }

    fn cosign(&self, note: &str) -> Result<(), StorageError> {
        self.folder.cosign(note)
    }
}

fn numbered(from: u64, count: u64) -> Vec<Vec<u8>> {
    (from..from + count).map(|n| format!("entry {n}").into_bytes()).collect()
}

/// After every file of a batch in turn: the log is what it was, takes other entries, and serves none of what was lost.
#[test]
fn a_batch_that_ends_after_any_of_its_files_never_was() {
    for files in 0..12 {
        let dir = tempfile::tempdir().unwrap();
        let key_path = dir.path().join("log.pem");
        generate_log_key(&key_path, ORIGIN).unwrap();
        let key = || LogKey::from_file(&key_path, ORIGIN).unwrap();
        let path = dir.path().join("log");
        {
            let torn = Torn { folder: Folder::open(&path).unwrap(), files: AtomicUsize::new(usize::MAX) };
            let mut log = Log::create(torn, key()).unwrap();
            log.append(&numbered(0, 250), at(0)).unwrap();
            let before = log.checkpoint().to_owned();
            let torn = Torn { folder: Folder::read_only(&path), files: AtomicUsize::new(0) };
            assert!(torn.folder.commit(&Batch::default()).is_err(), "who reads cannot write");
            // 20 entries fill a tile and begin the next: nine files.
            drop(log);
            let torn = Torn { folder: Folder::open(&path).unwrap(), files: AtomicUsize::new(files) };
            let mut log = Log::open(torn, key()).unwrap();
            let lost: Vec<_> = (0..20).map(|n| format!("lost {n}").into_bytes()).collect();
            match log.append(&lost, at(1)) {
                Ok(logged) => {
                    assert_eq!(logged[19].index, 269);
                    continue;
                }
                Err(error) => assert!(matches!(error, LogError::Storage(_)), "{error}"),
            }
            assert!(matches!(log.append(&lost, at(1)), Err(LogError::Uncertain)), "nobody knows what is durable");
            assert_eq!(log.checkpoint(), before);
        }
        // Half a file, under the name that files have before they are whole.
        for half in ["checkpoint.new", "tile/0/000.new", "tile/entries/000.p/250.new"] {
            std::fs::write(path.join(half), b"half").unwrap();
        }
        let mut log = Log::open(Folder::open(&path).unwrap(), key()).unwrap();
        assert_eq!(log.size(), 250, "after {files} files");
        let logged = log.append(&numbered(250, 7), at(2)).unwrap();
        assert_eq!((logged[0].index, logged[6].index), (250, 256));
        let reader = log.reader().unwrap();
        let report =
            fsck(&reader, |_, entry| if entry.starts_with(b"lost") { Err("it was lost".to_owned()) } else { Ok(()) });
        assert_eq!(report.unwrap().problems, Vec::<String>::new(), "after {files} files");
        let (_, whole) = reader.serve("tile/0/000").unwrap().unwrap();
        let (_, narrow) = reader.serve("tile/0/000.p/253").unwrap().unwrap();
        assert_eq!(narrow, whole[..253 * 32]);
        assert_eq!(reader.serve("tile/0/001.p/14").unwrap(), None, "of the lost state");
    }
}

/// A process that is killed while it appends: what it had announced is there, and the rest adds up.
#[test]
fn what_was_announced_survives_kill_9() {
    const DIR: &str = "SIGMA_LEDGER_TEST_KILLED";
    if let Some(dir) = std::env::var_os(DIR) {
        append_for_ever(dir.as_ref());
    }
    let dir = tempfile::tempdir().unwrap();
    let key = generate_log_key(&dir.path().join("log.pem"), ORIGIN).unwrap();
    drop(Log::create(Folder::open(&dir.path().join("log")).unwrap(), key).unwrap());
    let mut announced = 0;
    for round in 0..12_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::what_was_announced_survives_kill_9", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut sizes = lines.filter_map(|line| line.strip_prefix("announced ")?.parse::<u64>().ok());
        announced = sizes.next().expect("it appends").max(announced);
        std::thread::sleep(Duration::from_micros(round * round * 900));
        child.kill().unwrap();
        child.wait().unwrap();
        announced = sizes.last().unwrap_or(announced);

        let key = LogKey::from_file(&dir.path().join("log.pem"), ORIGIN).unwrap();
        let log = Log::open(Folder::open(&dir.path().join("log")).unwrap(), key).unwrap();
        assert!(log.size() >= announced, "{announced} were announced, {} are there", log.size());
        let mut expected = 0;
        let report = fsck(&log.reader().unwrap(), |_, entry| {
            let same = entry == format!("entry {expected}").as_bytes();
            expected += 1;
            if same { Ok(()) } else { Err("another entry".to_owned()) }
        });
        assert_eq!(report.unwrap().problems, Vec::<String>::new(), "round {round}");
    }
    assert!(announced > 0);
}

fn append_for_ever(dir: &std::path::Path) -> ! {
    let key = LogKey::from_file(&dir.join("log.pem"), ORIGIN).unwrap();
    let mut log = Log::open(Folder::open(&dir.join("log")).unwrap(), key).unwrap();
    loop {
        log.append(&numbered(log.size(), 1 + log.size() % 90), at(0)).unwrap();
        // On a line of its own: the harness prints the name of the test before it.
        println!("\nannounced {}", log.size());
        std::io::stdout().flush().unwrap();
    }
}
