//! Repositories over HTTP: ordinary ones, forged ones, and servers that do as they like.

use std::io::Write as _;
use std::time::Duration;

use sigma_testkit::{GitHost, GitRepository};

use crate::config_of;
use sigma_core::{CodeLanguage, Origin, SubmissionCategory};
use sigma_intake::{
    IntakeProblem, Kind, Listing, ProblemCode, RepositoryConfig, RepositoryError, Selected, SubmissionLimits, Wanted,
    repository, select,
};
use tempfile::TempDir;

const PROGRAM: &[u8] = b"print('hello')\n";

fn root() -> TempDir {
    tempfile::tempdir().unwrap()
}

async fn code(host: &GitHost, name: &str, reference: &str) -> String {
    fetch(host, name, reference).await.unwrap_err().code().to_owned()
}

async fn fetch(host: &GitHost, name: &str, reference: &str) -> Result<Listing, RepositoryError> {
    repository(&config_of(host), &host.url(name), reference).await
}

fn choose(listing: &Listing, category: SubmissionCategory, entry: &str) -> Result<Selected, Vec<IntakeProblem>> {
    select(listing, &Wanted { category, entry: Some(entry), folder: None }, &SubmissionLimits::default())
}

/// What stands at each path, in words.
fn kinds(listing: &Listing) -> Vec<String> {
    let word = |kind: &Kind| match kind {
        Kind::File => "file".to_owned(),
        Kind::Refused(code, why) => format!("{code}: {why}"),
    };
    listing.paths().map(|(path, kind)| format!("{} - {}", path.escape_debug(), word(kind))).collect()
}

#[tokio::test]
async fn a_reference_is_locked_to_one_commit() {
    let root = root();
    let repository = GitRepository::new(root.path(), "o/n");
    let old = repository.set("refs/heads/main", &repository.files(&[("tool/main.py", b"print('old')\n"), ("a", b"a")]));
    let new =
        repository.set("refs/heads/main", &repository.files(&[("tool/main.py", PROGRAM), ("tool/b/c.txt", b"c")]));
    repository.set("refs/heads/main-2", &repository.files(&[("other", b"x")]));
    repository.git(&["tag", "-a", "-m", "x", "v1", &old], b"");
    let host = GitHost::git(root.path());

    for (reference, commit) in [
        ("main", &new),
        ("refs/heads/main", &new),
        ("HEAD", &new),
        ("v1", &old),
        ("refs/tags/v1", &old),
        (new.as_str(), &new),
        // A commit that no name stands for any more.
        (old.to_ascii_uppercase().as_str(), &old),
    ] {
        let listing = fetch(&host, "o/n", reference).await.unwrap();
        let origin =
            Origin::Repository { url: host.url("o/n"), requested: reference.to_owned(), commit: commit.clone() };
        assert_eq!(*listing.origin(), origin);
    }
    let selected =
        choose(&fetch(&host, "o/n.git", "main").await.unwrap(), SubmissionCategory::Code, "tool/main.py").unwrap();
    let files: Vec<_> = selected.tree.files.iter().map(|file| (file.path.as_str(), file.bytes.as_slice())).collect();
    assert_eq!(files, [("b/c.txt", b"c".as_slice()), ("main.py", PROGRAM)]);
    assert_eq!((selected.tree.folder.as_str(), selected.entry.as_deref()), ("tool", Some("main.py")));
    assert_eq!(selected.language, Some(CodeLanguage::Python));
}

