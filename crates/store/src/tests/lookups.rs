//! What a look-up for the public costs, counted in statements, and that it outlives its connections.

use std::sync::Arc;

use sigma_certificate::Action;
use sigma_core::{AdvisorySnapshot, AdvisoryState, PackageId, SecurityLevel, Timestamp};

use super::{decide, sealed, store};
use crate::anchors::{COMMITTED_OR_QUEUED, DECIDED, QUEUED};
use crate::attestations::{ATTESTED, decided_sql, unattested_sql};
use crate::certificates::OF_PACKAGE;
use crate::listing::{Level, page_sql};
use crate::popular::{PACKAGES, certified_names_sql, uncertified_sql};
use crate::submissions::{found_sql, searched_to_sql, skills_sql, submissions_sql};
use crate::versions::of_name;
use crate::walk::step_sql;
use crate::*;

#[tokio::test]
async fn a_lookup_takes_one_statement_and_more_only_where_there_is_more() {
    let (place, store) = store().await;
    let reader = store.reader(&place.database, Arc::new(|_| ())).await.unwrap();
    let (plain, decided, unknown): (PackageId, PackageId, PackageId) =
        ("pypi:plain@1.0".parse().unwrap(), "pypi:decided@1.0".parse().unwrap(), "pypi:unknown@1.0".parse().unwrap());
    let with_advisories = |package: &str| {
        let mut payload = sealed(package, package.as_bytes(), "r1", 1).certificate.payload().clone();
        let state = AdvisoryState::Listed { advisories: vec![] };
        let snapshot = AdvisorySnapshot { source: "s".to_owned(), queried_at: Timestamp::from_millis(1), state };
        payload.registry_advisory_state =
            sigma_certificate::PackagePayload::advisory_fields(&snapshot, "at certification time").state;
        let certificate = sigma_certificate::PackageCertificate::seal(payload).unwrap();
        Sealed { certificate, report: b"{}".to_vec(), round: b"{}".to_vec() }
    };
    store.insert(&with_advisories("pypi:plain@1.0")).await.unwrap();
    let second = with_advisories("pypi:decided@1.0");
    store.insert(&second).await.unwrap();
    store.decide(&decide(second.certificate.id(), Action::Block, 7)).await.unwrap();

    let cost = async |packages: &[PackageId]| {
        let before = reader.statements();
        let found = match packages {
            [one] => vec![reader.package(one).await.unwrap()],
            many => reader.packages(many).await.unwrap(),
        };
        let known: Vec<bool> = found.iter().map(Option::is_some).collect();
        (known, reader.statements() - before)
    };
    assert_eq!(cost(std::slice::from_ref(&plain)).await, (vec![true], 1));
    assert_eq!(cost(std::slice::from_ref(&unknown)).await, (vec![false], 1), "no dearer than a known one");
    assert_eq!(cost(std::slice::from_ref(&decided)).await, (vec![true], 2));
    let many = [unknown.clone(), plain.clone(), decided.clone(), plain, unknown];
    let each = if matches!(place.database, Database::Embedded) { 6 } else { 2 };
    assert_eq!(cost(&many).await, (vec![false, true, true, true, false], each));
}

