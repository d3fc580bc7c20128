//! A small index on loopback: projects made by hand, served as HTML or JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sigma_core::Sha256;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::pypi::Pypi;
use crate::{EcosystemConfig, Http};

/// How index pages are served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Html,
}

/// A file of a project.
struct Listed {
    filename: String,
    sha256: Sha256,
    requires_python: Option<&'static str>,
    yanked: Option<&'static str>,
}

struct Answer {
    status: u16,
    content_type: &'static str,
    body: Vec<u8>,
}

/// The index before it runs.
pub struct Fake {
    format: Format,
    announces: bool,
    ranges: bool,
    projects: BTreeMap<String, Vec<Listed>>,
    answers: BTreeMap<String, Answer>,
}

/// The index while it runs. Dropping it ends the server with its runtime.
pub struct Running {
    pub pypi: Pypi,
    pub cache: TempDir,
    pub config: EcosystemConfig,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    pub fn new(format: Format) -> Self {
        Self { format, announces: true, ranges: true, projects: BTreeMap::new(), answers: BTreeMap::new() }
    }

    /// Pages say nothing of metadata files.
    pub fn announcing_nothing(mut self) -> Self {
        self.announces = false;
        self
    }

    /// Files are only sent as a whole.
    pub fn without_ranges(mut self) -> Self {
        self.ranges = false;
        self
    }

    /// A wheel of which only the metadata can be had.
    pub fn wheel(self, filename: &str, headers: &str) -> Self {
        self.file(filename, headers, None, None)
    }

    pub fn yanked(self, filename: &str, reason: &'static str) -> Self {
        self.file(filename, "", None, Some(reason))
    }

    pub fn needs_python(self, filename: &str, spec: &'static str) -> Self {
        self.file(filename, "", Some(spec), None)
    }

    fn file(
        mut self,
        filename: &str,
        headers: &str,
        requires_python: Option<&'static str>,
        yanked: Option<&'static str>,
    ) -> Self {
        let mut parts = filename.split('-');
        let (name, version) = (parts.next().unwrap(), parts.next().unwrap());
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{headers}\n\nText\n");
        // uv takes two files with one digest for one file.
        self = self.answer(&format!("/files/{filename}.metadata"), 200, "text/plain", metadata.as_bytes());
        self.list(
            name,
            Listed { filename: filename.into(), sha256: Sha256::of(filename.as_bytes()), requires_python, yanked },
        )
    }

    /// A real .tar.gz with the given files.
    pub fn sdist(mut self, filename: &str, files: &[(&str, &str)]) -> Self {
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (path, text) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            archive.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        let bytes = archive.into_inner().unwrap().finish().unwrap();
        let sha256 = Sha256::of(&bytes);
        self = self.answer(&format!("/files/{filename}"), 200, "application/gzip", &bytes);
        let name = filename.rsplit_once('-').unwrap().0.to_owned();
        self.list(&name, Listed { filename: filename.into(), sha256, requires_python: None, yanked: None })
    }

    /// A real wheel, whose metadata is only found inside it.
    pub fn whole_wheel(self, filename: &str, headers: &str) -> Self {
        self.stuffed_wheel(filename, headers, &[])
    }

    /// The same with further files in front.
    pub fn stuffed_wheel(mut self, filename: &str, headers: &str, files: &[(&str, &[u8])]) -> Self {
        let mut parts = filename.split('-');
        let (name, version) = (parts.next().unwrap(), parts.next().unwrap());
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{headers}\n");
        let (told, wheel) =
            (format!("{name}-{version}.dist-info/METADATA"), format!("{name}-{version}.dist-info/WHEEL"));
        let mut all = files.to_vec();
        all.extend([(told.as_str(), metadata.as_bytes()), (wheel.as_str(), &b"Wheel-Version: 1.0\n"[..])]);
        let bytes = zipped(&all);
        let sha256 = Sha256::of(&bytes);
        self = self.answer(&format!("/files/{filename}"), 200, "application/zip", &bytes);
        self.list(name, Listed { filename: filename.into(), sha256, requires_python: None, yanked: None })
    }

    fn list(mut self, name: &str, file: Listed) -> Self {
        self.projects.entry(name.replace('_', "-")).or_default().push(file);
        self
    }

    /// Any answer at a path; before everything else.
    pub fn answer(mut self, path: &str, status: u16, content_type: &'static str, body: &[u8]) -> Self {
        self.answers.insert(path.to_owned(), Answer { status, content_type, body: body.to_vec() });
        self
    }

    pub async fn start(self) -> Running {
        self.start_with(|_| {}).await
    }

