//! Mock secrets: made anew for every run, placed where secrets usually are, and looked for in whatever would leave.
//!
//! They have the form of real ones, so that code which checks the form goes on. None of them is valid anywhere. A secret
//! that is encrypted or compressed before it is sent cannot be recognised; plain, hexadecimal, base64, base32 and
//! percent-encoded ones are, also when a host name cuts them into labels.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};

/// Of a mock secret, however it is written, this many bytes are looked for: enough to be no accident, and little enough to
/// find one that is sent in pieces.
const PATTERN: usize = 20;
/// What is read piecewise keeps this much of the piece before.
pub const OVERLAP: usize = 64;

/// The mock secrets of one run.
pub struct Canaries {
    /// Name and value of the environment variables.
    pub environment: Vec<(String, String)>,
    /// Path relative to the home folder and content of the credential files.
    pub files: Vec<(String, String)>,
    /// The name of each secret and the text that must not turn up.
    secrets: Vec<(String, String)>,
    search: OnceLock<Option<Search>>,
}

/// All spellings of all secrets, and the secret that each stands for.
struct Search {
    automaton: AhoCorasick,
    owners: Vec<usize>,
}

/// Alphabets that tokens are made of.
const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn random(alphabet: &[u8], length: usize) -> Result<String, getrandom::Error> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect())
}

impl Canaries {
    /// New mock secrets.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let alnum = |length| random(ALNUM, length);
        let environment = [
            ("AWS_ACCESS_KEY_ID", format!("AKIA{}", random(UPPER, 16)?)),
            ("AWS_SECRET_ACCESS_KEY", alnum(40)?),
            ("GITHUB_TOKEN", format!("ghp_{}", alnum(36)?)),
            ("NPM_TOKEN", format!("npm_{}", alnum(36)?)),
            ("PYPI_TOKEN", format!("pypi-AgEIcHlwaS5vcmc{}", alnum(60)?)),
            ("OPENAI_API_KEY", format!("sk-proj-{}", alnum(48)?)),
            ("ANTHROPIC_API_KEY", format!("sk-ant-api03-{}", alnum(60)?)),
            ("SLACK_BOT_TOKEN", format!("xoxb-{}", alnum(40)?)),
            ("STRIPE_SECRET_KEY", format!("sk_test_{}", alnum(32)?)),
            ("API_KEY", alnum(32)?),
            ("DATABASE_URL", format!("postgres://app:{}@db.internal:5432/app", alnum(24)?)),
        ];
        let (file_key, file_secret) = (format!("AKIA{}", random(UPPER, 16)?), alnum(40)?);
        let (npmrc, pypirc, netrc, git) = (alnum(36)?, alnum(60)?, alnum(32)?, alnum(36)?);
        let (docker, kube, wallet, ssh) = (alnum(32)?, alnum(40)?, alnum(64)?, alnum(70 * 4)?);
        let ssh: Vec<&str> = (0..4).map(|line| &ssh[line * 70..][..70]).collect();
        let key =
            format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n", ssh.join("\n"));
        let files = [
            (
                ".aws/credentials",
                format!("[default]\naws_access_key_id = {file_key}\naws_secret_access_key = {file_secret}\n"),
            ),
            (".ssh/id_ed25519", key),
            (".npmrc", format!("//registry.npmjs.org/:_authToken=npm_{npmrc}\n")),
            (".pypirc", format!("[pypi]\nusername = __token__\npassword = pypi-AgEIcHlwaS5vcmc{pypirc}\n")),
            (".netrc", format!("machine artifacts.internal login dev password {netrc}\n")),
            (".git-credentials", format!("https://dev:ghp_{git}@github.com\n")),
            (
                ".docker/config.json",
                format!("{{\"auths\":{{\"https://index.docker.io/v1/\":{{\"auth\":\"{docker}\"}}}}}}\n"),
            ),
            (
                ".kube/config",
                format!("apiVersion: v1\nkind: Config\nusers:\n- name: dev\n  user:\n    token: {kube}\n"),
            ),
            (".config/solana/id.json", format!("{{\"secret\":\"{wallet}\"}}\n")),
        ];
        // Of a value, the part that is random: it is what must not turn up anywhere.
        let file_values = [
            (0, file_key.as_str()),
            (0, &file_secret),
            (1, ssh[0]),
            (1, ssh[1]),
            (1, ssh[2]),
            (1, ssh[3]),
            (2, &npmrc),
            (3, &pypirc),
            (4, &netrc),
            (5, &git),
            (6, &docker),
            (7, &kube),
            (8, &wallet),
        ];
        let secrets = environment.iter().map(|(name, value)| {
            let core = value.rsplit_once("://app:").map_or(value.as_str(), |(_, rest)| &rest[..24]);
            ((*name).to_owned(), core.to_owned())
        });
        let file_secrets =
            file_values.iter().map(|(file, value)| (format!("~/{}", files[*file].0), (*value).to_owned()));
        let secrets = secrets.chain(file_secrets).collect();
        let owned = |pairs: &[(&str, String)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        Ok(Self { environment: owned(&environment), files: owned(&files), secrets, search: OnceLock::new() })
    }

