//! Four worker processes on one PostgreSQL database, and a submission of 300 packages.
//!
//! What the workers did is taken from the database itself: a trigger writes down every job that is taken and every one that ends,
//! so that neither a log nor a clock has to be believed.

use std::collections::{BTreeMap, BTreeSet};

use sigma_testkit::PrivatePostgres;

use super::*;

const PACKAGES: usize = 300;
const WORKERS: usize = 4;
/// Jobs that one worker runs at once.
const JOBS: usize = 4;

const HISTORY: &str = "
    CREATE TABLE history (seq BIGSERIAL PRIMARY KEY, job TEXT, kind TEXT, taken BOOLEAN, worker TEXT);
    CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO history (job, kind, taken, worker) VALUES (NEW.id, NEW.kind, NEW.state = 'leased',
            CASE WHEN NEW.state = 'leased' THEN NEW.lease_owner ELSE OLD.lease_owner END);
        RETURN NULL;
    END $$;
    CREATE TRIGGER remember AFTER UPDATE ON job FOR EACH ROW
        WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.lease <> NEW.lease) EXECUTE FUNCTION remember();";

/// A job that a worker took, or that left its hands.
struct Step {
    job: String,
    kind: String,
    taken: bool,
    worker: String,
}

fn sql(url: &str, statement: &str) -> String {
    let output =
        Command::new("psql").args([url, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement]).output();
    let output = output.expect("psql runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn history(url: &str) -> Vec<Step> {
    let rows = sql(url, "SELECT job, kind, taken, worker FROM history ORDER BY seq");
    let step = |row: &str| {
        let [job, kind, taken, worker] = row.split('|').collect::<Vec<_>>().try_into().unwrap();
        Step { job: job.to_owned(), kind: kind.to_owned(), taken: taken == "t", worker: worker.to_owned() }
    };
    rows.lines().map(step).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn four_workers_share_three_hundred_packages() {
    let Some(server) = PrivatePostgres::start() else { return };
    let scene = Scene { database: Some(server.url()), ..Scene::new() };
    // A worker that rests although work waits rests for five seconds: by then the others have long begun what it left.
    let config = format!("[worker]\njobs = {JOBS}\npoll_millis = 5000\n");
    std::fs::write(scene.folder.path().join("config.toml"), config).unwrap();
    let names: Vec<String> = (0..PACKAGES).map(|index| format!("p{index}")).collect();
    for name in &names {
        let built = scene.eco.pypi.add(pure(name, "1.0").build());
        let path = Url::parse(&built.url).unwrap().path().to_owned();
        // Each takes a while, most of which is waiting, as with a real ecosystem.
        scene.eco.pypi.server.misbehave(&path, Misbehaviour::Slow(4_000));
    }
    let hall = scene.hall().await;
    sql(&server.url(), HISTORY);
    let requirements: String = names.iter().map(|name| format!("{name}==1.0\n")).collect();
    let id = scene.submit(&hall, "ann", &requirements).await;
    let since = Instant::now();
    let mut workers: Vec<Child> = (0..WORKERS).map(|_| scene.worker()).collect();
    while !hall.store().submission(&id).await.unwrap().unwrap().state.is_final() {
        assert!(since.elapsed() < Duration::from_secs(240), "it does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{PACKAGES} packages, {WORKERS} workers: {} ms", since.elapsed().as_millis());
    for worker in &mut workers {
        worker.kill().unwrap();
        worker.wait().unwrap();
    }

    // It ends once, and every package is audited once: fetched, certified, told, and run as a job.
    let submission = hall.store().submission(&id).await.unwrap().unwrap();
    assert_eq!(submission.state, SubmissionState::Cleared, "{}", String::from_utf8_lossy(&submission.result));
    let events = hall.store().events(&id, 0, 1_000).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.kind == "ended").count(), 1);
    let mut audited: BTreeMap<String, usize> = BTreeMap::new();
    for event in events.iter().filter(|event| event.kind == "package") {
        let told: Value = serde_json::from_slice(&event.data).unwrap();
        assert_eq!(told["status"], "audited", "{told}");
        *audited.entry(told["package"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let expected = names.iter().map(|name| (format!("pypi:{name}@1.0"), 1)).collect();
    assert_eq!(audited, expected);
    assert_eq!(scene.eco.pypi.downloads(), PACKAGES);
    let steps = history(&server.url());
    let audits: Vec<&Step> = steps.iter().filter(|step| step.kind == "audit_package").collect();
    let taken: Vec<&str> = audits.iter().filter(|step| step.taken).map(|step| step.job.as_str()).collect();
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (PACKAGES, PACKAGES), "each is taken once");
    assert_eq!(audits.len(), 2 * PACKAGES, "each is acknowledged once");

    shared(&audits);
}

/// Nobody rests while work waits: from its first audit on, a worker that has none takes the next one before the others have taken
/// three times what they can run at once.
fn shared(audits: &[&Step]) {
    const MOST: usize = 3 * JOBS * (WORKERS - 1);
    let mut waiting = PACKAGES;
    // What each of them runs, and what the others took since it had nothing to do.
    let mut running: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut share: BTreeMap<&str, usize> = BTreeMap::new();
    for step in audits {
        let own = step.worker.as_str();
        if !step.taken {
            let state = running.get_mut(own).expect("it took what it gives back");
            *state = (state.0 - 1, 0);
            continue;
        }
        waiting -= 1;
        *share.entry(own).or_default() += 1;
        let state = running.entry(own).or_default();
        *state = (state.0 + 1, 0);
        assert!(state.0 <= JOBS, "{own} runs {} jobs", state.0);
        for (worker, (running, missed)) in running.iter_mut().filter(|(worker, _)| **worker != own) {
            if *running == 0 {
                *missed += 1;
                assert!(*missed <= MOST, "{worker} rests while the others took {missed} jobs, and {waiting} wait");
            }
        }
    }
    println!("taken by each: {share:?}");
    assert_eq!(share.len(), WORKERS, "{share:?}");
}