#[tokio::test]
async fn a_commit_must_be_the_repositorys_own() {
    let root = root();
    let repository = GitRepository::new(root.path(), "o/n");
    let tree = |text: &[u8]| repository.files(&[("main.py", text)]);
    let (first, stray) = (repository.commit(&tree(b"1")), repository.commit(&tree(b"stray")));
    let mut last = first.clone();
    for at in 0..50 {
        last = repository.commit_after(&tree(at.to_string().as_bytes()), Some(&last));
    }
    let aside = repository.commit_after(&tree(b"aside"), Some(&first));
    let (later, tagged) = (repository.commit_after(&tree(b"later"), Some(&aside)), repository.commit(&tree(b"tagged")));
    let after_tag = repository.commit_after(&tree(b"x"), Some(&tagged));
    // A fork's commit that wants to be merged, on a host that keeps forks together.
    let fork = repository.commit_after(&tree(b"fork"), Some(&last));
    repository.point("refs/heads/main", &last);
    repository.point("refs/heads/aside", &later);
    repository.point("refs/pull/1/head", &fork);
    repository.point("refs/tags/v1", &after_tag);
    let host = GitHost::git(root.path());
    for filters in ["false", "true"] {
        repository.git(&["config", "uploadpack.allowFilter", filters], b"");
        for id in [&first, &last, &aside, &later, &tagged] {
            assert!(fetch(&host, "o/n", id).await.is_ok(), "{id}");
        }
        for id in [&stray, &fork] {
            assert_eq!(code(&host, "o/n", id).await, "repository.foreign_commit", "{id}");
        }
        // A name is the repository's own, however long the history is.
        let config = RepositoryConfig { history: 3, ..config_of(&host) };
        let long = sigma_intake::repository(&config, &host.url("o/n"), &first).await.unwrap_err();
        assert_eq!(long.code(), "repository.long_history");
        assert!(sigma_intake::repository(&config, &host.url("o/n"), "main").await.is_ok());
        assert!(sigma_intake::repository(&config, &host.url("o/n"), &last).await.is_ok());
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let root = root();
    let repository = GitRepository::new(root.path(), "o/n");
    let tree = repository.files(&[("main.py", PROGRAM)]);
    repository.set("refs/heads/main", &tree);
    repository.set("refs/heads/both", &tree);
    repository.set("refs/tags/both", &tree);
    let blob = repository.blob(PROGRAM);
    std::fs::write(repository.path.join("refs/tags/blob"), format!("{blob}\n")).unwrap();
    GitRepository::new(root.path(), "o/empty");
    let hollow = GitRepository::new(root.path(), "o/hollow");
    hollow.set("refs/heads/main", &hollow.tree(&[]));
    let host = GitHost::git(root.path());

    assert_eq!(code(&host, "o/n", "missing").await, "repository.unknown_reference");
    assert_eq!(code(&host, "o/n", "mai").await, "repository.unknown_reference");
    assert_eq!(code(&host, "o/n", "abcdef1").await, "repository.unknown_reference");
    assert_eq!(code(&host, "o/n", "both").await, "repository.ambiguous_reference");
    assert_eq!(code(&host, "o/n", &"1".repeat(40)).await, "repository.no_such_commit");
    assert_eq!(code(&host, "o/n", &"1".repeat(64)).await, "repository.no_such_commit");
    assert_eq!(code(&host, "o/n", "blob").await, "repository.not_a_commit");
    assert_eq!(code(&host, "o/n", &tree).await, "repository.not_a_commit");
    assert_eq!(code(&host, "o/nowhere", "main").await, "repository.not_public");
    assert_eq!(code(&host, "o/empty", "HEAD").await, "repository.empty");
    assert_eq!(code(&host, "o/empty", "main").await, "repository.unknown_reference");
    assert_eq!(code(&host, "o/hollow", "main").await, "repository.empty");
}

#[tokio::test]
async fn forged_trees_are_listed_and_not_followed() {
    let root = root();
    let repository = GitRepository::new(root.path(), "o/n");
    let file = repository.blob(PROGRAM);
    let link = repository.blob(b"../../etc/passwd");
    let folder = repository.tree(&[("100644", b"x", file.clone())]);
    let submodule = "1".repeat(40);
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
    let tree = repository.tree(&[
        ("100644", b"main.py", file.clone()),
        ("100755", b"run", file.clone()),
        ("100664", b"group", file.clone()),
        ("120000", b"link", link.clone()),
        ("120000", b"main.pyc", link),
        ("160000", b"module", submodule),
        ("100644", b"..", file.clone()),
        ("40000", b".", folder.clone()),
        ("40000", b"..", folder.clone()),
        ("40000", b".git", folder.clone()),
        ("40000", b".GIT", folder.clone()),
        ("100644", b"/etc/passwd", file.clone()),
        ("100644", b"a/b", file.clone()),
        ("100644", b"a\\b", file.clone()),
        ("100644", b"new\nline", file.clone()),
        ("100644", "right\u{202e}left".as_bytes(), file.clone()),
        ("100644", b"caf\xe9", file.clone()),
        ("40000", b"caf\xe9s", folder.clone()),
        ("100644", b"", file.clone()),
        ("100644", b"MAIN.py", file.clone()),
        ("100644", "\u{e9}.py".as_bytes(), file.clone()),
        ("100644", "e\u{301}.py".as_bytes(), file.clone()),
        ("100644", b"twice", file.clone()),
        ("100644", b"twice", file.clone()),
        ("40000", b"twice", folder),
        ("100644", b"large.bin", repository.blob(pointer)),
        ("100644", &[b'a'; 600], file),
    ]);
    let commit = repository.commit(&tree);
    // git itself does not serve such a tree.
    let host = GitHost::forged(&commit, repository.pack());
    let listing = fetch(&host, "o/n", "main").await.unwrap();
    insta::assert_snapshot!("forged_tree", kinds(&listing).join("\n"));
    let problems = choose(&listing, SubmissionCategory::Code, "main.py").unwrap_err();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("forged_tree_problems", problems.join("\n"));
}

#[tokio::test]
async fn what_lies_outside_the_folder_is_nobodys_business() {
    let root = root();
    let repository = GitRepository::new(root.path(), "o/n");
    let inner = repository.files(&[("main.py", PROGRAM)]);
    let link = repository.blob(b"/etc/passwd");
    let tree =
        repository.tree(&[("120000", b"link", link), ("40000", b"tool", inner), ("160000", b"x", "2".repeat(40))]);
    repository.set("refs/heads/main", &tree);
    let host = GitHost::git(root.path());
    let listing = fetch(&host, "o/n", "main").await.unwrap();
    assert_eq!(choose(&listing, SubmissionCategory::Code, "tool/main.py").unwrap().tree.files.len(), 1);
}

#[tokio::test]
async fn too_many_files_are_one_problem_and_ten_thousand_are_listed() {
    let root = root();
    let repository = GitRepository::new(root.path(), "o/n");
    let file = repository.blob(PROGRAM);
    let names: Vec<String> = (0..10_000).map(|at| format!("f{at:05}.py")).collect();
    let entries: Vec<_> = names.iter().map(|name| ("100644", name.as_bytes(), file.clone())).collect();
    let many = repository.tree(&entries);
    let small = repository.files(&[("main.py", PROGRAM)]);
    repository.set("refs/heads/main", &repository.tree(&[("40000", b"many", many), ("40000", b"small", small)]));
    let host = GitHost::git(root.path());
    let listing = fetch(&host, "o/n", "main").await.unwrap();
    assert_eq!(listing.paths().count(), 10_001);
    let problems = choose(&listing, SubmissionCategory::Code, "many/f00000.py").unwrap_err();
    assert_eq!(problems.iter().map(|one| one.code).collect::<Vec<_>>(), [ProblemCode::TooManyFiles]);
    // A monorepo may be large around what is reviewed.
    assert!(choose(&listing, SubmissionCategory::Code, "small/main.py").is_ok());

    let config = RepositoryConfig { entries: 9_000, ..config_of(&host) };
    let refused = sigma_intake::repository(&config, &host.url("o/n"), "main").await;
    assert!(matches!(refused, Err(RepositoryError::TooLarge { what: "files and folders", .. })), "{refused:?}");
}

#[tokio::test]
async fn a_tree_that_holds_itself_many_times_ends_at_the_limit() {
    let root = root();
    let repository = GitRepository::new(root.path(), "o/n");
    let mut tree = repository.files(&[("main.py", PROGRAM)]);
    for _ in 0..20 {
        let names: Vec<String> = (0..10).map(|at| format!("d{at}")).collect();
        tree = repository.tree(&names.iter().map(|name| ("40000", name.as_bytes(), tree.clone())).collect::<Vec<_>>());
    }
    repository.set("refs/heads/main", &tree);
    let host = GitHost::git(root.path());
    assert_eq!(code(&host, "o/n", "main").await, "repository.too_large");
    // Folders alone, a hundred million million of them.
    let mut tree = repository.tree(&[]);
    for _ in 0..14 {
        let names: Vec<String> = (0..10).map(|at| format!("d{at}")).collect();
        tree = repository.tree(&names.iter().map(|name| ("40000", name.as_bytes(), tree.clone())).collect::<Vec<_>>());
    }
    repository.set("refs/heads/hollow", &tree);
    assert_eq!(code(&host, "o/n", "hollow").await, "repository.too_large");
    // A name of four megabytes, again and again.
    let name = vec![b'n'; 4 << 20];
    let tree = repository.tree(&[("100644", &name, repository.blob(b"x"))]);
    let names: Vec<String> = (0..200).map(|at| format!("d{at}")).collect();
    let tree = repository.tree(&names.iter().map(|name| ("40000", name.as_bytes(), tree.clone())).collect::<Vec<_>>());
    let host_of_names = GitHost::forged(&repository.commit(&tree), repository.pack());
    let listing = fetch(&host_of_names, "o/n", "main").await.unwrap();
    assert!(listing.paths().all(|(path, _)| path.len() < 520));
    // Deeper than anything that is reviewed, and narrow.
    let mut tree = repository.files(&[("main.py", PROGRAM)]);
    for _ in 0..200 {
        tree = repository.tree(&[("40000", b"d", tree)]);
    }
    repository.set("refs/heads/deep", &tree);
    let listing = fetch(&host, "o/n", "deep").await.unwrap();
    assert_eq!(
        kinds(&listing),
        [format!("{}d - path.too_long: the path is longer than 512 bytes or deeper than 32 folders", "d/".repeat(32))]
    );
}

#[tokio::test]
async fn large_files_stay_at_the_server_or_end_the_fetch() {
    let root = root();
    let repository = GitRepository::new(root.path(), "o/n");
    let fits = vec![b'#'; 200 << 10];
    let huge = vec![b'#'; (200 << 10) + 1];
    let bomb = vec![0; 40 << 20];
    repository.set("refs/heads/fits", &repository.files(&[("main.py", PROGRAM), ("data", &fits)]));
    repository.set("refs/heads/huge", &repository.files(&[("main.py", PROGRAM), ("data", &huge)]));
    repository.set("refs/heads/bomb", &repository.files(&[("main.py", PROGRAM), ("data", &bomb)]));
    let host = GitHost::git(root.path());
    let all = |problems: Vec<IntakeProblem>| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for filters in [false, true] {
        repository.git(&["config", "uploadpack.allowFilter", if filters { "true" } else { "false" }], b"");
        let fits = fetch(&host, "o/n", "fits").await.unwrap();
        assert_eq!(choose(&fits, SubmissionCategory::Code, "main.py").unwrap().tree.files.len(), 2);
        let huge = fetch(&host, "o/n", "huge").await.unwrap();
        let huge = choose(&huge, SubmissionCategory::Code, "main.py").unwrap_err();
        assert_eq!(huge.iter().map(|one| one.code).collect::<Vec<_>>(), [ProblemCode::FileTooLarge], "{}", all(huge));
        // A bomb of 40 MB in 40 KB is never unfolded: left out, or refused by the size that it claims.
        let bomb = fetch(&host, "o/n", "bomb").await;
        match filters {
            true => {
                let problems = choose(&bomb.unwrap(), SubmissionCategory::Code, "main.py").unwrap_err();
                assert_eq!(problems[0].code, ProblemCode::FileTooLarge);
            }
            false => {
                assert!(matches!(bomb, Err(RepositoryError::TooLarge { what: "bytes in one object", .. })), "{bomb:?}")
            }
        }
    }
    // All objects together, and all bytes together.
    let config = RepositoryConfig { unpacked: 100 << 10, ..config_of(&host) };
    let refused = sigma_intake::repository(&config, &host.url("o/n"), "fits").await;
    assert!(matches!(refused, Err(RepositoryError::TooLarge { what: "bytes, unpacked", .. })), "{refused:?}");
    let config = RepositoryConfig { received: 1_000, ..config_of(&host) };
    let refused = sigma_intake::repository(&config, &host.url("o/n"), "fits").await;
    assert!(matches!(refused, Err(RepositoryError::TooLarge { what: "bytes to fetch", .. })), "{refused:?}");
    let config = RepositoryConfig { objects: 2, ..config_of(&host) };
    let refused = sigma_intake::repository(&config, &host.url("o/n"), "fits").await;
    assert!(matches!(refused, Err(RepositoryError::TooLarge { what: "objects", .. })), "{refused:?}");
}

#[tokio::test]
async fn repositories_with_sha256_ids_are_read() {
    let root = root();
    let repository = GitRepository::with(root.path(), "o/n", &["--object-format=sha256"]);
    let commit = repository.set("refs/heads/main", &repository.files(&[("main.py", PROGRAM)]));
    assert_eq!(commit.len(), 64);
    let host = GitHost::git(root.path());
    for reference in ["main", commit.as_str()] {
        let listing = fetch(&host, "o/n", reference).await.unwrap();
        assert!(matches!(listing.origin(), Origin::Repository { commit: found, .. } if *found == commit));
        assert_eq!(choose(&listing, SubmissionCategory::Code, "main.py").unwrap().tree.files[0].bytes, PROGRAM);
    }
}

#[tokio::test]
async fn deltas_are_resolved() {
    let root = root();
    let repository = GitRepository::new(root.path(), "o/n");
    let text: String = (0..3_000).map(|at| format!("line {at}\n")).collect();
    let files: Vec<(String, Vec<u8>)> =
        (0..5).map(|at| (format!("f{at}.txt"), format!("{text}{at}\n").into_bytes())).collect();
    let mut all: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    all.push(("main.py", PROGRAM));
    repository.set("refs/heads/main", &repository.files(&all));
    repository.git(&["repack", "-adfq"], b"");
    let report = repository.git(&["verify-pack", "-v", &pack(&repository)], b"");
    assert!(report.contains("chain length = "), "{report}");
    let host = GitHost::git(root.path());
    let selected = choose(&fetch(&host, "o/n", "main").await.unwrap(), SubmissionCategory::Code, "main.py").unwrap();
    for (name, bytes) in &files {
        assert_eq!(&selected.tree.file(name).unwrap().bytes, bytes);
    }
}

fn pack(repository: &GitRepository) -> String {
    let folder = std::fs::read_dir(repository.path.join("objects/pack")).unwrap();
    let mut packs =
        folder.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "idx"));
    packs.next().unwrap().display().to_string()
}

