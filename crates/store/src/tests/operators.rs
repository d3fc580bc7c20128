//! What operators do: new audits under the same rules, escalations, flags, and the log of all of it.

use sigma_certificate::{Action, PackageCertificate, PackagePayload};
use sigma_core::*;

use super::{decide, sealed, store};
use crate::*;

/// A new audit of what `earlier` certified.
fn again(earlier: &Sealed, at: i64) -> Sealed {
    let mut payload = earlier.certificate.payload().clone();
    payload.certified_at = Timestamp::from_millis(at);
    payload.supersedes = Some(earlier.certificate.id().to_owned());
    Sealed { certificate: PackageCertificate::seal(payload).unwrap(), ..earlier.clone() }
}

#[tokio::test]
async fn a_new_audit_replaces_and_the_newest_is_found() {
    let (place, store) = store().await;
    let first = sealed("pypi:demo@1.0", b"one", "r1", 1);
    store.insert(&first).await.unwrap();
    let (second, other) = (again(&first, 5), again(&first, 6));
    assert_eq!(store.insert(&second).await.unwrap().id(), second.certificate.id());
    assert_eq!(store.insert(&other).await.unwrap().id(), second.certificate.id(), "it is replaced once");
    let third = again(&second, 7);
    store.insert(&third).await.unwrap();
    let late = sealed("pypi:demo@1.0", b"one", "r1", 9);
    assert_eq!(store.insert(&late).await.unwrap().id(), first.certificate.id(), "a first audit is the first one");

    let package: PackageId = "pypi:demo@1.0".parse().unwrap();
    let digests = [Sha256::of(b"one").into()];
    let wanted = [Wanted { package: &package, digests: &digests }];
    let found = store.lookup(&wanted, "r1").await.unwrap();
    assert_eq!(found[&0].id(), third.certificate.id());
    let reader = store.reader(&place.database, std::sync::Arc::new(|_| ())).await.unwrap();
    assert_eq!(reader.package(&package).await.unwrap().unwrap().id, third.certificate.id());
    // Under other rules it is a first audit, though it supersedes.
    let mut payload = again(&third, 11).certificate.payload().clone();
    payload.ruleset_version = "r2".to_owned();
    let ours = Sealed { certificate: PackageCertificate::seal(payload.clone()).unwrap(), ..first.clone() };
    payload.certified_at = Timestamp::from_millis(12);
    let theirs = Sealed { certificate: PackageCertificate::seal(payload).unwrap(), ..first.clone() };
    store.insert(&ours).await.unwrap();
    assert_eq!(store.insert(&theirs).await.unwrap().id(), ours.certificate.id());
}

#[tokio::test]
async fn a_block_holds_for_the_package_under_whatever_rules() {
    let (_place, store) = store().await;
    let (old, new) = (sealed("npm:demo@1.0.0", b"one", "r1", 1), sealed("npm:demo@1.0.0", b"one", "r2", 2));
    let other = sealed("npm:demo@2.0.0", b"two", "r2", 2);
    store.insert_all(&[old.clone(), new.clone(), other.clone()]).await.unwrap();
    let ids = [old.certificate.id(), new.certificate.id(), other.certificate.id()];
    let actions = async || {
        let found = store.standings(&ids).await.unwrap();
        ids.map(|id| found.get(id).map(|decision| decision.action))
    };
    store.decide(&decide(ids[0], Action::Revoke, 1)).await.unwrap();
    assert_eq!(actions().await, [Some(Action::Revoke), None, None]);
    store.decide(&decide(ids[0], Action::Block, 2)).await.unwrap();
    assert_eq!(actions().await, [Some(Action::Block), Some(Action::Block), None]);
    store.decide(&decide(ids[1], Action::Override(SecurityLevel::Clear), 3)).await.unwrap();
    assert_eq!(actions().await[1], Some(Action::Block), "a block is lifted where it was made");
    store.decide(&decide(ids[0], Action::Revoke, 4)).await.unwrap();
    assert_eq!(actions().await, [Some(Action::Revoke), Some(Action::Override(SecurityLevel::Clear)), None]);
}

fn escalated(package: &str, at: i64) -> PackagePayload {
    let mut payload = sealed(package, package.as_bytes(), "r1", at).certificate.payload().clone();
    payload.council_verdict = CouncilVerdict::Escalated;
    payload.security_level = SecurityLevel::Blocked;
    payload
}

fn new(payload: &PackagePayload) -> NewEscalation<'_> {
    NewEscalation { payload, replaces: None, report: b"{\"report\":1}", round: b"{\"round\":1}" }
}

