//! A git host on loopback: git's own server program behind the smallest web server that can start it, and repositories
//! whose objects are written one by one, so that they can be as wrong as a forged one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// What a request asks for.
pub struct Request {
    /// Its method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Request {
    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A web server on loopback, one thread a connection. It ends with the test's process.
pub struct GitHost {
    /// `127.0.0.1:port`.
    pub address: String,
    /// Method and target of every request.
    pub seen: Arc<Mutex<Vec<String>>>,
}

impl GitHost {
    /// Answers with whatever the function writes.
    pub fn start(answer: impl Fn(&Request, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (seen.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, answer) = (log.clone(), answer.clone());
                std::thread::spawn(move || {
                    let mut stream = stream?;
                    let request = read(&stream)?;
                    log.lock().unwrap().push(format!("{} {}", request.method, request.target));
                    answer(&request, &mut stream)
                });
            }
        });
        Self { address, seen }
    }

    /// Serves the repositories of a folder with git's own program.
    pub fn git(root: &Path) -> Self {
        let root = root.to_owned();
        Self::start(move |request, stream| backend(&root, request, stream))
    }

    /// Always answers with the same bytes.
    pub fn always(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |_, stream| stream.write_all(&bytes))
    }

    /// Speaks protocol version 2 as far as it is needed, and sends this pack whatever is asked for.
    pub fn forged(commit: &str, pack: Vec<u8>) -> Self {
        let commit = commit.to_owned();
        Self::start(move |request, stream| {
            let text = String::from_utf8_lossy(&request.body);
            let (media, body) = match request.method.as_str() {
                "GET" => ("advertisement", lines(&[b"version 2\n", b"ls-refs\n", b"fetch=shallow\n"])),
                _ if text.contains("command=ls-refs") => {
                    ("result", lines(&[format!("{commit} refs/heads/main\n").as_bytes()]))
                }
                _ => {
                    let pieces: Vec<Vec<u8>> = pack.chunks(60_000).map(|piece| [&[1], piece].concat()).collect();
                    let mut all: Vec<&[u8]> = vec![b"packfile\n"];
                    all.extend(pieces.iter().map(Vec::as_slice));
                    ("result", lines(&all))
                }
            };
            let length = body.len();
            let media = format!("Content-Type: application/x-git-upload-pack-{media}");
            write!(stream, "HTTP/1.1 200 OK\r\n{media}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
            stream.write_all(&body)
        })
    }

    /// The address of a repository.
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }
}

/// Packet lines and a flush (gitprotocol-common).
fn lines(lines: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines {
        out.extend_from_slice(format!("{:04x}", line.len() + 4).as_bytes());
        out.extend_from_slice(line);
    }
    out.extend_from_slice(b"0000");
    out
}

fn read(stream: &TcpStream) -> std::io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let mut request = Request { method, target, headers, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body = vec![0; length];
    reader.read_exact(&mut request.body)?;
    Ok(request)
}

/// Runs `git http-backend` (RFC 3875) for one request.
fn backend(root: &Path, request: &Request, stream: &mut TcpStream) -> std::io::Result<()> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut child = git_command(root)
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", &request.method)
        .env("CONTENT_TYPE", request.header("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("GIT_PROTOCOL", request.header("git-protocol").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    child.stdin.take().unwrap().write_all(&request.body)?;
    let output = child.wait_with_output()?.stdout;
    let end = output.windows(4).position(|part| part == b"\r\n\r\n").map_or(output.len(), |at| at + 4);
    let (head, body) = output.split_at(end);
    let head = String::from_utf8_lossy(head);
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let head: String = head
        .lines()
        .filter(|line| !line.starts_with("Status") && !line.is_empty())
        .map(|line| format!("{line}\r\n"))
        .collect();
    write!(stream, "HTTP/1.1 {status}\r\n{head}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(body)
}

/// git, without anybody's configuration.
fn git_command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("HOME", "/nonexistent");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "a").env(format!("GIT_{who}_EMAIL"), "a@example.org");
        command.env(format!("GIT_{who}_DATE"), "2026-01-01T00:00:00Z");
    }
    command
}

/// One entry of a tree: mode, name, object.
pub type TreeEntry<'a> = (&'a str, &'a [u8], String);

/// A bare repository, filled object by object.
pub struct GitRepository {
    /// The folder.
    pub path: PathBuf,
}

