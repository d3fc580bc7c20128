//! Python lockfiles: `uv.lock`, `pylock.toml`.

use super::*;

#[test]
fn uv_lock_with_extras_groups_and_forks() {
    let text = r#"version = 1
requires-python = ">=3.9"
[[package]]
name = "demo"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
    { name = "httpx" },
    { name = "numpy", version = "1.26.4", source = { registry = "https://pypi.org/simple" }, marker = "python_full_version < '3.10'" },
    { name = "numpy", version = "2.0.0", source = { registry = "https://pypi.org/simple" }, marker = "python_full_version >= '3.10'" },
]
[package.dev-dependencies]
dev = [{ name = "httpx", extra = ["http2"] }]
[package.metadata]
requires-dist = [{ name = "httpx", specifier = ">=0.27" }, { name = "numpy" }, { name = "orjson", marker = "extra == 'fast'", specifier = ">=3" }, { name = "lib", git = "https://h/x" }]
[package.metadata.requires-dev]
dev = [{ name = "httpx", extras = ["http2"] }]
[[package]]
name = "httpx"
version = "0.27.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.pythonhosted.org/httpx-0.27.0.tar.gz", hash = "HASH" }
wheels = [{ url = "https://files.pythonhosted.org/httpx-0.27.0-py3-none-any.whl", hash = "HASH" }]
[package.optional-dependencies]
http2 = [{ name = "h2" }]
[[package]]
name = "h2"
version = "4.1.0"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://files.pythonhosted.org/h2.whl", hash = "HASH" }]
[[package]]
name = "numpy"
version = "1.26.4"
source = { registry = "https://pypi.org/simple" }
resolution-markers = ["python_full_version < '3.10'"]
[[package]]
name = "numpy"
version = "2.0.0"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://files.pythonhosted.org/n.whl", hash = "HASH" }]
[[package]]
name = "corp"
version = "1.0"
source = { registry = "https://corp/simple" }
[[package]]
name = "swapped"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
wheels = [{ url = "https://evil/swapped.whl", hash = "HASH" }]
[[package]]
name = "lib"
version = "1.0"
source = { git = "https://h/x#abc" }
[[package]]
name = "local"
version = "1.0"
source = { editable = "libs/local" }
dependencies = [{ name = "h2" }, { name = "none" }]
"#;
    let text = text.replace("HASH", HASH);
    check(
        &[("uv.lock", &text)],
        "pypi uv.lock [uv.lock]
         uv.lock:15 runtime httpx >=0.27
         uv.lock:15 runtime numpy
         uv.lock:41 REFUSED OtherIndex: corp==1.0
         uv.lock:45 REFUSED OtherIndex: swapped==1.0
         uv.lock:50 REFUSED VersionControl: lib==1.0
         uv.lock:54 REFUSED Editable: local @ libs/local
         uv.lock:15 REFUSED VersionControl: lib
         uv.lock:31 problem: pypi:numpy@1.26.4 has no hash: nothing pins its bytes
         uv.lock:58 problem: the lockfile holds no single `none` for this dependency; run `uv lock`
         uv.lock:18 locked pypi:httpx@0.27.0 pins:2
         uv.lock:26 locked pypi:h2@4.1.0 pins:1
         uv.lock:31 locked pypi:numpy@1.26.4 pins:0 optional ; (python_full_version < '3.10')
         uv.lock:36 locked pypi:numpy@2.0.0 pins:1 optional
         edge project -> pypi:h2@4.1.0 ==4.1.0
         edge project -> pypi:httpx@0.27.0 ==0.27.0
         edge project -> pypi:numpy@1.26.4 ==1.26.4 ; python_full_version < '3.10'
         edge project -> pypi:numpy@2.0.0 ==2.0.0 ; python_full_version >= '3.10'",
    );
    let without_local = text.replace(r#"dependencies = [{ name = "h2" }, { name = "none" }]"#, "");
    let runtime = lines(&[("uv.lock", &without_local)], &ReadOptions::default());
    assert!(!runtime.contains("pypi:h2") && runtime.contains("1 packages needed for development only"), "{runtime}");
    let dev = lines(&[("uv.lock", &without_local)], &with_dev());
    assert!(dev.contains("locked pypi:h2@4.1.0 pins:1 dev optional\n"), "{dev}");
    assert!(dev.contains("edge pypi:httpx@0.27.0 -> pypi:h2@4.1.0 ==4.1.0\n"), "{dev}");
    assert!(dev.contains("optional orjson >=3 ; extra == 'fast'\n") && dev.contains("dev httpx[http2]"), "{dev}");
}

