//! The task that anchors for as long as a process runs.

use std::pin::pin;
use std::time::Duration;

use super::{AnchorMode, AnchorStep, Anchorer};
use crate::Clock;

/// How long to wait before the next look at what is under way.
const POLL: Duration = Duration::from_secs(2);
/// ... at whether anything is due.
const IDLE: Duration = Duration::from_secs(10);
/// ... after a failure, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Anchorer {
    /// Goes on until `stop` is ready. What is under way then is gone on with by the next process, or the next start.
    pub async fn run(&self, clock: &Clock, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut failures = 0_u32;
        let mut told = String::new();
        loop {
            let step = tokio::select! {
                biased;
                () = &mut stop => break,
                step = self.step(clock()) => step,
            };
            let pause = match step {
                Ok(step) => {
                    failures = 0;
                    told.clear();
                    match step {
                        AnchorStep::Final { seq } => {
                            tracing::info!(anchor.seq = seq, "it is on the chain for good");
                            Duration::ZERO
                        }
                        AnchorStep::Open { .. } => POLL,
                        AnchorStep::NotElected => IDLE,
                        AnchorStep::Idle if self.config.mode == AnchorMode::Certificate => {
                            IDLE.max(self.config.interval)
                        }
                        AnchorStep::Idle => IDLE,
                    }
                }
                Err(error) => {
                    // Once for each reason, not every few seconds.
                    let why = error.to_string();
                    if why != told {
                        tracing::warn!(error = %why, "nothing is put on the chain; it is tried again");
                        told = why;
                    }
                    failures = failures.saturating_add(1);
                    POLL.saturating_mul(1 << failures.min(5)).min(LONGEST_PAUSE)
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.resign().await;
    }
}