#[tokio::test]
async fn forged_packs_are_measured_before_they_are_unpacked() {
    let mib = vec![0u8; 1 << 20];
    let delta = |base: u64, result: u64, rest: &[u8]| [size(base), size(result), rest.to_vec()].concat();
    // Copies the whole base so many times, 64 KiB an instruction of one byte: size 0 stands for that.
    let copies = |times: usize| vec![0x80u8; times];
    let chain: Vec<_> = std::iter::once((3, Vec::new(), 1 << 20, mib.clone()))
        .chain((0..400).map(|_| (6, distance(40), 0, delta(1 << 20, 1 << 20, &copies(16)))))
        .collect();
    let check = async |what: &str, pack: Vec<u8>, expect: &str| {
        let host = GitHost::forged(&"1".repeat(40), pack);
        let error = fetch(&host, "o/n", "main").await.unwrap_err();
        assert!(error.to_string().contains(expect), "{what}: {error:?}");
    };
    check("a chain that unfolds", forged_pack(401, &chain), "more than 268435456 bytes, unpacked").await;
    check("a chain within the limit", forged_pack(240, &chain[..240]), "has no commit").await;
    let grows = [(3, vec![], 1 << 20, mib.clone()), (6, distance(40), 0, delta(1 << 20, 1 << 40, &copies(1)))];
    check("a delta that claims a terabyte", forged_pack(2, &grows), "more than 8388608 bytes in one object").await;
    check("an object that claims more", forged_pack(1, &[(3, vec![], 1 << 50, mib.clone())]), "bytes in one object")
        .await;
    check("an object that has more", forged_pack(1, &[(3, vec![], 5, mib.clone())]), "the size that it claims").await;
    check("an object that has less", forged_pack(1, &[(3, vec![], 2 << 20, mib.clone())]), "the size that it claims")
        .await;
    check("four billion objects", forged_pack(u32::MAX, &[]), "more than 100000 objects").await;
    check("fewer objects than claimed", forged_pack(2, &[(3, vec![], 1 << 20, mib.clone())]), "damaged").await;
    check("no objects", forged_pack(0, &[]), "repository").await;
    check("a delta without a base", forged_pack(1, &[(6, distance(1 << 20), 0, delta(1, 1, &[1, 0]))]), "damaged")
        .await;
    check("a delta of an absent object", forged_pack(1, &[(7, vec![7; 20], 0, delta(1, 1, &[1, 0]))]), "damaged").await;
    check(
        "an empty delta",
        forged_pack(2, &[(3, vec![], 1 << 20, mib.clone()), (6, distance(40), 0, vec![])]),
        "within its head",
    )
    .await;
    check(
        "a size without an end",
        forged_pack(2, &[(3, vec![], 1 << 20, mib.clone()), (6, distance(40), 0, vec![0xff; 30])]),
        "within its head",
    )
    .await;
    let mut wrong = forged_pack(1, &[(3, vec![], 1 << 20, mib.clone())]);
    *wrong.last_mut().unwrap() ^= 1;
    check("a checksum that does not hold", wrong, "damaged").await;
    check("not the commit", forged_pack(1, &[(3, vec![], 1 << 20, mib)]), "has no commit").await;
    check("nothing", Vec::new(), "damaged").await;
    check("something else", b"<html>not a pack at all</html>".to_vec(), "damaged").await;
}

