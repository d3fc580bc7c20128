//! Submissions of code through the API, from a repository to a certificate that its published schema describes.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use sigma_certificate::{canonical_bytes, files_hash, payload_hash};
use sigma_core::{FileEntry, FileSet, Sha256, SubmissionCategory};
use sigma_intake::RepositoryConfig;
use sigma_pipeline::ReviewRooms;
use sigma_store::Scope;
use sigma_testkit::{GitHost, GitRepository};
use tempfile::TempDir;

use crate::developer::Scene;
use crate::support::config;

struct Stage {
    scene: Scene,
    root: TempDir,
    host: GitHost,
}

const SKILL: &str = "---\nname: weather\nversion: 1.0.0\ndescription: Tells the weather.\ncapabilities: [network]\n\
    externalCalls:\n  - url: https://api.weather.example/v1\n    method: GET\n    reason: forecasts\n---\n\r\n# Weather\n";
const MAIN: &str = "import demo, urllib.request\nurllib.request.urlopen('https://api.weather.example/v1')\n";

impl Stage {
    async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let host = GitHost::git(root.path());
        let repositories =
            RepositoryConfig { hosts: vec![host.address.clone()], allow_loopback: true, ..RepositoryConfig::default() };
        let mut review = ReviewRooms { repositories, ..ReviewRooms::default() };
        review.probes.enabled = false;
        let scene = Scene::reviewing(config(), 1_000, review).await;
        scene.publish();
        Self { scene, root, host }
    }

    fn repository(&self, name: &str, files: &[(&str, &str)]) {
        let repository = GitRepository::new(self.root.path(), &format!("example/{name}"));
        let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
        repository.set("refs/heads/main", &repository.files(&files));
    }

    /// Submits a repository and answers with the certificate's id.
    async fn certify(&self, token: &str, name: &str, category: &str, entry: Option<&str>) -> String {
        let draft = self.draft(token, name, category, entry).await;
        let path = format!("/drafts/{draft}/submit");
        let got = self.scene.ask_with(token, "POST", &path, None, &[("idempotency-key", name)]).await;
        assert_eq!(got.status, 202, "{}", got.text());
        let submission = got.json()["submissionId"].as_str().unwrap().to_owned();
        self.scene.work().await;
        let got = self.scene.ask(token, "GET", &format!("/submissions/{submission}"), None).await.json();
        assert_eq!(got["state"], "certified", "{got:#}");
        got["result"]["certificateId"].as_str().unwrap().to_owned()
    }

    async fn draft(&self, token: &str, name: &str, category: &str, entry: Option<&str>) -> String {
        let repository = json!({
            "url": self.host.url(&format!("example/{name}")), "ref": "main", "category": category, "entry": entry,
        });
        let got = self.scene.ask(token, "POST", "/drafts", Some(&json!({ "repository": repository }))).await;
        assert_eq!(got.status, 201, "{}", got.text());
        assert_eq!(got.json()["code"]["category"], category, "{}", got.text());
        got.json()["draftId"].as_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str) -> Value {
        let got = self.scene.app.get(path).await;
        assert_eq!(got.status, 200, "{}", got.text());
        got.json()
    }
}

/// A part of the OpenAPI document and everything that it names.
pub fn parts(all: &Map<String, Value>, root: &str) -> Map<String, Value> {
    let mut wanted = vec![root.to_owned()];
    let mut parts = Map::new();
    while let Some(name) = wanted.pop() {
        if parts.contains_key(&name) {
            continue;
        }
        let text = all[&name].to_string().replace("#/components/schemas/", "#/$defs/");
        wanted.extend(text.split("#/$defs/").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
        parts.insert(name, serde_json::from_str(&text).unwrap());
    }
    parts
}

/// The schema of one version, made of the OpenAPI document's own parts.
fn schema(version: u64) -> Value {
    let document = serde_json::to_value(sigma_server::document()).unwrap();
    let all = document["components"]["schemas"].as_object().unwrap();
    let parts = parts(all, "SubmissionView");
    let of_version: Vec<SubmissionCategory> =
        SubmissionCategory::ALL.into_iter().filter(|category| category.schema_version() == version).collect();
    let (has, has_not): (Vec<&str>, Vec<&str>) = [("codeReview", 3), ("packageAnalysis", 4)].into_iter().fold(
        (vec![], vec![]),
        |(mut has, mut not), (block, from)| {
            if version >= from {
                has.push(block)
            } else {
                not.push(block)
            }
            (has, not)
        },
    );
    let absent: Map<String, Value> = has_not.iter().map(|block| ((*block).to_owned(), json!(false))).collect();
    let mut properties = json!({"certificateSchemaVersion": {"const": version}, "category": {"enum": of_version}});
    properties.as_object_mut().unwrap().extend(absent);
    let required = [["certificateSchemaVersion", "category"].as_slice(), &has].concat();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:sigma:certificate:{version}"),
        "title": format!("SIGMA certificate, certificateSchemaVersion {version}"),
        "description": "The answer of GET /api/v1/public/certificates/{id}. Answers may have more fields than are listed.",
        "allOf": [{"$ref": "#/$defs/SubmissionView"}],
        "properties": properties,
        "required": required,
        "$defs": parts,
    })
}

