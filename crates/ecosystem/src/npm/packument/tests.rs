//! Packuments as strangers write them.

use super::Packument;

fn check(json: &str, expect: &str) {
    let got = match Packument::parse("a", json.as_bytes()) {
        Ok(packument) => packument
            .versions
            .iter()
            .map(|v| {
                let v = v.read();
                format!(
                    "{} deps={:?} optional={:?} peers={:?}/{:?} bundled={:?} deprecated={:?} os={:?} shrinkwrap={}",
                    v.version,
                    v.dependencies,
                    v.optional,
                    v.peers,
                    v.optional_peers,
                    v.bundled,
                    v.deprecated,
                    v.os,
                    v.shrinkwrap
                )
            })
            .collect::<Vec<_>>()
            .join("\n"),
        Err(error) => format!("error: {error}"),
    };
    assert_eq!(got, expect);
    if let Ok(packument) = Packument::parse("a", json.as_bytes()) {
        let cached = cached(&packument);
        let again = Packument::parse_cached("a", &cached).unwrap();
        assert_eq!(format!("{again:?}"), format!("{packument:?}"));
        for (again, first) in again.versions.iter().zip(&packument.versions) {
            assert_eq!(again.read(), first.read());
        }
        assert!(Packument::parse_cached("b", &cached).is_none());
    }
}

fn cached(packument: &Packument) -> String {
    let mut cached = Vec::new();
    packument.write_cached(&mut cached).unwrap();
    String::from_utf8(cached).unwrap()
}

#[test]
fn a_cached_packument_that_was_cut_off_or_changed_counts_as_absent() {
    let json = r#"{"name":"a","dist-tags":{"latest":"2.0.0"},"versions":{"1.0.0":{"deprecated":"x\ny"},"2.0.0":{}},
        "time":{"1.0.0":"2020-01-01\n\"","2.0.0":7}}"#;
    let packument = Packument::parse("a", json.as_bytes()).unwrap();
    let cached = cached(&packument);
    assert_eq!(
        cached,
        r#"{"form":2,"name":"a","full":false,"tags":[["latest","2.0.0"]],"versions":2}
{"version":"1.0.0","deprecated":"x\ny","tarball":"","published":"2020-01-01\n\""}
{"version":"2.0.0","tarball":""}"#
    );
    let again = Packument::parse_cached("a", &cached).unwrap();
    assert_eq!(again.version("1.0.0").unwrap().read().published.as_deref(), Some("2020-01-01\n\""));
    for end in 0..cached.len() {
        assert!(Packument::parse_cached("a", &cached[..end]).is_none(), "{end}");
    }
    assert!(Packument::parse_cached("a", &cached.replace("2.0.0\",\"t", "two\",\"t")).is_none());
    assert!(Packument::parse_cached("a", &format!("{cached}\n{{}}")).is_none());
}

#[test]
fn fields_of_a_wrong_type_count_as_absent_and_bad_versions_are_left_out() {
    check(
        r#"{"name":"a","readme":{"x":[1,{}]},"versions":{
            "1.0.0":{"dependencies":[],"os":"linux","deprecated":true,"bundleDependencies":true,"engines":["node"]},
            "not a version":{}, "2.0.0":7,
            "3.0.0":{"dependencies":{"x":"1","y":2,"z":"3"},"optionalDependencies":{"z":"3"},"peerDependencies":{"p":"*"},
                "peerDependenciesMeta":{"p":{"optional":true},"q":null},"bundledDependencies":["x",5],"_hasShrinkwrap":true}}}"#,
        r#"1.0.0 deps=[] optional=[] peers=[]/[] bundled=[] deprecated=Some("true") os=["linux"] shrinkwrap=false
3.0.0 deps=[("x", "1")] optional=[("z", "3")] peers=[("p", "*")]/["p"] bundled=["x"] deprecated=None os=[] shrinkwrap=true"#,
    );
}

#[test]
fn what_is_no_packument_is_refused() {
    check(r#"{"name":"b","versions":{}}"#, "error: got a packument of `b`, expected one of `a`");
    check(r#"{"error":"not found"}"#, "error: got a packument of ``, expected one of `a`");
    check(r#"{"name":"a","versions":null}"#, "error: got a document without `versions`, expected a packument");
    check("<html>", "error: expected value at line 1 column 1");
    check(r#"{"name":"a","versions":{"#, "error: EOF while parsing an object at line 1 column 24");
}

#[test]
fn deep_nesting_and_endless_lists_are_refused_without_harm() {
    let deep = format!(r#"{{"name":"a","x":{}}}"#, "[".repeat(200_000));
    assert!(Packument::parse("a", deep.as_bytes()).is_err());
    let wide = format!(r#"{{"name":"a","versions":{{"1.0.0":{{"os":[{}"x"]}}}}}}"#, r#""x","#.repeat(100_001));
    assert!(
        Packument::parse("a", wide.as_bytes()).unwrap_err().to_string().starts_with("got more than 100000 entries")
    );
}

#[test]
fn who_published_is_told_only_where_the_registry_says_so() {
    let check = |version: &str, expect: &str| {
        let json = format!(r#"{{"name":"a","versions":{{"1.0.0":{version}}}}}"#);
        let packument = Packument::parse("a", json.as_bytes()).unwrap();
        let read = packument.versions[0].read().clone();
        assert_eq!(format!("{:?} {:?}", read.publisher, read.maintainers), expect, "{version}");
        let again = Packument::parse_cached("a", &cached(&packument)).unwrap();
        assert_eq!(*again.versions[0].read(), read);
    };
    check(
        r#"{"_npmUser":{"name":"ann","email":"a@example.org"},"maintainers":[{"email":"x","name":"ann"},"bob <b@example.org>"]}"#,
        r#"Some("ann") Some(["ann", "bob"])"#,
    );
    check("{}", "None None");
    check(r#"{"_npmUser":"ann","maintainers":{"name":"ann"}}"#, "None None");
    check(r#"{"_npmUser":{"name":7},"maintainers":[{"name":"ann"},7]}"#, "None None");
    check(&format!(r#"{{"maintainers":[{}"x"]}}"#, r#""x","#.repeat(200)), "None None");
}
