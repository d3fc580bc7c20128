//! How long a failed job rests.

use std::time::Duration;

use sigma_core::Sha256;
use sigma_store::JobId;

/// `first`, four times as long after each further attempt, at most `most`; of that, between a half and all. How much follows
/// from the job and the attempt, so that jobs that failed together do not come back together, and it can be repeated.
pub(crate) fn pause(job: &JobId, attempt: u32, first: Duration, most: Duration) -> Duration {
    let whole = first.saturating_mul(4_u32.saturating_pow(attempt.saturating_sub(1))).min(most);
    shared(whole, &format!("{job} {attempt}"))
}

/// How long a job rests for somebody who does not answer: as long as it has rested already, at least `first` and at most `most`;
/// of that, between a half and all. Where it asked for more, it gets more.
pub(crate) fn rest(
    job: &JobId,
    rested: Duration,
    first: Duration,
    most: Duration,
    asked: Option<Duration>,
) -> Duration {
    let whole = rested.clamp(first.min(most), most);
    shared(whole, &format!("{job} {}", rested.as_millis())).max(asked.unwrap_or_default())
}

fn shared(whole: Duration, seed: &str) -> Duration {
    let share = u32::from(Sha256::of(seed.as_bytes()).as_bytes()[0]);
    whole / 2 + (whole / 2) * share / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_differ() {
        let (first, most) = (Duration::from_secs(2), Duration::from_secs(100));
        let job = JobId::of_key("a");
        for (attempt, whole) in [(1, 2), (2, 8), (3, 32), (4, 100), (40, 100)] {
            let pause = pause(&job, attempt, first, most).as_secs_f64();
            assert!((f64::from(whole) / 2.0..=f64::from(whole)).contains(&pause), "{attempt}: {pause}");
        }
        let pauses: std::collections::BTreeSet<_> =
            (0..50).map(|index| pause(&JobId::of_key(&index.to_string()), 1, first, most)).collect();
        assert!(pauses.len() > 30);
    }

    #[test]
    fn rests_grow_with_what_was_rested_and_hear_what_was_asked() {
        let (first, most) = (Duration::from_secs(2), Duration::from_secs(600));
        let job = JobId::of_key("a");
        let seconds = Duration::from_secs;
        for (rested, whole) in [(0, 2), (1, 2), (30, 30), (599, 599), (80_000, 600)] {
            let pause = rest(&job, seconds(rested), first, most, None).as_secs_f64();
            assert!((f64::from(whole) / 2.0..=f64::from(whole)).contains(&pause), "{rested}: {pause}");
        }
        assert_eq!(rest(&job, seconds(0), first, most, Some(seconds(900))), seconds(900));
        assert!(rest(&job, seconds(600), first, most, Some(seconds(1))) >= seconds(300), "never more often than that");
        // A day without an answer is some two hundred requests, not thousands.
        let (mut rested, mut runs) = (Duration::ZERO, 0);
        while rested < seconds(86_400) {
            rested += rest(&job, rested, first, most, None);
            runs += 1;
        }
        assert!((140..300).contains(&runs), "{runs}");
    }
}
