//! Certificate look-ups against the floor: a bare axum server with a constant body of the same size, in the same run.
//!
//! Each server has one thread of its own, and the client another. Rounds of floor, hot keys, keys spread over the whole store and
//! the floor again alternate, so that a busy machine disturbs all of them alike. Ratios of CPU time for each request are what
//! counts; those of wall time stand beside them. Arguments: `certificates=N` (default 100,000), `over=N` keys of which one is asked
//! for (default: a million), `requests=N` a round, `rounds=N`, `ready=N` MiB of answers that are kept (default: the server's),
//! `warm` to ask for every key once before, `folder=PATH` of a store that has them already or keeps them, and a `postgres://` URL of
//! an empty database or of one that has them.

mod client;
mod fixture;

use std::time::Duration;

use client::{Figures, Target, round};
use fixture::Options;

const HOT: usize = 2_000;

// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let (mut requests, mut rounds, mut over, mut warm) = (40_000, 5, 1_000_000, false);
    let mut options = Options {
        certificates: 100_000,
        ready: sigma_server::ServerConfig::default().ready_bytes,
        folder: None,
        database: sigma_store::Database::Embedded,
    };
    for argument in std::env::args().skip(1) {
        let number = |text: &str| text.parse().expect("a number");
        match argument.split_once('=') {
            Some(("certificates", text)) => options.certificates = number(text),
            Some(("over", text)) => over = number(text),
            Some(("requests", text)) => requests = number(text),
            Some(("rounds", text)) => rounds = number(text),
            Some(("ready", text)) => options.ready = number(text) as u64 * (1 << 20),
            Some(("folder", path)) => options.folder = Some(path.into()),
            _ if argument == "warm" => warm = true,
            _ if argument.starts_with("postgres") => options.database = argument.parse().expect("a database URL"),
            // `cargo bench` hands `--bench` over.
            _ => {}
        }
    }
    options.certificates = options.certificates.max(HOT);
    let (certificates, ready) = (options.certificates, options.ready >> 20);
    let scene = fixture::Scene::new(options);
    let over = over.min(certificates);
    println!(
        "{certificates} certificates, {} of {over} asked for, answers of {} bytes, {ready} MiB of them kept, {requests} requests a \
         round, {rounds} rounds",
        if warm { "each" } else { "some" },
        scene.size
    );
    let (mut floors, mut hots, mut spreads) = (Vec::new(), Vec::new(), Vec::new());
    let floor = Target { address: scene.floor.address, cpu: &scene.floor.cpu };
    let app = Target { address: scene.app.address, cpu: &scene.app.cpu };
    // Warm: connections, caches and the branch predictor.
    round(&floor, requests / 4, |number| scene.path(number % HOT));
    round(&app, requests / 4, |number| scene.path(number % HOT));
    if warm {
        round(&app, over, |number| scene.path(number));
    }
    for seed in 0..rounds {
        floors.push(round(&floor, requests, |number| scene.path(number % HOT)));
        hots.push(round(&app, requests, |number| scene.path(number % HOT)));
        spreads.push(round(&app, requests, |number| scene.path(scene.spread(number + seed * requests, over))));
    }
    let floor = middle(floors);
    print("floor, constant body", &floor, &floor);
    print("hot, 2,000 keys", &middle(hots), &floor);
    print("spread over all keys", &middle(spreads), &floor);
    batch(&scene);
}

/// The median round, by CPU time.
fn middle(mut rounds: Vec<Figures>) -> Figures {
    rounds.sort_by_key(|figures| figures.cpu);
    rounds.swap_remove(rounds.len() / 2)
}

fn print(what: &str, figures: &Figures, floor: &Figures) {
    let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
    println!(
        "{what:<22} {:6.2} us CPU ({:.2} of the floor)  {:7.0} requests/s (wall {:.2})  p50 {:5.0} us  p99 {:5.0} us ({:.2} times)",
        micros(figures.cpu),
        floor.cpu.as_secs_f64() / figures.cpu.as_secs_f64(),
        1.0 / figures.wall.as_secs_f64(),
        floor.wall.as_secs_f64() / figures.wall.as_secs_f64(),
        micros(figures.p50),
        micros(figures.p99),
        figures.p99.as_secs_f64() / floor.p99.as_secs_f64(),
    );
}

/// A thousand packages in one question, all of them warm.
fn batch(scene: &fixture::Scene) {
    let mut took: Vec<Duration> = (0..12).map(|_| client::once(scene.app.address, &scene.batch())).collect();
    took.drain(..2);
    took.sort();
    println!("batch of 1,000, warm: {:.1} ms (median of {})", took[took.len() / 2].as_secs_f64() * 1e3, took.len());
}