impl GitRepository {
    /// An empty one below a folder.
    pub fn new(root: &Path, name: &str) -> Self {
        Self::with(root, name, &[])
    }

    /// The same, with options of `git init`.
    pub fn with(root: &Path, name: &str, options: &[&str]) -> Self {
        let path = root.join(format!("{name}.git"));
        std::fs::create_dir_all(&path).unwrap();
        let repository = Self { path };
        repository.git(&[&["init", "--quiet", "--bare", "--initial-branch=main"], options].concat(), b"");
        repository
    }

    /// Runs git and gives what it prints.
    pub fn git(&self, arguments: &[&str], input: &[u8]) -> String {
        String::from_utf8(self.run(arguments, input)).unwrap().trim().to_owned()
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut command = git_command(&self.path);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("git is installed");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {arguments:?}");
        output.stdout
    }

    /// Writes an object without looking whether it makes sense.
    pub fn object(&self, kind: &str, bytes: &[u8]) -> String {
        self.git(&["hash-object", "-w", "--stdin", "--literally", "-t", kind], bytes)
    }

    /// A file.
    pub fn blob(&self, bytes: &[u8]) -> String {
        self.object("blob", bytes)
    }

    /// A folder.
    pub fn tree(&self, entries: &[TreeEntry<'_>]) -> String {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend((0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()));
        }
        self.object("tree", &bytes)
    }

    /// A commit of a tree.
    pub fn commit(&self, tree: &str) -> String {
        self.commit_after(tree, None)
    }

    /// A commit of a tree after another commit.
    pub fn commit_after(&self, tree: &str, parent: Option<&str>) -> String {
        let who = "a <a@example.org> 1700000000 +0000";
        let parent = parent.map(|parent| format!("parent {parent}\n")).unwrap_or_default();
        let text = format!("tree {tree}\n{parent}author {who}\ncommitter {who}\n\nA commit\n");
        self.object("commit", text.as_bytes())
    }

    /// A commit of a tree, at a branch or tag.
    pub fn set(&self, reference: &str, tree: &str) -> String {
        let commit = self.commit(tree);
        self.point(reference, &commit);
        commit
    }

    /// Lets a reference stand for an object.
    pub fn point(&self, reference: &str, id: &str) {
        std::fs::create_dir_all(self.path.join(reference).parent().unwrap()).unwrap();
        std::fs::write(self.path.join(reference), format!("{id}\n")).unwrap();
    }

    /// Every object, in a pack.
    pub fn pack(&self) -> Vec<u8> {
        let all = self.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"], b"");
        self.run(&["pack-objects", "--stdout", "--quiet"], format!("{all}\n").as_bytes())
    }

    /// A tree of ordinary files, with the folders that their paths name.
    pub fn files(&self, files: &[(&str, &[u8])]) -> String {
        let mut entries: Vec<(String, Vec<u8>, String)> = Vec::new();
        let mut folders: Vec<&str> = Vec::new();
        for (path, bytes) in files {
            match path.split_once('/') {
                None => entries.push(("100644".to_owned(), path.as_bytes().to_vec(), self.blob(bytes))),
                Some((folder, _)) if !folders.contains(&folder) => folders.push(folder),
                Some(_) => {}
            }
        }
        for folder in folders {
            let inner: Vec<_> = files
                .iter()
                .filter_map(|(path, bytes)| Some((path.strip_prefix(folder)?.strip_prefix('/')?, *bytes)))
                .collect();
            entries.push(("40000".to_owned(), folder.as_bytes().to_vec(), self.files(&inner)));
        }
        // git sorts folders as if their names ended in a slash.
        entries.sort_by_key(|(mode, name, _)| [name.as_slice(), if mode == "40000" { b"/" } else { b"" }].concat());
        let entries: Vec<TreeEntry<'_>> =
            entries.iter().map(|(mode, name, id)| (mode.as_str(), name.as_slice(), id.clone())).collect();
        self.tree(&entries)
    }

    /// A commit of everything in a folder of this disk, at a branch.
    pub fn folder(&self, branch: &str, folder: &Path) -> String {
        let mut files = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for item in std::fs::read_dir(next).unwrap() {
                let path = item.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                    files.push((name, std::fs::read(&path).unwrap()));
                }
            }
        }
        files.sort();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        self.set(&format!("refs/heads/{branch}"), &self.files(&files))
    }
}
