//! How long a failed job rests.

use std::time::Duration;

use sigma_core::Sha256;
use sigma_store::JobId;

/// `first`, four times as long after each further attempt, at most `most`; of that, between a half and all. How much follows
/// from the job and the attempt, so that jobs that failed together do not come back together, and it can be repeated.
pub(crate) fn pause(job: &JobId, attempt: u32, first: Duration, most: Duration) -> Duration {
    let whole = first.saturating_mul(4_u32.saturating_pow(attempt.saturating_sub(1))).min(most);
    let digest = Sha256::of(format!("{job} {attempt}").as_bytes());
    let share = u32::from(digest.as_bytes()[0]);
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
}
