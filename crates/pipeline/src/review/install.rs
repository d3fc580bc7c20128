//! Lays certified packages out in a folder, as an installer would, so that submitted code finds them when it runs.
//!
//! In: verified bytes of the store. Out: a folder with `site-packages` or `node_modules`. Nothing of a package is run: no
//! build, no lifecycle script. What cannot be laid out without running something is told, and the run then shows what comes
//! of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufReader, Write as _};
use std::path::{Path, PathBuf};

use sigma_analysis::{Limits, unpack};
use sigma_core::{CodeLanguage, Depth, DistributionKind, Ecosystem, PackageId, ResolvedPackage, printable};
use tempfile::TempDir;

/// Bytes of all packages of one run: 512 MiB, ten times a large project without machine learning.
const MAX_BYTES: u64 = 512 << 20;
/// Files of all packages of one run.
const MAX_FILES: u64 = 60_000;

/// A package whose verified bytes are at hand.
#[derive(Debug, Clone)]
pub(crate) struct Installable {
    pub package: ResolvedPackage,
    pub filename: String,
    pub kind: DistributionKind,
    pub path: PathBuf,
}

/// Packages, laid out.
pub(crate) struct Installed {
    /// Holds the folder; dropping it removes everything.
    root: TempDir,
    /// What is missing, in sentences.
    pub missing: Vec<String>,
}

impl Installed {
    /// The folder that is `site-packages` or `node_modules`.
    pub fn path(&self) -> &Path {
        self.root.path()
    }
}

/// Lays packages out. Blocking.
pub(crate) fn install(language: CodeLanguage, packages: &[Installable]) -> io::Result<Installed> {
    let root = tempfile::Builder::new().prefix("sigma-packages-").tempdir()?;
    permit(root.path(), 0o755)?;
    let mut layout = Layout { bytes: 0, files: 0, missing: Vec::new() };
    let wanted = match language {
        CodeLanguage::Python => Ecosystem::Pypi,
        CodeLanguage::Node => Ecosystem::Npm,
    };
    let packages: Vec<&Installable> = packages.iter().filter(|one| one.package.id.ecosystem() == wanted).collect();
    for one in &packages {
        let to = match language {
            CodeLanguage::Python => root.path().to_owned(),
            CodeLanguage::Node => store_folder(root.path(), &one.package.id),
        };
        layout.place(one, &to)?;
    }
    if language == CodeLanguage::Node {
        link(root.path(), &packages)?;
    }
    Ok(Installed { root, missing: layout.missing })
}

/// What is laid out so far.
struct Layout {
    bytes: u64,
    files: u64,
    missing: Vec<String>,
}

