//! Programs that stand inside a command line: `python -c`, `node -e`, `perl -e`.

use crate::facts::bits::Deeds;

/// What a short program does, judged by the names in it. `code` may be in any scripting language.
pub(super) fn judge(code: &str) -> Deeds {
    let code = code.to_ascii_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| code.contains(word));
    let mut deeds = Deeds::NONE;
    let socket = any(&["socket", "fsockopen", "tcpsocket", "require('net')", "require(\"net\")", "net.connect"]);
    let shell = any(&["dup2", "pty.spawn", "/bin/sh", "/bin/bash", "cmd.exe", "powershell", "proc_open", "exec \"sh"]);
    if socket && shell {
        deeds |= Deeds::REMOTE_SHELL;
    }
    let fetches = any(&[
        "urlopen",
        "urlretrieve",
        "requests.get",
        "http.get",
        "https.get",
        "fetch(",
        "axios",
        "httpx.get",
        "file_get_contents('http",
        "file_get_contents(\"http",
    ]);
    let runs = any(&[
        "exec(",
        "eval(",
        "os.system",
        "popen",
        "subprocess",
        "child_process",
        "function(",
        "compile(",
        "execsync",
    ]);
    if fetches {
        deeds |= Deeds::FETCHES;
    }
    if fetches && any(&["exec(", "eval(", "os.system", "popen", "subprocess", "child_process"]) {
        deeds |= Deeds::RUNS_DOWNLOAD;
    }
    if runs && any(&["b64decode", "base64", "atob(", "fromhex", "unhexlify", "marshal.loads", "zlib.decompress"]) {
        deeds |= Deeds::ENCODED;
    }
    deeds
}
