//! From a request to what is mounted, given and started.

use std::ffi::CString;
use std::io;
use std::path::{Component, Path, PathBuf};

use sigma_core::CodeLanguage;

use super::exercise::Start;
use super::launch::{Launch, Rules};
use super::mounts::{APP, HOME, OURS, Plan};
use super::sys::c;
use crate::canary::Canaries;
use crate::{Code, Request};

/// The program that exercises Python code.
pub const PYTHON_HARNESS: &str = include_str!("../harness/python.py");
/// The same for Node.js.
pub const NODE_HARNESS: &str = include_str!("../harness/node.cjs");

/// Where things lie for the program: in the sandbox's own tree, or, without one, in a folder of the host.
#[derive(Clone)]
pub struct Places {
    pub app: PathBuf,
    pub home: PathBuf,
    pub ours: PathBuf,
    pub temporary: PathBuf,
    pub dependencies: Option<PathBuf>,
}

impl Places {
    /// In a tree of its own.
    pub fn inside(request: &Request) -> Self {
        let dependencies = request.job.dependencies.as_ref().map(|_| Path::new("/work").join(folder_name(request)));
        let [app, home, ours, temporary] = [APP, HOME, OURS, "/tmp"].map(PathBuf::from);
        Self { app, home, ours, temporary, dependencies }
    }

    pub fn harness(&self, language: CodeLanguage) -> PathBuf {
        self.ours.join(match language {
            CodeLanguage::Python => "harness.py",
            CodeLanguage::Node => "harness.cjs",
        })
    }
}

/// What the folder of dependencies must be called to be found.
fn folder_name(request: &Request) -> &'static str {
    match request.job.language {
        CodeLanguage::Python => "site-packages",
        CodeLanguage::Node => "node_modules",
    }
}

/// A relative path without anything that leads out.
pub fn is_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_))) && !path.contains('\0')
}

/// What is wrong with a request, if anything.
pub fn problem(request: &Request) -> Option<String> {
    if !is_inside(&request.job.entry) {
        return Some(format!("got the entry point {:?}, expected a path in the code's folder", request.job.entry));
    }
    match &request.job.code {
        Code::Files { files } => {
            if let Some(file) = files.iter().find(|file| !is_inside(&file.path)) {
                return Some(format!("got the file {:?}, expected a path in the code's folder", file.path));
            }
            let there = files.iter().any(|file| file.path == request.job.entry);
            (!there).then(|| format!("the entry point {} is not among the files", request.job.entry))
        }
        Code::Folder { path } => {
            let entry = path.join(&request.job.entry);
            (!entry.is_file()).then(|| format!("the entry point {} is not in the folder", request.job.entry))
        }
    }
}

/// The files that are made, beside the code: harness, mock secrets, samples.
fn made(request: &Request, places: &Places, canaries: &Canaries) -> Vec<(PathBuf, Vec<u8>)> {
    let harness = match (&request.job.harness, request.job.language) {
        (Some(text), _) => text,
        (None, CodeLanguage::Python) => PYTHON_HARNESS,
        (None, CodeLanguage::Node) => NODE_HARNESS,
    };
    let mut out = vec![(places.harness(request.job.language), harness.as_bytes().to_vec())];
    for (name, content) in &canaries.files {
        out.push((places.home.join(name), content.clone().into_bytes()));
    }
    let samples = [
        ("sample.txt", "The quick brown fox jumps over the lazy dog.\nA second line.\n"),
        ("sample.json", "{\"name\": \"sample\", \"values\": [1, 2, 3]}\n"),
        ("sample.csv", "name,value\nalpha,1\nbeta,2\n"),
    ];
    out.extend(samples.map(|(name, text)| (places.temporary.join(name), text.as_bytes().to_vec())));
    if let Code::Files { files } = &request.job.code {
        out.extend(files.iter().map(|file| (places.app.join(&file.path), file.bytes.clone())));
    }
    out
}

/// The tree of a sandbox with namespaces.
pub fn mounts(request: &Request, canaries: &Canaries, owner: (u32, u32)) -> Plan {
    let places = Places::inside(request);
    let mut bound = vec![(PathBuf::from("/usr"), PathBuf::from("/usr"))];
    let own = request.interpreter.prefix.iter().chain(&request.read_only);
    bound.extend(own.filter(|path| !path.starts_with("/usr")).map(|path| (path.clone(), path.clone())));
    if let Code::Folder { path } = &request.job.code {
        bound.push((path.clone(), places.app.clone()));
    }
    if let (Some(from), Some(to)) = (&request.job.dependencies, &places.dependencies) {
        bound.push((from.clone(), to.clone()));
    }
    Plan { bound, made: made(request, &places, canaries), disk: request.limits.disk, owner }
}

/// The same without namespaces: a folder of the host is filled, and everything else stays where it is. `base` is empty and
/// belongs to the user that the code runs as.
pub fn fill(request: &Request, canaries: &Canaries, base: &Path) -> io::Result<Places> {
    let dependencies = request.job.dependencies.clone();
    let [mut app, home, ours, temporary] = ["app", "home", "ours", "tmp"].map(|name| base.join(name));
    if let Code::Folder { path } = &request.job.code {
        app = path.clone();
    }
    let places = Places { app, home, ours, temporary, dependencies };
    for folder in [&places.home, &places.ours, &places.temporary] {
        std::fs::create_dir_all(folder)?;
    }
    for (path, content) in made(request, &places, canaries) {
        path.parent().map(std::fs::create_dir_all).transpose()?;
        std::fs::write(path, content)?;
    }
    // Node looks for dependencies beside the code; where the code stays where it is, only `require` finds them.
    if let (Some(folder), CodeLanguage::Node) = (&places.dependencies, request.job.language) {
        std::os::unix::fs::symlink(folder, base.join("node_modules"))?;
    }
    Ok(places)
}

