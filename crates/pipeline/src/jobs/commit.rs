//! Writes what jobs came to: those that end at about the same time in one transaction, with one wait for the disk.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use sigma_store::{Ack, JobId, Lease, Store, StoreError};
use tokio::sync::{mpsc, oneshot};

use super::Effect;
use crate::Clock;

/// A job that ended, and what it wants written.
pub(crate) struct Ended {
    pub lease: Lease,
    pub effect: Box<dyn Effect>,
    /// Told whether it was written. `Ok(false)`: it came too late, and another worker has the job.
    pub told: oneshot::Sender<Result<bool, StoreError>>,
}

/// Jobs of one transaction: more would only make those wait longer that are in it.
const BATCH: usize = 64;

/// How often a transaction is tried that the database refuses: it may be starting again. With growing pauses, about half a
/// minute, which is less than a lease.
const TRIES: u32 = 9;

/// Writes whatever arrives, until nobody is left to send.
pub(crate) async fn commit(store: Store, clock: Clock, mut ended: mpsc::Receiver<Ended>) {
    let mut next = None;
    loop {
        let first = match next.take() {
            Some(first) => first,
            None => match ended.recv().await {
                Some(first) => first,
                None => return,
            },
        };
        let mut batch = vec![first];
        while !batch[0].effect.alone() && batch.len() < BATCH {
            match ended.try_recv() {
                Ok(one) if one.effect.alone() => {
                    next = Some(one);
                    break;
                }
                Ok(one) => batch.push(one),
                Err(_) => break,
            }
        }
        write(&store, &clock, batch).await;
    }
}

async fn write(store: &Store, clock: &Clock, batch: Vec<Ended>) {
    match try_write(store, clock, &batch).await {
        Ok(accepted) => tell(batch, &accepted),
        Err(error) if batch.len() > 1 => {
            tracing::debug!(%error, jobs = batch.len(), "written one by one, because together they could not be");
            for one in batch {
                write_alone(store, clock, one).await;
            }
        }
        Err(_) => {
            for one in batch {
                write_alone(store, clock, one).await;
            }
        }
    }
}

async fn write_alone(store: &Store, clock: &Clock, one: Ended) {
    let one = [one];
    let mut pause = Duration::from_millis(50);
    let mut answer = try_write(store, clock, &one).await;
    for _ in 1..TRIES {
        // Only the database may change its mind.
        if !matches!(answer, Err(StoreError::Sql(_))) {
            break;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
        answer = try_write(store, clock, &one).await;
    }
    let [one] = one;
    // Nobody waits any more when the worker has dropped the job.
    let _ = one.told.send(answer.map(|accepted| accepted.contains(&one.lease.job)));
}

fn tell(batch: Vec<Ended>, accepted: &HashSet<JobId>) {
    for one in batch {
        let _ = one.told.send(Ok(accepted.contains(&one.lease.job)));
    }
}

/// One transaction: which of the leases still count, their effects, their acknowledgement, and what others are told.
async fn try_write(store: &Store, clock: &Clock, batch: &[Ended]) -> Result<HashSet<JobId>, StoreError> {
    let now = clock();
    let leases: Vec<Lease> = batch.iter().map(|one| one.lease.clone()).collect();
    let mut writing = store.begin().await?;
    let held = writing.hold_leases(&leases).await?;
    let mut acks = Vec::with_capacity(batch.len());
    let mut events = BTreeMap::new();
    for one in batch.iter().filter(|one| held.contains(&one.lease)) {
        let applied = one.effect.apply(&mut writing, now).await?;
        acks.push(Ack { lease: one.lease.clone(), settle: applied.settle });
        if let Some(event) = applied.event {
            events.insert(one.lease.job.clone(), event);
        }
    }
    let answer = writing.acknowledge(&acks, now).await?;
    writing.tell_waiters(&answer.waiters, &events, now).await?;
    writing.commit(now).await?;
    Ok(answer.accepted)
}
