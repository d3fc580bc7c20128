//! A package brings a top-level module that belongs to another, or to Python itself.

use sigma_core::{Category, DistributionKind, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "shadowed-module",
    category: Category::Identity,
    capability: None,
    severity: Severity::Medium,
    message: "The package brings a top-level module that belongs to another.",
    why: "All wheels are unpacked into one folder. A wheel that holds `requests/__init__.py` replaces the requests that \
          was installed before it, for every program of that environment.",
    false_positives: "Forks and backports bring the module of what they replace: a package whose name holds the module's is \
                      left out, and so are namespace packages without an `__init__.py` and test folders.",
    example: include_str!("shadowed_module/hit-requests.txtar"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    let Some(package) = distribution.package().filter(|_| distribution.kind == DistributionKind::Wheel) else { return };
    let own: String = package.name().as_str().to_ascii_lowercase().replace(['-', '_', '.'], "");
    for entry in &distribution.entries {
        let path = library_path(&entry.path);
        let Some(module) = path.strip_suffix("/__init__.py").or_else(|| path.strip_suffix(".py")) else { continue };
        if module.contains('/') {
            continue;
        }
        let lower = module.to_ascii_lowercase();
        let related = own.contains(&lower) || lower.contains(&own);
        let (severity, owner) = match () {
            _ if related => continue,
            _ if PYTHON.contains(&module) => (Severity::Medium, "Python itself"),
            _ => match MODULES.iter().find(|(name, _)| *name == module) {
                Some((_, owners)) if owners.split(' ').any(|owner| own.contains(&owner.replace('-', ""))) => continue,
                Some((_, owners)) => (Severity::High, owners.split(' ').next().unwrap_or_default()),
                None => continue,
            },
        };
        let message = format!("The package brings the top-level module `{module}`, which belongs to {owner}.");
        let hit = hits.hit(module).file(sigma_core::printable(&entry.path, 200));
        hits.push(hit.severity(severity).message(message));
    }
}

/// The path below `site-packages` to which a wheel's file is installed (binary distribution format, `.data`).
pub(in crate::rules) fn library_path(path: &str) -> &str {
    let data = path.split_once('/').filter(|(folder, _)| folder.ends_with(".data")).map(|(_, rest)| rest);
    let library = data.and_then(|rest| rest.strip_prefix("purelib/").or_else(|| rest.strip_prefix("platlib/")));
    library.unwrap_or(path)
}

/// Modules of Python that nobody names by accident. What stands in `site-packages` under their names is found only where
/// a path was changed, or by a Python that does not have them.
const PYTHON: [&str; 34] = [
    "os",
    "sys",
    "subprocess",
    "socket",
    "ssl",
    "hashlib",
    "hmac",
    "base64",
    "shutil",
    "pathlib",
    "importlib",
    "ctypes",
    "urllib",
    "ftplib",
    "smtplib",
    "getpass",
    "inspect",
    "threading",
    "multiprocessing",
    "asyncio",
    "tempfile",
    "zipimport",
    "pickle",
    "marshal",
    "codecs",
    "builtins",
    "io",
    "abc",
    "random",
    "secrets",
    "site",
    "sysconfig",
    "runpy",
    "encodings",
];

/// Modules that many programs import, and the packages that may bring them.
const MODULES: [(&str, &str); 40] = [
    ("requests", "requests"),
    ("urllib3", "urllib3"),
    ("certifi", "certifi"),
    ("idna", "idna"),
    ("chardet", "chardet"),
    ("charset_normalizer", "charset-normalizer"),
    ("six", "six"),
    ("setuptools", "setuptools"),
    ("pkg_resources", "setuptools"),
    ("pip", "pip"),
    ("wheel", "wheel"),
    ("virtualenv", "virtualenv"),
    ("numpy", "numpy"),
    ("pandas", "pandas"),
    ("scipy", "scipy"),
    ("boto3", "boto3"),
    ("botocore", "botocore"),
    ("yaml", "pyyaml ruamel"),
    ("jinja2", "jinja2"),
    ("click", "click"),
    ("flask", "flask"),
    ("django", "django"),
    ("werkzeug", "werkzeug"),
    ("sqlalchemy", "sqlalchemy"),
    ("cryptography", "cryptography"),
    ("paramiko", "paramiko"),
    ("aiohttp", "aiohttp"),
    ("httpx", "httpx"),
    ("pytest", "pytest"),
    ("attr", "attrs"),
    ("dateutil", "python-dateutil"),
    ("pytz", "pytz"),
    ("colorama", "colorama"),
    ("tqdm", "tqdm"),
    ("rich", "rich"),
    ("psutil", "psutil"),
    ("bs4", "beautifulsoup4 bs4"),
    ("selenium", "selenium"),
    ("typing_extensions", "typing-extensions"),
    ("packaging", "packaging"),
];
