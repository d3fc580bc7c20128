//! Certificate look-ups against the floor: a bare axum server with a constant body of the same size, in the same run.
//!
//! Each server has one thread of its own, and the client another. Rounds of floor, hot keys, keys spread over the whole store, keys that
//! nobody certified, and the same for a client that accepts what browsers do, beside a bare server with the framework's compression,
//! alternate, so that a busy machine disturbs all of them alike. Ratios of CPU time for each request are what counts; those of wall
//! time stand beside them. Sixteen connections ask as fast as they are answered, so that a latency is sixteen times what one answer takes, and
//! whatever stands in the way: the ratio of two is that of the CPU time at least. `few` leaves out what is compressed. Arguments: `certificates=N` (default 100,000), `over=N` keys of which one is asked
//! for (default: a million), `requests=N` a round, `rounds=N`, `ready=N` MiB of answers that are kept (default: the server's),
//! `warm` to ask for every key once before, `folder=PATH` of a store that has them already or keeps them, and a `postgres://` URL of
//! an empty database or of one that has them.

mod client;
mod fixture;

use std::time::Duration;

use client::{Figures, Question, Target, round};
use fixture::Options;

const HOT: usize = 2_000;
const PIECE: usize = 20_000;
/// What browsers and curl accept, and what most programs do.
const BROWSER: &str = "gzip, deflate, br, zstd";
const PROGRAM: &str = "gzip, deflate";

// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let (mut requests, mut rounds, mut over, mut warm, mut few) = (40_000, 5, 1_000_000, false, false);
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
            _ if argument == "few" => few = true,
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
    let [floor, compressing, app] = [&scene.floor, &scene.compressing, &scene.app]
        .map(|running| Target { address: running.address, cpu: &running.cpu });
    let hot = |_: usize, number: usize| scene.path(number % HOT);
    let spread = |seed: usize, number: usize| scene.path(scene.spread(number + seed * requests, over));
    let hot_unknown = |_: usize, number: usize| scene.unknown(number % HOT);
    let unknown = |seed: usize, number: usize| scene.unknown(scene.spread(number + seed * requests, over));
    let (known, unknown_to_all) = (|number: usize| scene.path(number), |number: usize| scene.unknown(number));
    let all: [Row<'_>; 11] = [
        Row("floor, constant body", &floor, 0, &hot, "", "200"),
        Row("hot, 2,000 keys", &app, 0, &hot, "", "200"),
        Row("spread over all keys", &app, 0, &spread, "", "200"),
        Row("hot, not certified", &app, 0, &hot_unknown, "", "404"),
        Row("spread, not certified", &app, 0, &unknown, "", "404"),
        Row("floor, zstd by its layer", &compressing, 5, &hot, BROWSER, "200"),
        Row("hot, zstd", &app, 5, &hot, BROWSER, "200"),
        Row("spread, zstd", &app, 5, &spread, BROWSER, "200"),
        Row("floor, gzip by its layer", &compressing, 8, &hot, PROGRAM, "200"),
        Row("hot, gzip", &app, 8, &hot, PROGRAM, "200"),
        Row("spread, gzip", &app, 8, &spread, PROGRAM, "200"),
    ];
    let all = if few { &all[..5] } else { &all[..] };
    // Warm: connections, caches and the branch predictor. Of eight answers that were not ready, one is afterwards.
    for row in all.iter().filter(|Row(name, ..)| !name.starts_with("spread")) {
        row.round(HOT * 20, 0);
    }
    if warm {
        println!("{} MiB of memory", resident());
        for (path, status) in [(&known as &dyn Fn(usize) -> String, "200"), (&unknown_to_all, "404")] {
            // In pieces, because the client writes all its requests before it sends the first.
            for piece in 0..over.div_ceil(PIECE) {
                let path = |number: usize| path((piece * PIECE + number) % over);
                round(&app, PIECE, &Question { path: &path, accept: "", status });
            }
            println!("{} MiB of memory, {over} more answers", resident());
        }
    }
    let before = scene.statements();
    let rounds: Vec<Vec<Figures>> =
        (0..rounds).map(|seed| all.iter().map(|row| row.round(requests, seed)).collect()).collect();
    let middle = |row: usize| middle(&rounds.iter().map(|figures| figures[row]).collect::<Vec<_>>());
    for (number, Row(name, _, floor, ..)) in all.iter().enumerate() {
        print(name, &middle(number), &middle(*floor));
    }
    println!("{} statements for what was not ready", scene.statements() - before);
    batch(&scene);
    println!("{} MiB of memory", resident());
}

/// A kind of question: its name, who is asked, the row of the floor that it is compared with, for which addresses, what is accepted, and
/// the status that is the answer.
struct Row<'a>(&'static str, &'a Target<'a>, usize, &'a dyn Fn(usize, usize) -> String, &'static str, &'static str);

impl Row<'_> {
    fn round(&self, requests: usize, seed: usize) -> Figures {
        let Self(_, target, _, path, accept, status) = *self;
        round(target, requests, &Question { path: &|number| path(seed, number), accept, status })
    }
}

/// MiB of memory that this process has asked for, without what it maps of files: both servers, their clients and what they ask.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).map_or(0, |kib: u64| kib >> 10)
}

/// The median of each figure: the p99 of a single round differs by a factor of two from one round to the next.
fn middle(rounds: &[Figures]) -> Figures {
    let of = |figure: fn(&Figures) -> Duration| {
        let mut all: Vec<Duration> = rounds.iter().map(figure).collect();
        all.sort();
        all[all.len() / 2]
    };
    Figures { cpu: of(|one| one.cpu), wall: of(|one| one.wall), p50: of(|one| one.p50), p99: of(|one| one.p99) }
}

fn print(what: &str, figures: &Figures, floor: &Figures) {
    let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
    println!(
        "{what:<24} {:6.2} us CPU ({:.2} of the floor)  {:7.0} requests/s (wall {:.2})  p50 {:5.0} us  p99 {:5.0} us ({:.2} times)",
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
