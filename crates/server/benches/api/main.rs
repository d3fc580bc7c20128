//! Certificate look-ups against the floor: a bare axum server with a constant body of the same size, in the same run.
//!
//! Each server has one thread of its own, and the client another. Rounds of floor, hot keys, keys spread over the whole store and
//! the floor again alternate, so that a busy machine disturbs all of them alike. Ratios of CPU time for each request are what
//! counts; those of wall time stand beside them. Arguments: `certificates=N` (default 100,000) and `requests=N` a round.

mod client;
mod fixture;

use std::time::Duration;

use client::{Figures, Target, round};

const ROUNDS: usize = 5;
const HOT: usize = 2_000;

fn main() {
    let (mut certificates, mut requests) = (100_000, 40_000);
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("certificates", number)) => certificates = number.parse().expect("a number"),
            Some(("requests", number)) => requests = number.parse().expect("a number"),
            // `cargo bench` hands `--bench` over.
            _ => {}
        }
    }
    let scene = fixture::Scene::new(certificates.max(HOT));
    let size = scene.size;
    println!("{certificates} certificates, answers of {size} bytes, {requests} requests a round, {ROUNDS} rounds");
    let (mut floors, mut hots, mut spreads) = (Vec::new(), Vec::new(), Vec::new());
    let floor = Target { address: scene.floor.address, cpu: &scene.floor.cpu };
    let app = Target { address: scene.app.address, cpu: &scene.app.cpu };
    // Warm: connections, caches and the branch predictor.
    round(&floor, requests / 4, |number| scene.path(number % HOT));
    round(&app, requests / 4, |number| scene.path(number % HOT));
    for seed in 0..ROUNDS {
        floors.push(round(&floor, requests, |number| scene.path(number % HOT)));
        hots.push(round(&app, requests, |number| scene.path(number % HOT)));
        spreads.push(round(&app, requests, |number| scene.path(scene.spread(number + seed * requests))));
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