#[tokio::test]
async fn an_escalation_is_decided_once_and_becomes_a_certificate() {
    let (_place, store) = store().await;
    let payload = escalated("pypi:demo@1.0", 3);
    store.escalate(&new(&payload)).await.unwrap();
    store.escalate(&new(&payload)).await.unwrap();
    store.escalate(&new(&escalated("pypi:other@1.0", 4))).await.unwrap();
    let open = store.open_escalations(None, 10).await.unwrap();
    assert_eq!((open.len(), store.count_open_escalations().await.unwrap()), (2, 2));
    assert_eq!((&open[0].payload, open[0].decided.as_ref()), (&payload, None));
    let next = store.open_escalations(Some((open[0].escalated_at, &open[0].id)), 10).await.unwrap();
    assert_eq!(next, open[1..]);

    let package: PackageId = "pypi:demo@1.0".parse().unwrap();
    let digests = [Sha256::of(b"pypi:demo@1.0").into()];
    let wanted = Wanted { package: &package, digests: &digests };
    let id = store.escalation_of(&wanted, "r1").await.unwrap().unwrap().id;
    assert!(store.escalation_of(&wanted, "r2").await.unwrap().is_none());

    let mut certified = payload.clone();
    certified.council_verdict = CouncilVerdict::Approved;
    certified.security_level = SecurityLevel::Caution;
    let certificate = PackageCertificate::seal(certified).unwrap();
    let sealed = Sealed { certificate, report: b"{}".to_vec(), round: b"{}".to_vec() };
    let decision = EscalationDecision {
        escalation: &id,
        verdict: Verdict::Certify(SecurityLevel::Caution),
        sealed: &sealed,
        reason: "read by two of us",
        operator: "ada",
        at: Timestamp::from_millis(9),
    };
    let (one, two) = tokio::join!(store.decide_escalation(&decision), store.decide_escalation(&decision));
    assert_eq!(u8::from(one.unwrap()) + u8::from(two.unwrap()), 1, "one of two decisions counts");
    let nowhere = EscalationDecision { escalation: "esc_none", ..decision.clone() };
    assert!(!store.decide_escalation(&nowhere).await.unwrap());

    assert!(store.escalation_of(&wanted, "r1").await.unwrap().is_none());
    let (decided, report, round) = store.escalation(&id).await.unwrap().unwrap();
    assert_eq!(decided.decided, Some((Timestamp::from_millis(9), sealed.certificate.id().to_owned())));
    assert_eq!((report.as_slice(), round.as_slice()), (&b"{\"report\":1}"[..], &b"{\"round\":1}"[..]));
    let found = store.lookup(&[wanted], "r1").await.unwrap();
    assert_eq!(found[&0].id(), sealed.certificate.id());
    let standing = store.standing(sealed.certificate.id()).await.unwrap().unwrap();
    assert_eq!(standing.action, Action::Override(SecurityLevel::Caution));
    let log: Vec<_> = store.log(None, None, 10).await.unwrap();
    let told: Vec<_> = log.iter().map(|entry| (entry.seq, entry.action.as_str(), entry.operator.as_str())).collect();
    assert_eq!(told, [(2, "override", "ada"), (1, "decide", "ada")], "and nothing of those that came too late");
    assert_eq!(log[1].detail, sealed.certificate.id());
}

fn flag(id: &str, package: &str, certificate: &Sealed, at: i64) -> Flag {
    Flag {
        id: id.to_owned(),
        package: Some(package.parse().unwrap()),
        certificate: certificate.certificate.id().to_owned(),
        category: FlagCategory::MaliciousCode,
        text: "it reads my keys".to_owned(),
        contact: None,
        created_at: Timestamp::from_millis(at),
        state: FlagState::Open,
        settled_at: None,
    }
}

