//! What the queue costs: durable claim-and-acknowledge a second, and CPU a job, one by one and in batches.
//!
//! `cargo bench -p sigma-store --bench queue -- [postgres://...]`: SQLite in a temporary folder, and the database at the
//! URL, which is filled with jobs and should be an empty one. Figures for a page, never assertions. CPU is that of this
//! process; a database server's own is not in it.

use std::time::{Duration, Instant};

use sigma_core::{PackageId, Timestamp};
use sigma_store::{Ack, Claiming, Class, Database, Leased, NewJob, Settle, Store};

const LEASE: Duration = Duration::from_secs(60);

fn main() {
    let url = std::env::args().skip(1).find(|argument| argument.starts_with("postgres"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let mut databases = vec![("sqlite", Database::Embedded)];
        if let Some(url) = url {
            databases.push(("postgres", url.parse().expect("a database URL")));
        }
        println!("database  workers  batch      jobs  jobs/s  CPU us/job");
        for (name, database) in &databases {
            let store = Store::open(folder.path(), database).await.expect("a store");
            for (workers, batch, jobs) in
                [(1, 1, 300), (4, 1, 1_000), (1, 50, 10_000), (4, 50, 20_000), (4, 200, 40_000)]
            {
                measure(&store, name, workers, batch, jobs).await;
            }
            engine(&store, name).await;
        }
    });
}

fn job(run: &str, index: usize) -> NewJob {
    NewJob {
        kind: "bench",
        class: "bench".to_owned(),
        key: format!("{run} {index}"),
        priority: 0,
        payload: format!("{{\"index\": {index}}}").into_bytes(),
        max_attempts: 3,
        due_at: Timestamp::from_millis(1),
    }
}

/// Workers that do nothing but claim and acknowledge.
async fn measure(store: &Store, name: &str, workers: usize, batch: usize, jobs: usize) {
    let run = format!("{workers} {batch}");
    let all: Vec<NewJob> = (0..jobs).map(|index| job(&run, index)).collect();
    for chunk in all.chunks(5_000) {
        store.enqueue(chunk, Timestamp::from_millis(1)).await.expect("enqueued");
    }
    let (begin, cpu) = (Instant::now(), cpu_time());
    let tasks: Vec<_> = (0..workers).map(|_| tokio::spawn(work(store.clone(), batch))).collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.expect("a worker");
    }
    let (wall, cpu) = (begin.elapsed(), cpu_time() - cpu);
    assert_eq!(done, jobs, "every job is done once");
    print_line(name, workers, batch, jobs, wall, cpu);
}

async fn work(store: Store, batch: usize) -> usize {
    let mut done = 0;
    loop {
        let leased = claim(&store, "bench", batch).await;
        if leased.is_empty() {
            return done;
        }
        acknowledge(&store, &leased).await;
        done += leased.len();
    }
}

async fn claim(store: &Store, class: &str, most: usize) -> Vec<Leased> {
    let classes = [Class { name: class.to_owned(), limit: None }];
    let claiming = Claiming { worker: "bench", classes: &classes, most, now: Timestamp::from_millis(2), lease: LEASE };
    store.claim_jobs(&claiming).await.expect("claimed")
}

async fn acknowledge(store: &Store, leased: &[Leased]) {
    let now = Timestamp::from_millis(3);
    let settle = || Settle::Done { outcome: b"{}".to_vec() };
    let acks: Vec<Ack> = leased.iter().map(|one| Ack { lease: one.lease.clone(), settle: settle() }).collect();
    let mut writing = store.begin().await.expect("a transaction");
    writing.acknowledge(&acks, now).await.expect("acknowledged");
    writing.commit(now).await.expect("committed");
}

/// Everything that the engine does for one audited package besides auditing it: asked for and waited for by one job, leased,
/// the package claimed and looked up, its lease checked, acknowledged, and those told who wait.
async fn engine(store: &Store, name: &str) {
    let (jobs, batch) = (400_usize, 8);
    let all: Vec<NewJob> =
        (0..jobs).map(|index| NewJob { class: "engine".to_owned(), ..job("engine", index) }).collect();
    let waiter = NewJob { class: "waiter".to_owned(), ..job("waiter", 0) };
    let package: PackageId = "pypi:demo@1.0".parse().expect("a package");
    let (begin, cpu) = (Instant::now(), cpu_time());
    let now = Timestamp::from_millis(1);
    store.enqueue(&[waiter], now).await.expect("enqueued");
    let waiting = claim(store, "waiter", 1).await.remove(0);
    let mut writing = store.begin().await.expect("a transaction");
    let enqueued = writing.enqueue(&all, now).await.expect("enqueued");
    let ids: Vec<_> = enqueued.into_iter().map(|one| one.id).collect();
    let ack = Ack { lease: waiting.lease.clone(), settle: Settle::Wait { until: Timestamp::from_millis(3_000_000) } };
    writing.acknowledge(&[ack], now).await.expect("acknowledged");
    writing.wait_for(&waiting.lease.job, &ids).await.expect("waiting");
    writing.commit(now).await.expect("committed");
    loop {
        let leased = claim(store, "engine", batch).await;
        if leased.is_empty() {
            break;
        }
        for _ in &leased {
            let _claim = store.claim(&package).await.expect("a claim");
            store.certificates_of(&package).await.expect("looked up");
        }
        let leases: Vec<_> = leased.iter().map(|one| one.lease.clone()).collect();
        let mut writing = store.begin().await.expect("a transaction");
        writing.hold_leases(&leases).await.expect("held");
        let settle = || Settle::Done { outcome: b"{}".to_vec() };
        let acks: Vec<Ack> = leases.into_iter().map(|lease| Ack { lease, settle: settle() }).collect();
        let answer = writing.acknowledge(&acks, now).await.expect("acknowledged");
        writing.tell_waiters(&answer.waiters, &std::collections::BTreeMap::new(), now).await.expect("told");
        writing.commit(now).await.expect("committed");
    }
    print_line(&format!("{name}, engine"), 1, batch, jobs, begin.elapsed(), cpu_time() - cpu);
}

fn print_line(name: &str, workers: usize, batch: usize, jobs: usize, wall: Duration, cpu: Duration) {
    let (per_second, micros) = (jobs as f64 / wall.as_secs_f64(), cpu.as_secs_f64() * 1e6 / jobs as f64);
    println!("{name:<16} {workers:>3} {batch:>6} {jobs:>9} {per_second:>7.0} {micros:>11.0}");
}

/// CPU time of this process, user and system, in steps of 10 ms; zero where the system does not tell.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is a name in brackets, which may hold blanks.
    let fields: Vec<&str> = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect()).unwrap_or_default();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}
