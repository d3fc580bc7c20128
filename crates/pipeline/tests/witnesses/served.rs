//! A witness behind HTTP on loopback, that behaves as it is told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use sigma_ledger::{Checkpoint, NoteKey};

use crate::witness::Witness;

/// How it behaves.
#[derive(Debug, Clone)]
pub enum Mood {
    /// As the specification says.
    Honest,
    /// Not before this is true.
    Waits(Arc<AtomicBool>),
    /// It closes the connection.
    Down,
    /// It signs with a key that nobody knows.
    OtherKey,
    /// It answers this, whatever it is asked.
    Says(u16, &'static str, String),
    /// It answers yes and never stops.
    Endless,
}

/// The server. It ends when this is dropped.
pub struct Served {
    address: String,
    pub key: NoteKey,
    shared: Arc<Shared>,
}

struct Shared {
    witness: Mutex<Witness>,
    stranger: Witness,
    mood: Mutex<Mood>,
    /// The old size of every request, and the status of its answer.
    asked: Mutex<Vec<(u64, u16)>>,
    ends: AtomicBool,
}

impl Served {
    pub fn start(name: &str, seed: u8, log: &NoteKey, mood: Mood) -> Self {
        let witness = Witness::new(name, seed, log);
        let key = witness.key.clone();
        let shared = Arc::new(Shared {
            witness: Mutex::new(witness),
            stranger: Witness::new(name, 255 - seed, log),
            mood: Mutex::new(mood),
            asked: Mutex::default(),
            ends: AtomicBool::new(false),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serving = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.ends.load(Ordering::SeqCst) {
                    return;
                }
                let serving = serving.clone();
                std::thread::spawn(move || stream.map(|stream| serving.answer(stream)));
            }
        });
        Self { address, key, shared }
    }

    /// Its submission prefix.
    pub fn url(&self) -> String {
        format!("http://{}/witness", self.address)
    }

    pub fn behave(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    /// What it was asked, and answered.
    pub fn asked(&self) -> Vec<(u64, u16)> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// Entries of the checkpoint that it signed last.
    pub fn seen(&self) -> u64 {
        self.shared.witness.lock().unwrap().seen.as_ref().map_or(0, |seen| seen.size)
    }

    /// Makes it believe that it saw this.
    pub fn saw(&self, checkpoint: Option<Checkpoint>) {
        self.shared.witness.lock().unwrap().seen = checkpoint;
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(&self.address);
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let right = line.starts_with("POST /witness/add-checkpoint ");
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8(body).unwrap();
        let old = body.lines().next().and_then(|line| line.strip_prefix("old ")?.parse().ok()).unwrap_or(u64::MAX);
        let mood = self.mood.lock().unwrap().clone();
        let (status, more, body) = match mood {
            Mood::Down => return Ok(()),
            Mood::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
                self.asked.lock().unwrap().push((old, 200));
                while !self.ends.load(Ordering::SeqCst) {
                    stream.write_all(&[b'\n'; 4096])?;
                }
                return Ok(());
            }
            Mood::Says(status, more, body) => (status, more, body),
            Mood::OtherKey => {
                let note = body.split_once("\n\n").unwrap().1;
                (200, "", self.stranger.cosign(note, now()))
            }
            Mood::Waits(until) => {
                while !until.load(Ordering::SeqCst) && !self.ends.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(20));
                }
                self.honestly(right, &body)
            }
            Mood::Honest => self.honestly(right, &body),
        };
        self.asked.lock().unwrap().push((old, status));
        let head = format!("HTTP/1.1 {status} X\r\n{more}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes())
    }

    fn honestly(&self, right: bool, body: &str) -> (u16, &'static str, String) {
        if !right {
            return (405, "", String::new());
        }
        let mut witness = self.witness.lock().unwrap();
        match witness.add_checkpoint(body, now()) {
            Ok(line) => (200, "", line),
            Err(409) => {
                let size = witness.seen.as_ref().map_or(0, |seen| seen.size);
                (409, "content-type: text/x.tlog.size\r\n", format!("{size}\n"))
            }
            Err(status) => (status, "", String::new()),
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}