fn published(version: u64) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/schema/certificate-{version}.schema.json"))
}

/// `SIGMA_UPDATE_SCHEMAS=1` writes the files anew.
#[test]
fn the_published_schemas_are_those_of_the_code() {
    for version in 2..=4 {
        let made = format!("{:#}\n", schema(version));
        if std::env::var_os("SIGMA_UPDATE_SCHEMAS").is_some() {
            std::fs::write(published(version), &made).unwrap();
        }
        let there = std::fs::read_to_string(published(version)).unwrap_or_default();
        assert!(there == made, "docs/schema/certificate-{version}.schema.json is not what the code says");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_is_what_its_schema_says() {
    let stage = Stage::new().await;
    let ann = stage.scene.token("ann", &[Scope::Read, Scope::Submit]).await;
    stage.repository("guide", &[("SKILL.md", SKILL)]);
    stage.repository("tool", &[("main.py", "print(1)\n")]);
    stage.repository("weather", &[("SKILL.md", SKILL), ("main.py", MAIN), ("requirements.txt", "demo==1.0\n")]);
    for (name, category, entry, version) in [
        ("guide", "SKILL", None, 2),
        ("guide", "SKILL+API", None, 2),
        ("tool", "CODE", Some("main.py"), 3),
        ("weather", "SKILL+CODE", Some("main.py"), 3),
        ("weather", "SKILL+API+CODE+PACKAGES", Some("main.py"), 4),
    ] {
        let stage_name = format!("{name}-{category}").replace('+', "-").to_lowercase();
        std::os::unix::fs::symlink(
            stage.root.path().join(format!("example/{name}.git")),
            stage.root.path().join(format!("example/{stage_name}.git")),
        )
        .unwrap();
        let id = stage.certify(&ann, &stage_name, category, entry).await;
        let view = stage.get(&format!("/api/v1/public/certificates/{id}")).await;
        assert_eq!((&view["certificateSchemaVersion"], &view["category"]), (&json!(version), &json!(category)));
        assert_eq!((&view["onChain"]["committed"], &view["status"]), (&json!(false), &json!("ACTIVE")));
        for other in 2..=4 {
            let text = std::fs::read_to_string(published(other)).unwrap();
            let validator = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
            let errors: Vec<String> = validator.iter_errors(&view).map(|error| error.to_string()).collect();
            assert_eq!(errors.is_empty(), other == version, "{category} against version {other}: {errors:?}\n{view:#}");
        }
        // What was sealed hashes to the payload hash, by what anybody can do with the answer.
        let verify = stage.get(&format!("/api/v1/public/certificates/{id}/verify")).await;
        assert_eq!(verify["valid"], true);
        let hash = payload_hash(&canonical_bytes(&verify["payload"]).unwrap());
        assert_eq!(
            (verify["payloadHash"].as_str(), view["payloadHash"].as_str()),
            (Some(hash.as_str()), Some(hash.as_str()))
        );
    }
    let list = stage.get("/api/v1/public/certificates?q=weather&limit=100").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 4, "{list:#}");
    let list = stage.get("/api/v1/public/certificates?q=packages").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list:#}");
    let feed = stage.get("/.well-known/skill-store").await;
    assert_eq!(feed["skills"].as_array().unwrap().len(), 4, "{feed:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_at_hand_are_compared_with_those_that_were_reviewed() {
    let stage = Stage::new().await;
    let ann = stage.scene.token("ann", &[Scope::Read, Scope::Submit]).await;
    stage.repository("weather", &[("SKILL.md", SKILL), ("main.py", MAIN), ("requirements.txt", "demo==1.0\n")]);
    stage.repository("guide", &[("SKILL.md", SKILL)]);
    let code = stage.certify(&ann, "weather", "SKILL+CODE+PACKAGES", Some("main.py")).await;
    let skill = stage.certify(&ann, "guide", "SKILL", None).await;
    let file = |path: &str, text: &str| FileEntry {
        path: path.to_owned(),
        size: text.len() as u64,
        sha256: Sha256::of(text.as_bytes()),
    };
    let files = FileSet {
        files: vec![file("SKILL.md", SKILL), file("main.py", MAIN), file("requirements.txt", "demo==1.0\n")],
    };
    let ours = files_hash(&files).to_string();
    let lf = Sha256::of(SKILL.replace("\r\n", "\n").as_bytes()).to_string();
    let ask = async |id: &str, hash: &str| {
        let got = stage.get(&format!("/api/v1/public/certificates/{id}/source-integrity?hash={hash}")).await;
        (got["result"].as_str().unwrap().to_owned(), got["algorithm"].as_str().unwrap().to_owned())
    };
    assert_eq!(ask(&code, &ours).await, ("match".to_owned(), "sha256-sorted-files-v1".to_owned()));
    assert_eq!(ask(&code, &lf).await.0, "mismatch");
    assert_eq!(ask(&skill, &lf).await, ("match".to_owned(), "sha256-lf".to_owned()));
    let got = stage.get(&format!("/api/v1/public/certificates/{code}/source-integrity")).await;
    assert_eq!((&got["result"], got["certifiedHash"].as_str()), (&json!("not-compared"), Some(ours.as_str())));
    for (path, status, code) in [
        (format!("/api/v1/public/certificates/{code}/source-integrity?hash=xyz"), 400, "invalid-hash"),
        (
            "/api/v1/public/certificates/sig_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/source-integrity".to_owned(),
            404,
            "not-found",
        ),
        ("/api/v1/public/certificates/sig_%2e%2e".to_owned(), 400, "invalid-id"),
        ("/api/v1/public/certificates?limit=0".to_owned(), 400, "invalid-query"),
        ("/api/v1/public/certificates?cursor=AAAA".to_owned(), 400, "invalid-query"),
    ] {
        let got = stage.scene.app.get(&path).await;
        assert_eq!((got.status, got.code().as_str()), (status, code), "{path}");
    }
    let preview = stage.draft(&ann, "weather", "SKILL+CODE", Some("main.py")).await;
    let preview = stage.scene.ask(&ann, "POST", &format!("/drafts/{preview}/package-preview"), None).await.json();
    assert_eq!((&preview["enabled"], &preview["packagesTotal"]), (&json!(false), &json!(0)), "{preview:#}");
    let quote = stage.draft(&ann, "weather", "CODE+PACKAGES", Some("main.py")).await;
    let quote = stage.scene.ask(&ann, "GET", &format!("/drafts/{quote}/quote"), None).await.json();
    assert_eq!((&quote["code"]["priceUsd"], &quote["totalUsd"]), (&json!(2), &json!(2)), "all packages are certified");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_certificate_says_so_at_once_and_leaves_the_feed() {
    let stage = Stage::new().await;
    let ann = stage.scene.token("ann", &[Scope::Read, Scope::Submit]).await;
    stage.repository("guide", &[("SKILL.md", SKILL)]);
    let id = stage.certify(&ann, "guide", "SKILL", None).await;
    let sealed = stage.get(&format!("/api/v1/public/certificates/{id}/verify")).await;
    let admin = format!("Bearer {}", stage.scene.token("ada", &[Scope::Admin]).await);
    let headers = [("authorization", admin.as_str()), ("content-type", "application/json")];
    let path = format!("/api/v1/sigma/admin/certificates/{id}/decisions");
    let body = json!({"action": "revoke", "reason": "reported by three users"}).to_string();
    let got = stage.scene.app.send("POST", &path, &headers, body.as_bytes()).await;
    assert_eq!(got.status, 201, "{}", got.text());
    let got = stage.scene.app.send("GET", &path, &headers, b"").await;
    assert_eq!(got.json()["items"].as_array().map(Vec::len), Some(1), "{}", got.text());
    let view = stage.get(&format!("/api/v1/public/certificates/{id}")).await;
    assert_eq!((&view["status"], &view["review"]["securityLevel"]), (&json!("REVOKED"), &json!("BLOCKED")));
    let verify = stage.get(&format!("/api/v1/public/certificates/{id}/verify")).await;
    assert_eq!((&verify["valid"], &verify["payload"]), (&json!(false), &sealed["payload"]));
    let live = stage.get(&format!("/api/v1/public/certificates/{id}/live-status")).await;
    assert_eq!((&live["status"], &live["replacedBy"]), (&json!("REVOKED"), &Value::Null));
    let feed = stage.get("/.well-known/skill-store").await;
    assert_eq!(feed["skills"].as_array().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_is_flagged_and_its_owner_is_told_what_operators_decide() {
    let stage = Stage::new().await;
    let ann = stage.scene.token("ann", &[Scope::Read, Scope::Submit]).await;
    stage.repository("guide", &[("SKILL.md", SKILL)]);
    let id = stage.certify(&ann, "guide", "SKILL", None).await;
    let verify = format!("/api/v1/public/certificates/{id}/verify");
    assert_eq!(stage.get(&verify).await["activeFlagCount"], 0);
    let flag = json!({"category": "malicious-code", "text": "it <b>steers</b> my agent", "contact": "bob@example.org"});
    let got = stage.scene.app.post(&format!("/api/v1/public/certificates/{id}/flags"), &flag).await;
    assert_eq!((got.status, &got.json()["certificateId"]), (201, &json!(id)), "{}", got.text());
    assert!(!got.text().contains("steers"), "{}", got.text());
    let flagged = got.json()["flagId"].clone();
    let shown = stage.get(&verify).await;
    assert_eq!((&shown["activeFlagCount"], &shown["status"]), (&json!(1), &json!("ACTIVE")), "nothing else changes");
    let none = format!("/api/v1/public/certificates/sig_{}/flags", "a".repeat(32));
    assert_eq!(stage.scene.app.post(&none, &flag).await.status, 404);
    let got = stage.scene.app.post("/api/v1/public/certificates/x/flags", &flag).await;
    assert_eq!((got.status, got.code().as_str()), (400, "invalid-id"));

    let admin = format!("Bearer {}", stage.scene.token("ada", &[Scope::Admin]).await);
    let headers = [("authorization", admin.as_str()), ("content-type", "application/json")];
    let list = stage.scene.app.send("GET", "/api/v1/sigma/admin/flags", &headers, b"").await.json();
    let item = &list["items"][0];
    assert_eq!(
        (&item["flagId"], &item["certificateId"], &item["packageName"], &item["text"]),
        (&flagged, &json!(id), &Value::Null, &json!("it <b>steers</b> my agent"))
    );
    let mine = stage.scene.ask(&ann, "GET", "/submissions", None).await.json()["items"][0].clone();
    let path = format!("/submissions/{}", mine["submissionId"].as_str().unwrap());
    let before = stage.scene.ask(&ann, "GET", &path, None).await.json();
    assert_eq!(
        (&before["certificate"]["status"], &before["certificate"]["activeFlagCount"]),
        (&json!("ACTIVE"), &json!(1)),
        "{before:#}"
    );

    // Audited again: the new certificate stands in its place, the old one stays readable, and the owner is told.
    let again = format!("/api/v1/sigma/admin/certificates/{id}/reaudit");
    let body = json!({"reason": "look again"}).to_string();
    let got = stage.scene.app.send("POST", &again, &headers, body.as_bytes()).await;
    assert_eq!(got.status, 202, "{}", got.text());
    stage.scene.work().await;
    let old = stage.get(&format!("/api/v1/public/certificates/{id}")).await;
    let live = stage.get(&format!("/api/v1/public/certificates/{id}/live-status")).await;
    let renewed = live["replacedBy"].as_str().unwrap_or_else(|| panic!("{live:#}")).to_owned();
    let new = stage.get(&format!("/api/v1/public/certificates/{renewed}")).await;
    assert_eq!((&new["supersedes"], &new["skillName"]), (&json!(id), &old["skillName"]), "{new:#}");
    let mine = stage.scene.ask(&ann, "GET", &path, None).await.json();
    assert_eq!(mine["certificate"]["certificateId"], json!(renewed), "{mine:#}");
    let history = stage.scene.ask(&ann, "GET", &format!("{path}/history"), None).await.json();
    let last = history["items"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["kind"], &last["data"]["supersedes"]), (&json!("certificate-replaced"), &json!(id)));
    let got = stage.scene.app.send("POST", &again, &headers, body.as_bytes()).await;
    assert_eq!((got.status, got.code().as_str()), (409, "conflict"), "{}", got.text());
    assert!(got.text().contains(&renewed), "{}", got.text());
    let log = stage.scene.app.send("GET", "/api/v1/sigma/admin/log", &headers, b"").await.json();
    let told = log["items"].as_array().unwrap().iter().find(|entry| entry["action"] == "reaudited").unwrap();
    assert_eq!(
        (&told["subject"], &told["detail"], &told["reason"]),
        (&mine["submissionId"], &json!(format!("{id} {renewed}")), &json!("look again"))
    );
    let before = mine;
    let id = renewed;

    // Upheld, and revoked: the flag is settled, and the owner is told what was decided, though not by whom.
    let settle = format!("/api/v1/sigma/admin/flags/{}/settle", flagged.as_str().unwrap());
    let body = json!({"outcome": "upheld", "reason": "it does"}).to_string();
    assert_eq!(stage.scene.app.send("POST", &settle, &headers, body.as_bytes()).await.status, 200);
    assert_eq!(stage.get(&verify).await["activeFlagCount"], 0);
    let decide = format!("/api/v1/sigma/admin/certificates/{id}/decisions");
    let body = json!({"action": "revoke", "reason": "it steers agents"}).to_string();
    assert_eq!(stage.scene.app.send("POST", &decide, &headers, body.as_bytes()).await.status, 201);
    let after = stage.scene.ask(&ann, "GET", &path, None).await.json();
    assert_eq!(
        (&after["certificate"]["status"], &after["certificate"]["decisionReason"], &after["state"]),
        (&json!("REVOKED"), &json!("it steers agents"), &json!("certified"))
    );
    assert_eq!(after["events"], json!(before["events"].as_u64().unwrap() + 1));
    let history = stage.scene.ask(&ann, "GET", &format!("{path}/history"), None).await.json();
    let last = history["items"].as_array().unwrap().last().unwrap();
    assert_eq!(last["kind"], "certificate-decision");
    let told =
        json!({"certificateId": id, "status": "REVOKED", "securityLevel": "BLOCKED", "reason": "it steers agents"});
    assert_eq!(last["data"], told);
    assert!(!history.to_string().contains("ada"), "{history:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_stands_in_the_way_is_told_at_once() {
    let stage = Stage::new().await;
    let ann = stage.scene.token("ann", &[Scope::Read, Scope::Submit]).await;
    stage.repository("tool", &[("a/x.txt", "x"), ("a/large.py", &"#".repeat(201 << 10))]);
    let url = stage.host.url("example/tool");
    let repository = json!({"url": url, "category": "SKILL+CODE+PACKAGES", "entry": "a/x.txt"});
    let got = stage.scene.ask(&ann, "POST", "/drafts", Some(&json!({ "repository": repository }))).await;
    assert_eq!((got.status, got.code().as_str()), (422, "invalid-submission"), "{}", got.text());
    let problems = got.json()["problems"].clone();
    assert!(problems.as_array().unwrap().len() >= 2, "{problems:#}");
    assert!(problems.as_array().unwrap().iter().all(|one| !one["remedy"].as_str().unwrap().is_empty()), "{problems:#}");
    assert_eq!(stage.scene.app.store.count_drafts("ann").await.unwrap(), 0);
    let gone = json!({"repository": {"url": stage.host.url("example/none"), "category": "CODE", "entry": "a.py"}});
    let got = stage.scene.ask(&ann, "POST", "/drafts", Some(&gone)).await;
    assert_eq!((got.status, &got.json()["problems"][0]["code"]), (422, &json!("repository.not_public")));
}