/// What a program may touch where Landlock is all there is.
pub fn rules(request: &Request, places: &Places, namespaces: bool) -> Rules {
    if namespaces {
        let write = ["/tmp", HOME, "/dev/shm", "/dev/null", "/dev/zero", "/dev/full", "/proc/self"];
        return Rules { read: vec!["/".into()], write: write.map(PathBuf::from).into(), required: false };
    }
    let system = [
        "/usr",
        "/bin",
        "/sbin",
        "/lib",
        "/lib32",
        "/lib64",
        "/libx32",
        "/etc/ld.so.cache",
        "/etc/ld.so.conf",
        "/etc/ld.so.conf.d",
        "/etc/alternatives",
        "/etc/ssl",
        "/etc/pki",
        "/etc/ca-certificates",
        "/etc/localtime",
        "/etc/nsswitch.conf",
        "/etc/hosts",
        "/etc/host.conf",
        "/etc/resolv.conf",
        "/etc/passwd",
        "/etc/group",
        "/etc/protocols",
        "/etc/services",
        "/etc/gai.conf",
        "/dev/urandom",
        "/dev/random",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/proc/stat",
        "/proc/filesystems",
        "/proc/sys/vm/overcommit_memory",
        "/proc/version",
        "/sys/devices/system/cpu",
        "/sys/fs/cgroup",
    ];
    let mut read: Vec<PathBuf> = system.map(PathBuf::from).into();
    read.extend(request.interpreter.prefix.iter().chain(&request.read_only).cloned());
    read.extend([places.app.clone(), places.ours.clone()]);
    read.extend(places.dependencies.clone());
    let mut write: Vec<PathBuf> = ["/dev/null", "/dev/zero", "/dev/full"].map(PathBuf::from).into();
    write.extend([places.home.clone(), places.temporary.clone()]);
    Rules { read, write, required: true }
}

/// How one exercise is started.
pub fn launch(
    request: &Request,
    places: &Places,
    canaries: &Canaries,
    start: &Start,
    channel: i32,
    namespaces: bool,
) -> io::Result<Launch> {
    let mut environment = vec![
        ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("HOME".to_owned(), places.home.to_string_lossy().into_owned()),
        ("USER".to_owned(), "dev".to_owned()),
        ("LOGNAME".to_owned(), "dev".to_owned()),
        ("SHELL".to_owned(), "/bin/sh".to_owned()),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ("TZ".to_owned(), "UTC".to_owned()),
        ("TMPDIR".to_owned(), places.temporary.to_string_lossy().into_owned()),
        ("NO_COLOR".to_owned(), "1".to_owned()),
        ("PYTHONUNBUFFERED".to_owned(), "1".to_owned()),
        ("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()),
        ("SIGMA_CHANNEL".to_owned(), channel.to_string()),
    ];
    if let (CodeLanguage::Python, Some(folder)) = (request.job.language, &places.dependencies) {
        environment.push(("PYTHONPATH".to_owned(), folder.to_string_lossy().into_owned()));
    }
    if let (CodeLanguage::Node, Some(folder)) = (request.job.language, &places.dependencies) {
        environment.push(("NODE_PATH".to_owned(), folder.to_string_lossy().into_owned()));
    }
    environment.extend(canaries.environment.iter().cloned());
    let environment = environment.into_iter().map(|(name, value)| c(format!("{name}={value}")));
    let program = request.interpreter.program.to_string_lossy().into_owned();
    let harness = places.harness(request.job.language).to_string_lossy().into_owned();
    let entry = places.app.join(&request.job.entry).to_string_lossy().into_owned();
    let mut arguments = vec![program];
    match (&request.job.harness, request.job.language) {
        (Some(_), _) => arguments.extend([harness, entry]),
        (None, CodeLanguage::Python) => arguments.extend(["-S".to_owned(), harness]),
        // A program is started as Node would start it, with the harness before it; else the harness is the program.
        (None, CodeLanguage::Node) if start.as_program => arguments.extend(["--require".to_owned(), harness, entry]),
        (None, CodeLanguage::Node) => arguments.push(harness),
    }
    if request.job.language == CodeLanguage::Node {
        // Node takes its heap's size from the machine's memory; this is what it has here.
        let heap = (request.limits.memory >> 20) * 3 / 4;
        arguments.insert(1, format!("--max-old-space-size={heap}"));
        if request.interpreter.strips_types(&request.job.entry) {
            arguments.insert(1, "--experimental-strip-types".to_owned());
        }
    }
    // The Python harness puts them into `sys.argv` itself.
    if request.job.language == CodeLanguage::Node || request.job.harness.is_some() {
        arguments.extend(start.arguments.iter().cloned());
    }
    let texts = |list: Vec<String>| list.into_iter().map(c).collect::<io::Result<Vec<CString>>>();
    Ok(Launch {
        arguments: texts(arguments)?,
        environment: environment.collect::<io::Result<_>>()?,
        folder: places.app.clone(),
        channel,
        limits: request.limits.clone(),
        rules: rules(request, places, namespaces),
    })
}

#[cfg(test)]
mod tests {
    use super::is_inside;

    #[test]
    fn paths_stay_inside() {
        for good in ["main.py", "src/a b/é.py", "a/..b"] {
            assert!(is_inside(good), "{good}");
        }
        for bad in ["", "/etc/passwd", "../x", "a/../../x", "a/..", "a\0b"] {
            assert!(!is_inside(bad), "{bad}");
        }
    }
}