/// Entries of a forged pack: type, what follows the head, the size that it claims (0: the right one), and the contents.
type Forged = (u8, Vec<u8>, u64, Vec<u8>);

/// A pack that claims so many objects (gitformat-pack).
fn forged_pack(count: u32, entries: &[Forged]) -> Vec<u8> {
    use sha1::Digest as _;
    let mut pack = [b"PACK".as_slice(), &2u32.to_be_bytes(), &count.to_be_bytes()].concat();
    let mut before = 0;
    for (kind, head, claimed, contents) in entries {
        let size = if *claimed == 0 { contents.len() as u64 } else { *claimed };
        let start = pack.len();
        let mut rest = size >> 4;
        pack.push((kind << 4) | (size & 15) as u8 | if rest > 0 { 0x80 } else { 0 });
        while rest > 0 {
            pack.push((rest & 0x7f) as u8 | if rest > 0x7f { 0x80 } else { 0 });
            rest >>= 7;
        }
        match *head == distance(40) {
            true => pack.extend(distance((start - before) as u64)),
            false => pack.extend(head),
        }
        before = start;
        let mut encoder = flate2::write::ZlibEncoder::new(&mut pack, flate2::Compression::fast());
        encoder.write_all(contents).unwrap();
        encoder.finish().unwrap();
    }
    let sum = sha1::Sha1::digest(&pack);
    pack.extend_from_slice(&sum);
    pack
}