/// SQLite's planner knows no statistics of a store: left alone, it reads all certificates of an ecosystem because they are in the order
/// that is asked for, which takes as long as there are many.
#[tokio::test]
async fn what_is_asked_often_reads_no_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    Store::open(folder.path(), &Database::Embedded).await.unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("sigma.sqlite")).unwrap();
    let plan_of = |sql: &str| {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let (mut rows, mut plan) = (statement.raw_query(), String::new());
        while let Some(row) = rows.next().unwrap() {
            plan.push_str(&row.get::<_, String>(3).unwrap());
            plan.push('\n');
        }
        plan
    };
    let check = |sql: &str, expect: &str| {
        let plan = plan_of(sql);
        assert!(plan.contains(expect), "{sql}\n{plan}");
        // Only what waits, or was decided, is read from one end to the other; and once a while an index of names.
        let part = plan.contains("CO-ROUTINE c");
        let whole = |line: &str| {
            (!part && line == "SCAN c")
                || line == "SCAN n"
                || line.starts_with("SCAN c ")
                || line.contains("certified_at>?")
        };
        assert!(!plan.lines().any(whole), "{sql}\n{plan}");
    };
    check(OF_PACKAGE, "(ecosystem=? AND name=? AND version=?)");
    check(&of_name(), "(ecosystem=? AND name=?)");
    let named = Filter { name: Some("a".to_owned()), ..Filter::default() };
    check(&page_sql(&named, None).0, "(ecosystem=? AND name=?)");
    check(&page_sql(&Filter::default(), None).0, "certificate_by_time (ecosystem=? AND (certified_at,id)<(?,?))");
    let level = Filter { level: Some(SecurityLevel::Caution), ..Filter::default() };
    check(&page_sql(&level, Some(Level::Sealed)).0, "certificate_by_level (ecosystem=? AND level=?");
    check(&page_sql(&level, Some(Level::Given)).0, "SCAN e\n");
    check(&page_sql(&level, Some(Level::Given)).0, "certificate_1 (id=?)");

    for (table, key) in [("certificate", "certificate_1 (id"), ("submission_certificate", "certificate_1 (id")] {
        check(&unattested_sql(table), &format!("{key}=?)"));
        check(&decided_sql(table), &format!("{key}=?)"));
        check(&step_sql(table, ATTESTED), &format!("{key}>?)"));
        check(&step_sql(table, COMMITTED_OR_QUEUED), &format!("{key}>?)"));
    }
    check(QUEUED, "SEARCH u USING COVERING INDEX uncommitted_by_time (chain_id=?)");
    check(DECIDED, "SEARCH e USING INTEGER PRIMARY KEY (rowid>?)");
    check(&certified_names_sql(3), "certificate_2 (ecosystem=? AND name=? AND version=?)");
    check(&uncertified_sql(), "certificate_by_level (ecosystem=? AND level=?)");
    check(
        &uncertified_sql(),
        "SEARCH n USING INDEX sqlite_autoindex_certificate_2 (ecosystem=? AND name=? AND version=?)",
    );
    check(PACKAGES, "COVERING INDEX sqlite_autoindex_certificate_2");
    // From one end to the other, but of skills alone, and until there are enough.
    let plan = plan_of(&skills_sql());
    assert!(plan.contains("SCAN c USING INDEX submission_certificate_skills\n"), "{plan}");
    check(&submissions_sql(), "SEARCH c USING INDEX submission_certificate_by_time ((certified_at,id)<(?,?))");
    for sql in [found_sql(), searched_to_sql()] {
        check(&sql, "SEARCH submission_certificate USING ");
        check(&sql, "INDEX submission_certificate_by_time ((certified_at,id)<(?,?))");
    }
}

/// The same of PostgreSQL, which would rather read a table whole as long as it is small: forbidden to, it shows what it can do.
#[tokio::test]
async fn a_search_walks_an_index_on_postgresql_too() {
    let (place, store) = store().await;
    if place.database == Database::Embedded {
        return;
    }
    for sql in [found_sql(), submissions_sql(), searched_to_sql()] {
        let mut transaction = store.database.pool.begin().await.unwrap();
        sqlx::query("SET LOCAL enable_seqscan = off").execute(&mut *transaction).await.unwrap();
        let explained = sqlx::AssertSqlSafe(format!("EXPLAIN {sql}"));
        let query = sqlx::query_scalar::<_, String>(explained).bind(i64::MAX).bind("");
        let query = query.bind(21_i64);
        let query = if sql == found_sql() { query.bind("%x%").bind(5_000_i64) } else { query };
        let plan = query.fetch_all(&mut *transaction).await.unwrap().join("\n");
        assert!(plan.contains("submission_certificate_by_time"), "{plan}");
        assert!(plan.contains("Index Cond: (ROW(certified_at, id) < ROW("), "{plan}");
        assert!(!plan.contains("Seq Scan on submission_certificate"), "{plan}");
    }
    let mut transaction = store.database.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL enable_seqscan = off").execute(&mut *transaction).await.unwrap();
    let explained = sqlx::AssertSqlSafe(format!("EXPLAIN {}", skills_sql()));
    let plan =
        sqlx::query_scalar::<_, String>(explained).bind(100_i64).fetch_all(&mut *transaction).await.unwrap().join("\n");
    assert!(plan.contains("submission_certificate_skills on submission_certificate c"), "{plan}");
}

/// PostgreSQL ended every connection meanwhile: whoever asks next does not notice.
#[tokio::test]
async fn a_lookup_outlives_its_connections() {
    let (place, store) = store().await;
    let reader = store.reader(&place.database, Arc::new(|_| ())).await.unwrap();
    let package: PackageId = "pypi:demo@1.0".parse().unwrap();
    store.insert(&sealed("pypi:demo@1.0", b"one", "r1", 1)).await.unwrap();
    let ask = || async { reader.package(&package).await.unwrap().is_some() };
    // Several at once open several connections.
    assert_eq!(tokio::join!(ask(), ask(), ask()), (true, true, true));
    if matches!(place.database, Database::Postgres(_)) {
        let ended: i64 = sqlx::query_scalar(
            "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .fetch_one(&store.database.pool)
        .await
        .unwrap();
        assert!(ended >= 2, "the look-ups' own and the listening one, got {ended}");
    }
    assert_eq!(tokio::join!(ask(), ask(), ask(), ask(), ask(), ask()), (true, true, true, true, true, true));
}