#[test]
fn pylock_with_and_without_edges() {
    let text = r#"lock-version = "1.0"
created-by = "uv"
[[packages]]
name = "a"
version = "1.0"
index = "https://pypi.org/simple"
sdist = { url = "https://files.pythonhosted.org/a.tar.gz", hashes = { sha256 = "HEX", md5 = "00" } }
[[packages]]
name = "b"
version = "2.0"
marker = "sys_platform == 'win32'"
[[packages.wheels]]
url = "https://files.pythonhosted.org/b.whl"
hashes = { sha256 = "HEX" }
[[packages]]
name = "git"
vcs = { type = "git", url = "https://h/x", commit-id = "abc" }
[[packages]]
name = "dir"
directory = { path = ".", editable = true }
[[packages]]
name = "url"
archive = { url = "https://h/x.zip", hashes = { sha256 = "HEX" } }
[[packages]]
name = "corp"
version = "1.0"
index = "https://corp/simple"
[[packages]]
name = "bad"
version = "1.0"
sdist = { url = "https://files.pythonhosted.org/bad.tar.gz", hashes = { sha256 = "00" } }
"#;
    let text = text.replace("HEX", HASH.trim_start_matches("sha256:"));
    let refused = "pylock.toml:15 REFUSED VersionControl: git
         pylock.toml:18 REFUSED Editable: dir
         pylock.toml:21 REFUSED Url: url
         pylock.toml:24 REFUSED OtherIndex: corp==1.0
         pylock.toml:28 REFUSED Unparsable: bad==1.0";
    check(
        &[("pylock.toml", &text)],
        &format!(
            "pypi pylock.toml [pylock.toml]
         pylock.toml:3 runtime a ==1.0
         pylock.toml:8 runtime b ==2.0 ; sys_platform == 'win32'
         {refused}
         pylock.toml:1 problem: the lockfile records no edges: every package counts as a direct dependency
         pylock.toml:3 locked pypi:a@1.0 pins:1
         pylock.toml:8 locked pypi:b@2.0 pins:1 optional ; sys_platform == 'win32'
         edge project -> pypi:a@1.0 ==1.0
         edge project -> pypi:b@2.0 ==2.0 ; sys_platform == 'win32'"
        ),
    );
    let text = text.replace(
        "version = \"1.0\"\nindex = \"https://pypi",
        "version = \"1.0\"\ndependencies = [{ name = \"b\" }]\nindex = \"https://pypi",
    );
    let edges = lines(&[("pylock.toml", &text)], &ReadOptions::default());
    assert!(edges.contains("edge pypi:a@1.0 -> pypi:b@2.0 ==2.0\nedge project -> pypi:a@1.0 ==1.0\n"), "{edges}");
    assert!(!edges.contains("project -> pypi:b"), "{edges}");
}

#[test]
fn other_lock_versions() {
    check(
        &[("uv.lock", "version = 2\n")],
        "error: uv.lock:1: not valid uv.lock: got another lockfile version, expected 1; run `uv lock`",
    );
    check(
        &[("pylock.toml", "lock-version = \"2.0\"\n")],
        "error: pylock.toml:1: not valid pylock.toml: got another lock-version, expected 1.0; write the file again",
    );
}