/// A size at the beginning of a delta.
fn size(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// The distance to the base of a delta; 40 is replaced by that to the entry before.
fn distance(mut value: u64) -> Vec<u8> {
    let mut out = vec![(value & 0x7f) as u8];
    while value > 0x7f {
        value = (value >> 7) - 1;
        out.insert(0, (value & 0x7f) as u8 | 0x80);
    }
    out
}

#[tokio::test]
async fn servers_that_do_as_they_like() {
    let status =
        |line: &str| GitHost::always(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    let challenge = "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"";
    for (answer, expect) in [
        (challenge, "repository.not_public"),
        ("403 Forbidden", "repository.not_public"),
        ("404 Not Found", "repository.not_public"),
        ("302 Found\r\nLocation: http://169.254.169.254/latest/info/refs", "repository.moved"),
        ("301 Moved\r\nLocation: /o/other.git/info/refs?service=git-upload-pack", "repository.moved"),
        ("500 Oops", "repository.status"),
        ("429 Slow Down", "repository.status"),
        ("204 No Content", "repository.status"),
        ("200 OK", "repository.protocol"),
    ] {
        let host = status(answer);
        assert_eq!(code(&host, "o/n", "main").await, expect, "{answer}");
        // One request, and no second one with credentials or to where it was led.
        assert_eq!(*host.seen.lock().unwrap(), ["GET /o/n.git/info/refs?service=git-upload-pack"], "{answer}");
    }
    let advertisement = "Content-Type: application/x-git-upload-pack-advertisement\r\n";
    for body in [
        "<html>hello</html>",
        "001e# service=git-upload-pack\n0000",
        "fff0short",
        "0000",
        "zzzz",
        "000eversion 1\n0000",
        "000eversion 2\n0000",
        "000eversion 2\n000cls-refs\n000afetch\n0000",
    ] {
        let length = body.len();
        let answer =
            format!("HTTP/1.1 200 OK\r\n{advertisement}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        let host = GitHost::always(answer);
        let error = fetch(&host, "o/n", "main").await.unwrap_err();
        let codes = ["repository.protocol", "repository.unsupported"];
        assert!(codes.contains(&error.code()), "{body:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_trickles_or_never_ends_is_left() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\r\n";
    let trickle = GitHost::start(move |_, stream| {
        stream.write_all(head.as_bytes())?;
        stream.write_all(b"ff00")?;
        loop {
            stream.write_all(b"0")?;
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let silent = GitHost::start(|_, _| {
        std::thread::sleep(Duration::from_secs(60));
        Ok(())
    });
    for host in [trickle, silent] {
        let config = RepositoryConfig { within: Duration::from_millis(500), ..config_of(&host) };
        let error = repository(&config, &host.url("o/n"), "main").await.unwrap_err();
        assert_eq!(error.code(), "repository.late", "{error:?}");
    }
    let endless = GitHost::start(move |_, stream| {
        stream.write_all(head.as_bytes())?;
        stream.write_all(b"000eversion 2\n")?;
        loop {
            stream.write_all(b"000aagent=")?;
        }
    });
    let config = RepositoryConfig { received: 1 << 20, ..config_of(&endless) };
    let error = repository(&config, &endless.url("o/n"), "main").await.unwrap_err();
    assert_eq!(error.code(), "repository.too_large", "{error:?}");
}

#[tokio::test]
async fn loopback_is_reached_only_where_a_test_allows_it() {
    let root = root();
    let host = GitHost::git(root.path());
    let config = RepositoryConfig { allow_loopback: false, ..config_of(&host) };
    for scheme in ["http", "https"] {
        let error = repository(&config, &format!("{scheme}://{}/o/n", host.address), "main").await.unwrap_err();
        let codes = ["repository.address", "repository.not_public_address"];
        assert!(codes.contains(&error.code()), "{error:?}");
    }
    assert!(host.seen.lock().unwrap().is_empty());
}