impl Layout {
    fn place(&mut self, one: &Installable, to: &Path) -> io::Result<()> {
        let name = &one.package.id;
        let limits = Limits::default();
        let roots = match one.kind {
            DistributionKind::Sdist => {
                let mut paths = Vec::new();
                let mut bytes = BufReader::new(File::open(&one.path)?);
                unpack(&one.filename, &mut bytes, &limits, &mut |packed| paths.push(packed.path.to_owned()));
                modules_of(&paths)
            }
            DistributionKind::Wheel | DistributionKind::NpmTarball => BTreeSet::new(),
        };
        let mut failed = None;
        let mut large = 0_u64;
        let mut bytes = BufReader::new(File::open(&one.path)?);
        let unread = unpack(&one.filename, &mut bytes, &limits, &mut |packed| {
            if failed.is_some() {
                return;
            }
            let Some(place) = place_of(one.kind, packed.path, &roots) else { return };
            let Some(content) = packed.bytes else {
                large += 1;
                return;
            };
            self.bytes += content.len() as u64;
            self.files += 1;
            if self.bytes > MAX_BYTES || self.files > MAX_FILES {
                failed = Some(io::Error::other(format!(
                    "the packages have more than {MAX_FILES} files or {} MB",
                    MAX_BYTES >> 20
                )));
                return;
            }
            if let Err(error) = write(&to.join(place), content, packed.executable) {
                failed = Some(error);
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        if large > 0 {
            self.missing.push(format!("{name}: {large} file(s) are larger than is laid out"));
        }
        if !unread.is_empty() {
            self.missing.push(format!("{name}: {} part(s) of its archive could not be read", unread.len()));
        }
        if one.kind == DistributionKind::Sdist {
            self.missing.push(format!("{name}: it has no wheel, so its source is laid out without being built"));
        }
        Ok(())
    }
}

fn write(path: &Path, content: &[u8], executable: bool) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    // Whoever comes second does not overwrite: a package must not reach into another.
    let mut file = match File::create_new(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    };
    file.write_all(content)?;
    permit(path, if executable { 0o755 } else { 0o644 })
}

/// A folder and those above it. A service's mask may be narrow, and the sandbox reads as somebody else.
fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        make_folder(above)?;
    }
    match fs::create_dir(path) {
        Ok(()) => permit(path, 0o755),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn permit(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn permit(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

/// Where a file of a distribution goes, relative to the folder of the package; nothing where it goes nowhere.
fn place_of(kind: DistributionKind, path: &str, roots: &BTreeSet<String>) -> Option<PathBuf> {
    let ordinary = |path: &str| {
        let part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0', ':']);
        path.len() <= 400 && path.split('/').all(part)
    };
    let path = path.strip_prefix("./").unwrap_or(path);
    let inner = match kind {
        DistributionKind::Wheel => match path.split_once('/') {
            // Binary distribution format: other folders below `.data` are scripts, headers and the like.
            Some((data, rest)) if data.ends_with(".data") => {
                rest.strip_prefix("purelib/").or_else(|| rest.strip_prefix("platlib/"))?
            }
            _ => path,
        },
        DistributionKind::NpmTarball => path.split_once('/')?.1,
        DistributionKind::Sdist => {
            let inner = path.split_once('/')?.1;
            let root = roots.iter().find(|root| {
                inner == root.as_str() || inner.strip_prefix(root.as_str()).is_some_and(|rest| rest.starts_with('/'))
            })?;
            let folder = root.rsplit_once('/').map_or(0, |(folder, _)| folder.len() + 1);
            &inner[folder..]
        }
    };
    ordinary(inner).then(|| PathBuf::from(inner))
}

/// The top-level modules of a source distribution: those below `src/`, or those beside `setup.py` (setuptools' automatic
/// discovery, flat and src layout).
fn modules_of(paths: &[String]) -> BTreeSet<String> {
    const NOT_MODULES: [&str; 11] =
        ["build", "conftest", "doc", "docs", "example", "examples", "noxfile", "setup", "tasks", "test", "tests"];
    let inner: Vec<&str> = paths.iter().filter_map(|path| path.split_once('/')).map(|(_, inner)| inner).collect();
    let below = |prefix: &str| -> BTreeSet<String> {
        let module = |path: &&str| -> Option<String> {
            let rest = path.strip_prefix(prefix)?;
            let (top, root) = match rest.split_once('/') {
                Some((folder, file)) if file == "__init__.py" || file == "__init__.pyi" => (folder, folder),
                Some(_) => return None,
                None => (rest.strip_suffix(".py")?, rest),
            };
            (!NOT_MODULES.contains(&top)).then(|| format!("{prefix}{root}"))
        };
        inner.iter().filter_map(module).collect()
    };
    let src = below("src/");
    if src.is_empty() { below("") } else { src }
}

/// Where the files of one laid out npm package are.
pub(crate) fn package_folder(installed: &Installed, package: &PackageId) -> PathBuf {
    store_folder(installed.path(), package)
}

/// Where an npm package lies: each version once, with what it depends on beside it.
fn store_folder(root: &Path, package: &PackageId) -> PathBuf {
    let folder = package.name().as_str().replace('/', "+");
    root.join(".sigma")
        .join(format!("{folder}@{}", package.version()))
        .join("node_modules")
        .join(package.name().as_str())
}

/// Links every package beside those that depend on it, and the project's own into the root: Node.js resolves links first, so
/// each package finds exactly the versions that it was resolved with.
fn link(root: &Path, packages: &[&Installable]) -> io::Result<()> {
    let known: BTreeSet<&PackageId> = packages.iter().map(|one| &one.package.id).collect();
    let mut links: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for one in packages {
        let (id, target) = (&one.package.id, store_folder(root, &one.package.id));
        let name = id.name().as_str();
        if one.package.depth == Depth::Direct || one.package.parents.iter().any(|parent| parent.package.is_none()) {
            links.insert(root.join(name), target.clone());
        }
        for parent in one.package.parents.iter().filter_map(|parent| parent.package.as_ref()) {
            if known.contains(parent) && parent != id {
                let own = store_folder(root, parent);
                let depth = parent.name().as_str().split('/').count();
                let Some(modules) = own.ancestors().nth(depth) else { continue };
                links.insert(modules.join(name), target.clone());
            }
        }
    }
    for (at, target) in links {
        if at.symlink_metadata().is_ok() || !target.is_dir() {
            continue;
        }
        let folder = at.parent().unwrap_or(root);
        make_folder(folder)?;
        let up = folder.strip_prefix(root).unwrap_or(Path::new("")).components().count();
        let relative: PathBuf = std::iter::repeat_n("..", up).collect();
        let inside = target.strip_prefix(root).map_err(|_| {
            io::Error::other(format!("{} lies elsewhere", printable(&target.display().to_string(), 200)))
        })?;
        symlink(&relative.join(inside), &at)?;
    }
    Ok(())
}

#[cfg(unix)]
fn symlink(target: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::other("packages are laid out on Linux and macOS only"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_where_an_installer_puts_them_and_nowhere_else() {
        let check = |kind, path: &str, expect: Option<&str>| {
            let roots = ["src/pkg".to_owned(), "one.py".to_owned()].into();
            let place = place_of(kind, path, &roots).map(|path| path.display().to_string());
            assert_eq!(place.as_deref(), expect, "{path}");
        };
        use DistributionKind::{NpmTarball, Sdist, Wheel};
        check(Wheel, "pkg/__init__.py", Some("pkg/__init__.py"));
        check(Wheel, "pkg-1.data/purelib/pkg/a.py", Some("pkg/a.py"));
        check(Wheel, "pkg-1.data/scripts/run", None);
        for wrong in ["../evil.py", "/etc/passwd", "a//b", "a/../../b", "a\\b", "C:/x", "", "a/./b"] {
            check(Wheel, wrong, None);
            check(NpmTarball, &format!("package/{wrong}"), None);
        }
        check(NpmTarball, "package/index.js", Some("index.js"));
        check(NpmTarball, "index.js", None);
        check(Sdist, "pkg-1.0/src/pkg/a.py", Some("pkg/a.py"));
        check(Sdist, "pkg-1.0/one.py", Some("one.py"));
        check(Sdist, "pkg-1.0/setup.py", None);
        check(Sdist, "pkg-1.0/src/pkgs/a.py", None);
    }

    #[test]
    fn modules_of_a_source_distribution_are_found_in_both_layouts() {
        let check = |paths: &[&str], expect: &[&str]| {
            let paths: Vec<String> = paths.iter().map(|path| format!("p-1/{path}")).collect();
            assert_eq!(modules_of(&paths).iter().map(String::as_str).collect::<Vec<_>>(), expect);
        };
        check(&["setup.py", "pkg/__init__.py", "pkg/a.py", "six.py", "tests/__init__.py"], &["pkg", "six.py"]);
        check(&["setup.py", "src/pkg/__init__.py", "src/one.py", "docs/conf.py"], &["src/one.py", "src/pkg"]);
        check(&["README"], &[]);
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_what_is_laid_out() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o700)).unwrap();
        write(&root.path().join("a/b/c.py"), b"x", false).unwrap();
        write(&root.path().join("a/run"), b"x", true).unwrap();
        let mode = |path: &str| fs::metadata(root.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode("a"), mode("a/b"), mode("a/b/c.py"), mode("a/run")], [0o755, 0o755, 0o644, 0o755]);
        write(&root.path().join("a/run"), b"another", false).unwrap();
        assert_eq!(fs::read(root.path().join("a/run")).unwrap(), b"x", "whoever comes second changes nothing");
    }
}