    pub async fn start_with(mut self, change: impl FnOnce(&mut EcosystemConfig)) -> Running {
        for (name, files) in &self.projects {
            let (content_type, body) = match self.format {
                Format::Json => ("application/vnd.pypi.simple.v1+json", json(name, files, self.announces)),
                Format::Html => ("text/html; charset=utf-8", html(files, self.announces)),
            };
            let answer = Answer { status: 200, content_type, body: body.into_bytes() };
            self.answers.entry(format!("/simple/{name}/")).or_insert(answer);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(serve(listener, Arc::new(self.answers), self.ranges, requests.clone()));
        let cache = TempDir::new().unwrap();
        let mut config = EcosystemConfig::official(cache.path().to_owned());
        config.pypi_index = format!("{base}/simple/").parse().unwrap();
        config.pypi_json = format!("{base}/pypi/").parse().unwrap();
        config.attempts = 1;
        config.first_pause = Duration::ZERO;
        config.read_timeout = Duration::from_secs(5);
        change(&mut config);
        let shared = Arc::new(config.clone());
        let pypi = Pypi::new(shared.clone(), Http::new(shared).unwrap()).unwrap();
        Running { pypi, cache, config, requests }
    }
}

impl Running {
    /// The requests since the last call, as `GET /path`.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// The same index and cache, opened anew.
    pub fn again(&self, change: impl FnOnce(&mut EcosystemConfig)) -> Pypi {
        let mut config = self.config.clone();
        change(&mut config);
        let shared = Arc::new(config);
        Pypi::new(shared.clone(), Http::new(shared).unwrap()).unwrap()
    }
}

fn json(name: &str, files: &[Listed], announces: bool) -> String {
    let files: Vec<_> = files
        .iter()
        .map(|file| {
            serde_json::json!({
                "filename": file.filename, "url": format!("/files/{}", file.filename),
                "hashes": {"sha256": file.sha256.to_string(), "md5": "d41d8cd98f00b204e9800998ecf8427e"},
                "requires-python": file.requires_python, "yanked": file.yanked.map_or(false.into(), serde_json::Value::from),
                "core-metadata": announces && file.filename.ends_with(".whl"), "size": 5, "upload-time": "2024-05-06T07:08:09.5Z",
            })
        })
        .collect();
    serde_json::json!({"meta": {"api-version": "1.1"}, "name": name, "files": files}).to_string()
}

fn html(files: &[Listed], announces: bool) -> String {
    let mut page = "<!DOCTYPE html><html><body>\n".to_owned();
    for file in files {
        let yanked = file.yanked.map_or(String::new(), |reason| format!(" data-yanked=\"{reason}\""));
        let python = file.requires_python.map_or(String::new(), |spec| {
            format!(" data-requires-python=\"{}\"", spec.replace('>', "&gt;").replace('<', "&lt;"))
        });
        let announced = if announces { " data-core-metadata=\"true\"" } else { "" };
        let (name, sha256) = (&file.filename, &file.sha256);
        let _ =
            writeln!(page, "<a href=\"../../files/{name}#sha256={sha256}\"{announced}{yanked}{python}>{name}</a><br/>");
    }
    page + "</body></html>"
}

/// A zip archive, compressed like real wheels.
fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, body) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(body).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The bytes that a `Range: bytes=<first>-<last>` asks for, as offsets.
fn asked_range(value: &str, total: usize) -> Option<Range<usize>> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    (first < total).then(|| first..total.min(last + 1))
}

async fn serve(
    listener: TcpListener,
    answers: Arc<BTreeMap<String, Answer>>,
    ranges: bool,
    requests: Arc<Mutex<Vec<String>>>,
) {
    while let Ok((mut socket, _)) = listener.accept().await {
        let (answers, requests) = (answers.clone(), requests.clone());
        tokio::spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && head.len() < 65_536 {
                match socket.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let mut line = head.lines().next().unwrap_or_default().split(' ');
            let (method, path) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
            let header = |name: &str| {
                head.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| key.eq_ignore_ascii_case(name))
            };
            let authorised = header("authorization").map_or(String::new(), |(_, value)| format!(" {value}"));
            let range = header("range").map(|(_, value)| value);
            let shown = range.map_or(String::new(), |range| format!(" {range}"));
            requests.lock().unwrap().push(format!("{method} {path}{authorised}{shown}"));
            let missing = Answer { status: 404, content_type: "text/plain", body: b"not here".to_vec() };
            let answer = answers.get(path).unwrap_or(&missing);
            let total = answer.body.len();
            let part = range.filter(|_| ranges && answer.status == 200).and_then(|range| asked_range(range, total));
            let (status, body) = match &part {
                Some(part) => (206, &answer.body[part.clone()]),
                None => (answer.status, &answer.body[..]),
            };
            let mut reply = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n",
                answer.content_type,
                body.len()
            );
            if let Some(Range { start, end }) = part {
                reply += &format!("content-range: bytes {start}-{}/{total}\r\n", end - 1);
            }
            match answer.status {
                // A redirect's body is where it leads.
                300..400 => reply += &format!("location: {}\r\n", String::from_utf8_lossy(&answer.body)),
                // Pages say how long they live, files do not.
                200 if path.starts_with("/simple/") => reply += "cache-control: max-age=600\r\n",
                _ => {}
            }
            let _ = socket.write_all(format!("{reply}\r\n").as_bytes()).await;
            if method != "HEAD" {
                let _ = socket.write_all(body).await;
            }
        });
    }
}