    /// Builds the search, which takes some milliseconds, unless it was built before. A run does so while its program starts.
    pub fn prepare(&self) -> bool {
        let build = || {
            let (mut owners, mut patterns) = (Vec::new(), Vec::new());
            for (owner, (_, secret)) in self.secrets.iter().enumerate() {
                for pattern in spellings(secret.as_bytes()) {
                    owners.push(owner);
                    patterns.push(pattern);
                }
            }
            let automaton = AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .ascii_case_insensitive(true)
                .build(&patterns);
            automaton.ok().map(|automaton| Search { automaton, owners })
        };
        self.search.get_or_init(build).is_some()
    }

    /// The names of the mock secrets that these bytes hold.
    pub fn find(&self, bytes: &[u8]) -> Vec<&str> {
        self.prepare();
        let Some(Some(search)) = self.search.get() else { return Vec::new() };
        let owner = |hit: aho_corasick::Match| self.secrets[search.owners[hit.pattern().as_usize()]].0.as_str();
        let mut found: Vec<&str> = search.automaton.find_overlapping_iter(bytes).map(owner).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The same for a host name: its labels are one text.
    pub fn find_in_name(&self, name: &str) -> Vec<&str> {
        self.find(name.replace(['.', '-'], "").as_bytes())
    }

    /// Whether this is the name of one of the environment variables.
    pub fn is_variable(&self, name: &str) -> bool {
        self.environment.iter().any(|(known, _)| known == name)
    }
}

/// How a secret may be written. Base64 has three: by where in the text it begins. Cut at both ends, where neighbours
/// take part in the characters.
fn spellings(value: &[u8]) -> Vec<Vec<u8>> {
    let mut out = vec![value.to_vec(), HEXLOWER.encode(value).into_bytes(), value.iter().rev().copied().collect()];
    // In host names dashes are taken away with the dots.
    out.push(value.iter().filter(|byte| !matches!(byte, b'-' | b'.')).copied().collect());
    out.push(value.iter().flat_map(|byte| format!("%{byte:02x}").into_bytes()).collect());
    for skip in 0..3 {
        let padded: Vec<u8> = std::iter::repeat_n(0, skip).chain(value.iter().copied()).collect();
        for text in [BASE64_NOPAD.encode(&padded), BASE64URL_NOPAD.encode(&padded)] {
            let from = [0, 2, 3][skip];
            out.push(text.as_bytes()[from..text.len() - 2].to_vec());
        }
    }
    for skip in 0..5 {
        let padded: Vec<u8> = std::iter::repeat_n(0, skip).chain(value.iter().copied()).collect();
        let text = BASE32_NOPAD.encode(&padded);
        let from = [0, 2, 4, 5, 7][skip];
        out.push(text.as_bytes()[from..text.len() - 2].to_vec());
    }
    out.iter_mut().for_each(|pattern| pattern.truncate(PATTERN));
    out.sort();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::{BASE32_NOPAD, BASE64, HEXUPPER};

    #[test]
    fn secrets_are_found_however_they_are_written() {
        let canaries = Canaries::generate().expect("random bytes");
        for (name, value) in canaries.environment.iter().filter(|(name, _)| name != "DATABASE_URL") {
            let check = |text: String| {
                assert!(canaries.find(text.as_bytes()).contains(&name.as_str()), "{name} in {text}");
            };
            check(format!("key={value}&x=1"));
            check(HEXUPPER.encode(value.as_bytes()));
            for lead in ["", "a", "ab", "abc", "abcd", "abcde"] {
                check(BASE64.encode(format!("{lead}{value}tail").as_bytes()));
                check(BASE32_NOPAD.encode(format!("{lead}{value}tail").as_bytes()));
            }
        }
        let (name, value) = &canaries.environment[1];
        let labels: Vec<&str> = vec![&value[..20], &value[20..], "example", "org"];
        assert_eq!(canaries.find_in_name(&labels.join(".")), [name.as_str()]);
        assert!(canaries.find(b"nothing to see, AKIA, ghp_, sk-").is_empty());
    }

    #[test]
    fn every_run_has_its_own() {
        let (one, other) = (Canaries::generate().expect("random"), Canaries::generate().expect("random"));
        assert_ne!(one.environment, other.environment);
        assert_ne!(one.files, other.files);
    }
}
