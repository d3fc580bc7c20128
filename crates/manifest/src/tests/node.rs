//! Node projects: `package.json`, `package-lock.json`, `.npmrc`.

use super::*;

const SRI: &str = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

#[test]
fn package_json_in_npms_grammar() {
    let text = r#"{
  "dependencies": {
    "lodash": "^4.17.21",
    "both": "1.0.0",
    "old": "npm:@scope/real@~2.1",
    "any": "*",
    "tag": "latest",
    "repo": "owner/name",
    "tarball": "https://user:pw@h/x.tgz",
    "folder": "file:../x",
    "weird": 3
  },
  "optionalDependencies": {"both": "2.0.0"},
  "peerDependencies": {"react": ">=17", "maybe": "^1.0.0", "lodash": "^3.0.0"},
  "peerDependenciesMeta": {"maybe": {"optional": true}},
  "devDependencies": {"jest": "^29.0.0", "react": "18.2.0", "lodash": "^4.0.0"},
  "overrides": {"semver": "7.5.2"},
  "workspaces": ["packages/*"]
}"#;
    check(
        &[("package.json", text)],
        r#"npm package.json [package.json]
         package.json:3 runtime lodash ^4.17.21
         package.json:13 optional both 2.0.0
         package.json:5 runtime @scope/real ~2.1 as old
         package.json:14 peer react >=17
         package.json:6 REFUSED Wildcard: any@*
         package.json:7 REFUSED FloatingTag: tag@latest
         package.json:8 REFUSED VersionControl: repo@owner/name
         package.json:9 REFUSED Url: tarball@https://h/x.tgz
         package.json:10 REFUSED Path: folder@file:../x
         package.json:11 REFUSED Unparsable: weird
         package.json:18 REFUSED Path: workspaces: packages/*
         package.json:14 problem: the optional peer `maybe` is not installed
         package.json:16 problem: 3 development dependencies were not read
         overrides: {"semver":"7.5.2"}"#,
    );
    let dev = lines(&[("package.json", text)], &with_dev());
    assert!(dev.contains("package.json:16 dev jest ^29.0.0\n"), "{dev}");
    assert!(dev.contains("package.json:16 dev react 18.2.0\n") && !dev.contains("peer react"), "{dev}");
    assert!(dev.contains("runtime lodash ^4.17.21\n") && dev.contains("`lodash` is a dependency too"), "{dev}");
}

#[test]
fn npmrc_names_other_registries() {
    let text = r#"{"dependencies": {"a": "1.0.0", "@corp/b": "^1.0.0"}}"#;
    let scoped = "; @x:registry=https://no/\n//corp/:_authToken=SECRET\n@corp:registry = \"https://u:p@corp/npm/\"\nregistry=https://registry.npmjs.org\n";
    check(
        &[("package.json", text), (".npmrc", scoped)],
        "npm package.json [package.json .npmrc]
         package.json:1 runtime a 1.0.0
         package.json:1 REFUSED OtherIndex: @corp/b@^1.0.0
         .npmrc:3 REFUSED OtherIndex: @corp:registry=https://corp/npm/",
    );
    check(
        &[("package.json", text), (".npmrc", "registry=${REGISTRY}\n")],
        "npm package.json [package.json .npmrc]
         package.json:1 REFUSED OtherIndex: a@1.0.0
         package.json:1 REFUSED OtherIndex: @corp/b@^1.0.0
         .npmrc:1 REFUSED OtherIndex: registry=${REGISTRY}",
    );
}

fn lock(entries: &str) -> String {
    let entries = entries.replace("SRI", SRI).replace("https://R/", "https://registry.npmjs.org/");
    format!("{{\"name\": \"x\", \"lockfileVersion\": 3, \"packages\": {{\n{entries}\n}}}}")
}

#[test]
fn package_lock_is_resolved_as_node_does() {
    let text = lock(
        r#""": {"dependencies": {"a": "^1.0.0", "alias": "npm:@s/real@*", "gone": "^1.0.0"}, "optionalDependencies": {"fs": "^2.0.0"}, "devDependencies": {"d": "latest"}},
"node_modules/a": {"version": "1.1.0", "resolved": "https://R/a/-/a-1.1.0.tgz", "integrity": "SRI", "dependencies": {"b": "^2.0.0"}, "peerDependencies": {"p": "*", "q": "*"}, "peerDependenciesMeta": {"q": {"optional": true}}},
"node_modules/a/node_modules/b": {"version": "2.0.0", "integrity": "SRI", "dependencies": {"c": "^1.0.0"}},
"node_modules/b": {"version": "1.0.0", "integrity": "SRI", "dev": true},
"node_modules/c": {"version": "1.0.0", "integrity": "SRI", "dev": true},
"node_modules/alias": {"name": "@s/real", "version": "3.0.0", "resolved": "https://R/@s/real/-/real-3.0.0.tgz", "integrity": "SRI"},
"node_modules/fs": {"version": "2.3.3", "integrity": "SRI", "optional": true, "os": ["darwin"], "cpu": ["x64", "arm64"]},
"node_modules/d": {"version": "1.0.0", "integrity": "SRI", "dev": true, "dependencies": {"b": "1"}},
"node_modules/p": {"version": "1.0.0", "peer": true}"#,
    );
    check(
        &[("package-lock.json", &text)],
        "npm package-lock.json [package-lock.json]
         package-lock.json:2 runtime a ^1.0.0
         package-lock.json:2 runtime @s/real * as alias
         package-lock.json:2 runtime gone ^1.0.0
         package-lock.json:2 optional fs ^2.0.0
         package-lock.json:10 problem: npm:p@1.0.0 has no integrity value: nothing pins its bytes
         package-lock.json:2 problem: the lockfile holds no `gone` for this dependency; run `npm install` again
         package-lock.json:6 problem: npm:c@1.0.0 is marked for development but the project needs it
         package-lock.json:1 problem: 2 packages needed for development only were not read
         package-lock.json:3 locked npm:a@1.1.0 pins:1
         package-lock.json:4 locked npm:b@2.0.0 pins:1
         package-lock.json:6 locked npm:c@1.0.0 pins:1
         package-lock.json:7 locked npm:@s/real@3.0.0 pins:1
         package-lock.json:8 locked npm:fs@2.3.3 pins:1 optional darwin x64 arm64
         package-lock.json:10 locked npm:p@1.0.0 pins:0
         edge project -> npm:a@1.1.0 ^1.0.0
         edge project -> npm:@s/real@3.0.0 npm:@s/real@*
         edge project -> npm:fs@2.3.3 ^2.0.0
         edge npm:a@1.1.0 -> npm:b@2.0.0 ^2.0.0
         edge npm:a@1.1.0 -> npm:p@1.0.0 *
         edge npm:b@2.0.0 -> npm:c@1.0.0 ^1.0.0",
    );
    let dev = lines(&[("package-lock.json", &text)], &with_dev());
    for line in ["locked npm:b@1.0.0 pins:1 dev optional\n", "edge npm:d@1.0.0 -> npm:b@1.0.0 1\n", "dev d latest\n"] {
        assert!(dev.contains(line), "{line}{dev}");
    }
}

#[test]
fn what_a_package_lock_may_not_hold() {
    let text = lock(
        r#""": {"dependencies": {"evil": "1.0.0"}},
"packages/w": {"name": "w", "version": "1.0.0", "dependencies": {"kept": "^1.0.0"}},
"node_modules/w": {"resolved": "packages/w", "link": true},
"node_modules/evil": {"version": "1.0.0", "resolved": "https://R/evil2/-/evil2-1.0.0.tgz"},
"node_modules/older": {"version": "1.0.1", "resolved": "https://R/older/-/older-1.0.0.tgz"},
"node_modules/corp": {"version": "1.0.0", "resolved": "https://u:p@corp/corp/-/corp-1.0.0.tgz"},
"node_modules/git": {"version": "1.0.0", "resolved": "git+ssh://git@github.com/o/r.git#abc", "dependencies": {"kept": "1"}},
"node_modules/url": {"version": "1.0.0", "resolved": "https://h/x.tgz"},
"node_modules/kept": {"version": "1.2.0", "resolved": "https://R/kept/-/kept-1.2.0.tgz", "integrity": "SRI", "bundleDependencies": ["in"]},
"node_modules/kept/node_modules/in": {"version": "1.0.0", "inBundle": true},
"node_modules/alone": {"version": "1.0.0", "integrity": "SRI"},
"node_modules/bad": {"version": "1.0.0", "integrity": "sha512-AAAA"},
"node_modules/version": {"version": "latest"},
"node_modules/../x": {"version": "1.0.0"}"#,
    );
    check(
        &[("package-lock.json", &text)],
        "npm package-lock.json [package-lock.json]
         package-lock.json:2 runtime evil 1.0.0
         package-lock.json:3 runtime kept ^1.0.0
         package-lock.json:4 REFUSED Path: w (packages/w)
         package-lock.json:5 REFUSED Url: evil (https://registry.npmjs.org/evil2/-/evil2-1.0.0.tgz)
         package-lock.json:6 REFUSED Url: older (https://registry.npmjs.org/older/-/older-1.0.0.tgz)
         package-lock.json:7 REFUSED OtherIndex: corp (https://corp/corp/-/corp-1.0.0.tgz)
         package-lock.json:8 REFUSED VersionControl: git (git+ssh://github.com/o/r.git#abc)
         package-lock.json:9 REFUSED Url: url (https://h/x.tgz)
         package-lock.json:13 REFUSED Unparsable: bad (no resolved URL)
         package-lock.json:14 REFUSED Unparsable: version (no resolved URL)
         package-lock.json:15 REFUSED Unparsable: node_modules/../x
         package-lock.json:11 problem: `node_modules/kept/node_modules/in` comes inside its parent's tarball
         package-lock.json:12 problem: nothing in the lockfile leads to npm:alone@1.0.0; kept
         package-lock.json:10 locked npm:kept@1.2.0 pins:1
         package-lock.json:12 locked npm:alone@1.0.0 pins:1
         edge project -> npm:kept@1.2.0 ^1.0.0
         edge project -> npm:kept@1.2.0 1
         edge project -> npm:alone@1.0.0 ==1.0.0",
    );
}

#[test]
fn lockfiles_that_cannot_be_read() {
    let old = "error: package-lock.json:1: not valid package-lock: got a lockfile that is not version 2 or 3; \
               run `npm install --package-lock-only` with npm 7 or later";
    check(&[("package-lock.json", r#"{"lockfileVersion": 1, "dependencies": {}}"#)], old);
    check(&[("package-lock.json", r#"{"lockfileVersion": 3}"#)], old);
    check(
        &[("package-lock.json", "{\"lockfileVersion\": 3,\n\"packages\": {\"a\": {}, \"a\": {}}}")],
        "error: package-lock.json:2: not valid JSON: got the key `a` twice, expected it once; remove one",
    );
}

#[test]
fn large_files_take_linear_time() {
    let clock = std::time::Instant::now();
    let many: String = (0..100_000).map(|i| format!("package-{i}>=1.{i},<3 ; python_version > '3.8'\n")).collect();
    assert_eq!(lines(&[("requirements.txt", &many)], &ReadOptions::default()).lines().count(), 100_001);
    let entries: Vec<_> = (0..50_000)
        .map(|i| format!(r#""node_modules/p{i}": {{"version": "1.0.{i}", "integrity": "SRI", "dependencies": {{"p{}": "^1.0.0"}}}}"#, i + 1))
        .collect();
    let text = lock(&format!("\"\": {{\"dependencies\": {{\"p0\": \"1.0.0\"}}}},\n{}", entries.join(",\n")));
    assert!(lines(&[("package-lock.json", &text)], &ReadOptions::default()).lines().count() > 100_000);
    // Generous: a debug build on a busy machine; a quadratic reader would need hours.
    assert!(clock.elapsed().as_secs() < 60, "{:?}", clock.elapsed());
}