#[tokio::test]
async fn flags_are_counted_until_they_are_settled() {
    let (_place, store) = store().await;
    let sealed = sealed("npm:demo@1.0.0", b"one", "r1", 1);
    store.insert(&sealed).await.unwrap();
    let package: PackageId = "npm:demo@1.0.0".parse().unwrap();
    let all = ["flg_a", "flg_b", "flg_c"].map(|id| flag(id, "npm:demo@1.0.0", &sealed, 10));
    for flag in &all {
        assert!(store.add_flag(flag).await.unwrap());
    }
    assert!(!store.add_flag(&all[0]).await.unwrap());
    assert_eq!(store.open_flags(&package).await.unwrap(), 3);
    let reach = async |most, after| store.flags_reach(most, Timestamp::from_millis(after)).await.unwrap();
    assert!(reach(3, 9).await && !reach(4, 9).await && !reach(1, 10).await && reach(0, 99).await);
    let page = store.flags(Some(FlagState::Open), Some((Timestamp::from_millis(10), "flg_a")), 5).await.unwrap();
    assert_eq!(page, all[1..]);

    let at = Timestamp::from_millis(20);
    let settled = store.settle_flag("flg_b", true, "it does", "ada", at).await.unwrap().unwrap();
    assert_eq!((settled.state, settled.settled_at), (FlagState::Upheld, Some(at)));
    assert!(store.settle_flag("flg_b", false, "no", "bob", at).await.unwrap().is_none(), "once");
    assert!(store.settle_flag("flg_x", false, "no", "bob", at).await.unwrap().is_none());
    assert_eq!(store.open_flags(&package).await.unwrap(), 2);
    assert_eq!(store.flags(Some(FlagState::Upheld), None, 5).await.unwrap(), [settled]);
    assert_eq!(store.flags(None, None, 5).await.unwrap().len(), 3);
    let log = store.log(None, Some("flg_b"), 5).await.unwrap();
    assert_eq!((log.len(), log[0].detail.as_str(), log[0].reason.as_str()), (1, "upheld", "it does"));

    // Of a submission: by its certificate, and of no package.
    let code = Flag { package: None, certificate: "sig_x".to_owned(), ..flag("flg_s", "npm:demo@1.0.0", &sealed, 30) };
    assert!(store.add_flag(&code).await.unwrap());
    let counts = async |id| store.open_flags_of_certificate(id).await.unwrap();
    assert_eq!((counts("sig_x").await, counts("sig_y").await, store.open_flags(&package).await.unwrap()), (1, 0, 2));
    assert_eq!(store.flags(Some(FlagState::Open), Some((Timestamp::from_millis(20), "")), 5).await.unwrap(), [code]);
    store.settle_flag("flg_s", false, "no", "ada", at).await.unwrap().unwrap();
    assert_eq!((counts("sig_x").await, store.count_open_flags().await.unwrap()), (0, 2));
}

#[tokio::test]
async fn the_log_is_read_page_by_page_and_never_changed() {
    let (_place, store) = store().await;
    for number in 0..5 {
        let subject = if number % 2 == 0 { "even" } else { "odd" };
        let entry = NewEntry {
            action: "reaudit",
            subject,
            level: "",
            detail: "",
            reason: "r",
            operator: "ada",
            at: Timestamp::from_millis(number),
        };
        let mut writing = store.begin().await.unwrap();
        writing.record(&entry).await.unwrap();
        writing.commit(entry.at).await.unwrap();
    }
    let seqs = async |before, subject| {
        store.log(before, subject, 2).await.unwrap().iter().map(|entry| entry.seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs(None, None).await, [5, 4]);
    assert_eq!(seqs(Some(4), None).await, [3, 2]);
    assert_eq!(seqs(Some(2), None).await, [1]);
    assert_eq!(seqs(None, Some("odd")).await, [4, 2]);
    for statement in ["UPDATE admin_event SET operator = 'x'", "DELETE FROM admin_event"] {
        assert!(sqlx::query(statement).execute(&store.database.pool).await.is_err(), "{statement}");
    }
}

/// A store that an earlier version filled keeps everything.
#[tokio::test]
async fn an_older_store_is_brought_up_to_date() {
    let place = super::Place::new();
    let connections = crate::database::Connections::open(place.folder.path(), &place.database, true).await.unwrap();
    let all = match place.database {
        Database::Embedded => sqlx::migrate!("migrations/sqlite"),
        Database::Postgres(_) => sqlx::migrate!("migrations/postgres"),
    };
    all.run_to(4, &connections.pool).await.unwrap();
    let one = sealed("pypi:demo@1.0", b"one", "r1", 1);
    let (id, payload) = (one.certificate.id(), one.certificate.canonical().to_vec());
    for (sql, bytes) in [
        (
            "INSERT INTO certificate VALUES ($1, 'pypi', 'demo', '1.0', $3, 'r1', 'CLEAR', 1, 'h', $2, $2, $2)",
            Some(payload),
        ),
        ("INSERT INTO certificate_digest VALUES ('sha256:' || $3, $1, 1)", None),
        ("INSERT INTO admin_event VALUES (1, $1, 'revoke', '', 'because', 'ada', 5)", None),
        ("INSERT INTO escalation VALUES ('npm', 'x', '1.0.0', $3, 'r1', 7, $2, $2)", Some(b"{}".to_vec())),
    ] {
        let sha256 = Sha256::of(b"one").to_string();
        // Both databases refuse values that a statement does not use.
        let mut sql = sql.to_owned();
        for (name, value) in [("$1", id), ("$3", &sha256)] {
            sql = sql.replace(name, &format!("'{value}'"));
        }
        let sql = sql.replace("$2", "$1");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql));
        bytes.into_iter().fold(query, |query, bytes| query.bind(bytes)).execute(&connections.pool).await.unwrap();
    }
    connections.pool.close().await;

    let store = place.open().await;
    let package: PackageId = "pypi:demo@1.0".parse().unwrap();
    let digests = [Sha256::of(b"one").into()];
    let found = store.lookup(&[Wanted { package: &package, digests: &digests }], "r1").await.unwrap();
    assert_eq!(found[&0].canonical(), one.certificate.canonical());
    assert_eq!(store.standing(id).await.unwrap().map(|decision| decision.action), Some(Action::Revoke));
    assert_eq!(store.admin_events(id).await.unwrap()[0].decision.operator, "ada");
    assert_eq!(store.count_open_escalations().await.unwrap(), 0, "it is examined again");
    store.insert(&again(&one, 5)).await.unwrap();
    let dangling = "INSERT INTO certificate_digest (digest, certificate_id, preferred) VALUES ('x', 'pkg_none', 1)";
    assert!(sqlx::query(dangling).execute(&store.database.pool).await.is_err(), "rows still refer to certificates");
    let rows: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM escalation").fetch_one(&store.database.pool).await.unwrap();
    assert_eq!(rows, 1, "the evidence stays");
}

