//! Whether the dictionary still knows what answers say: sentences, fields and their order change with the code, and it does not.
//!
//! Bytes are compared, of answers to what the fakes publish: certificates made by real audits, asked for through the real handlers.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use sigma_analysis::{Analyser, Limits};
use sigma_core::{PackageId, Timestamp};
use sigma_ecosystem::{EcosystemConfig, Ecosystems};
use sigma_pipeline::{AuditOptions, Hall, HallConfig, Silent, manifest_of};
use sigma_store::{Database, Store};
use sigma_testkit::{FakeEcosystem, NpmTarball, Sdist, Wheel};
use tower::ServiceExt as _;
use url::Url;

use crate::{App, ServerConfig, router};

/// Percent of an answer that its frame may have. When the dictionary was trained last it was PACKAGE - 0 and VERIFY - 0.
const PACKAGE: usize = 24;
const VERIFY: usize = 24;

/// What is audited, in this order: an ordinary wheel with its sdist, what is new in its next version, code that asks for concern,
/// native code, and packages of npm with and without a scope.
fn publish(eco: &FakeEcosystem) -> Vec<PackageId> {
    let plain = |version: &str| Wheel::new("plain", version).file("plain/__init__.py", "VALUE = 1\n");
    let sdist = |version: &str| Sdist::new("plain", version).file("plain/__init__.py", "VALUE = 1\n").build();
    let net = "import os, subprocess, urllib.request\n\ndef ask(url):\n    subprocess.run(['ls', '-l'])\n    \
               return urllib.request.urlopen(url, timeout=3).read(), os.environ.get('HOME')\n";
    eco.pypi.add(plain("1.0").build());
    eco.pypi.add(sdist("1.0"));
    eco.pypi.add(plain("1.0.1").file("plain/net.py", net).build());
    eco.pypi.add(sdist("1.0.1"));
    let odd = "import base64\n\nexec(base64.b64decode('cHJpbnQoMSkK'))\n";
    eco.pypi.add(Wheel::new("odd", "2.0").file("odd/__init__.py", odd).build());
    let native = Wheel::new("native", "3.0").file("native/__init__.py", "VALUE = 1\n");
    eco.pypi.add(native.file("native/fast.abi3.so", b"\x7fELF\x02\x01\x01".to_vec()).build());
    eco.npm.add(NpmTarball::new("tool", "1.0.0").file("index.js", "module.exports = 1;\n").build());
    let hooked = NpmTarball::new("@scope/tool", "4.0.0").file("index.js", "require('child_process').exec('ls');\n");
    eco.npm.add(hooked.file("build.js", "console.log(1);\n").script("postinstall", "node build.js").build());
    ["pypi:plain@1.0", "pypi:plain@1.0.1", "pypi:odd@2.0", "pypi:native@3.0", "npm:tool@1.0.0", "npm:@scope/tool@4.0.0"]
        .map(|package| package.parse().unwrap())
        .into()
}

async fn audit(eco: &FakeEcosystem, store: &Store, folder: &std::path::Path, packages: &[PackageId]) {
    let url = |text: String| Url::parse(&text).unwrap();
    let ecosystems = Ecosystems::new(EcosystemConfig {
        pypi_index: url(eco.pypi.index_url()),
        pypi_json: url(eco.pypi.json_url()),
        npm_registry: url(eco.npm.registry_url()),
        first_pause: Duration::from_millis(5),
        ..EcosystemConfig::official(folder.join("cache"))
    });
    let analyser = Analyser::new(Limits::default());
    let hall = Hall::new(ecosystems.unwrap(), store.clone(), analyser, clock(), HallConfig::default()).unwrap();
    for package in packages {
        let manifests = vec![manifest_of(package, "test")];
        let audit = hall.audit_project(manifests, &AuditOptions::default(), &Silent).await.unwrap();
        assert!(audit.rows[0].certificate().is_some(), "{package} is certified");
    }
}

fn clock() -> crate::Clock {
    Arc::new(|| Timestamp::from_millis(1_800_000_000_000))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dictionary_knows_what_answers_say() {
    let (folder, eco) = (tempfile::tempdir().unwrap(), FakeEcosystem::start());
    let store = Store::open(folder.path(), &Database::Embedded).await.unwrap();
    let packages = publish(&eco);
    audit(&eco, &store, folder.path(), &packages).await;
    let check = async |below: &str, most: usize| {
        let config = ServerConfig::default();
        let app = App::new(store.clone(), &Database::Embedded, "https://sigma.example", config, None, clock());
        let app = app.await.unwrap();
        let router = router::router(app.clone());
        for package in &packages {
            let (ecosystem, name, version) = (package.ecosystem(), package.name(), package.version());
            let address = format!("/api/v1/public/packages/{ecosystem}/{name}/{version}{below}");
            let request = Request::get(address).body(Body::empty()).unwrap();
            assert_eq!(router.clone().oneshot(request).await.unwrap().status(), StatusCode::OK, "{package}");
        }
        let (answers, plain, packed) = app.answers.packed();
        assert_eq!(answers, packages.len());
        let percent = (packed * 100).div_ceil(plain);
        assert!(
            percent <= most,
            "{answers} answers{below} of {plain} bytes take {packed}, which is {percent} of 100, expected at most {most}: the dictionary \
             has grown old. Have some hundred real packages certified, and train it anew on what servers answer: `just dictionary URL...`"
        );
    };
    check("", PACKAGE).await;
    check("/verify", VERIFY).await;
}