/// A package counts as certified when what answers for it is no BLOCKED certificate: by level, by decision, by a newer one.
#[tokio::test]
async fn what_is_certified_now_is_counted() {
    let (_place, store) = store().await;
    let at_level = |package: &str, ruleset: &str, at: i64, level: SecurityLevel| {
        let mut payload = sealed(package, package.as_bytes(), ruleset, at).certificate.payload().clone();
        payload.security_level = level;
        let certificate = sigma_certificate::PackageCertificate::seal(payload).unwrap();
        Sealed { certificate, report: b"{}".to_vec(), round: b"{}".to_vec() }
    };
    let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
    let counted = async || {
        let named = store.certified_names(Ecosystem::Npm, &names).await.unwrap();
        let mut named: Vec<_> = named.into_iter().collect();
        named.sort();
        (store.certified_packages().await.unwrap(), named.concat())
    };
    let check = async |expect: (u64, &str)| assert_eq!(counted().await, (expect.0, expect.1.to_owned()));
    check((0, "")).await;
    let (a1, a2) = (
        at_level("npm:a@1.0.0", "r1", 1, SecurityLevel::Clear),
        at_level("npm:a@1.0.0", "r2", 2, SecurityLevel::Clear),
    );
    let (b1, b2) = (
        at_level("npm:b@1.0.0", "r1", 1, SecurityLevel::Blocked),
        at_level("npm:b@1.0.0", "r2", 2, SecurityLevel::Caution),
    );
    let c1 = at_level("npm:c@1.0.0", "r1", 5, SecurityLevel::Clear);
    store.insert(&a1).await.unwrap();
    check((1, "a")).await;
    store.insert(&a2).await.unwrap();
    check((1, "a")).await;
    store.insert(&b1).await.unwrap();
    check((1, "a")).await;
    store.insert(&b2).await.unwrap();
    check((2, "ab")).await;
    store.insert(&c1).await.unwrap();
    check((3, "abc")).await;
    // A newer one that is BLOCKED answers, of older rules or not.
    store.insert(&at_level("npm:c@1.0.0", "r2", 6, SecurityLevel::Blocked)).await.unwrap();
    check((2, "ab")).await;
    store.insert(&at_level("npm:c@2.0.0", "r2", 6, SecurityLevel::Monitored)).await.unwrap();
    check((3, "abc")).await;
    // An older certificate that is revoked does not answer; a block of it holds for the package, until it is lifted.
    store.decide(&decide(a1.certificate.id(), Action::Revoke, 7)).await.unwrap();
    check((3, "abc")).await;
    store.decide(&decide(a1.certificate.id(), Action::Block, 8)).await.unwrap();
    check((2, "bc")).await;
    store.decide(&decide(a1.certificate.id(), Action::Override(SecurityLevel::Clear), 9)).await.unwrap();
    check((3, "abc")).await;
    store.decide(&decide(b2.certificate.id(), Action::Revoke, 10)).await.unwrap();
    check((2, "ac")).await;
}
