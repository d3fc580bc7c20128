//! A walk through certificates that were there before somebody wanted to hear of each: the log, or a contract.
//!
//! In: where the walk is, and what counts as dealt with. Out: the next certificates that are not. What is sealed later is queued by who
//! seals it, so that a walk is done once; where it is, is kept, so that nothing is looked at twice that was found to be dealt with.

use sqlx::{AnyPool, AssertSqlSafe, Row as _};

use crate::StoreError;
use crate::anchors::{AnchorTarget, number};

/// Where a walk that is over stands: above all ids.
pub(crate) const OVER: &str = "~";

/// Certificates that a step looks at: some milliseconds, in one statement.
const STEP: i64 = 5_000;

/// What a step found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Ids that are not dealt with, in order.
    pub(crate) missing: Vec<String>,
    /// Everything up to this id is.
    pub(crate) walked: String,
}

/// Looks at the next certificates after an id, and stops where `most` of them are not dealt with. `done` is the condition that
/// certificate `c` is, in which `$3` and `$4` are the chain and the contract where there is one.
pub(crate) async fn step(
    pool: &AnyPool,
    walked: &str,
    done: &str,
    target: Option<&AnchorTarget>,
    most: usize,
) -> Result<Step, StoreError> {
    let mut step = Step { missing: Vec::new(), walked: walked.to_owned() };
    if walked == OVER {
        return Ok(step);
    }
    for table in ["certificate", "submission_certificate"] {
        let query = sqlx::query(AssertSqlSafe(step_sql(table, done))).bind(walked).bind(STEP);
        let query =
            target.into_iter().fold(query, |query, target| query.bind(number(target.chain_id)).bind(&target.contract));
        let rows = query.fetch_all(pool).await?;
        for row in &rows {
            let (id, is_done): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            if is_done == 0 {
                step.missing.push(id);
            } else if step.missing.is_empty() {
                step.walked = id;
            }
            if step.missing.len() >= most {
                break;
            }
        }
        // The ids of packages' certificates are below those of submissions', so the second table comes when the first has no more.
        if !rows.is_empty() {
            return Ok(step);
        }
    }
    OVER.clone_into(&mut step.walked);
    Ok(step)
}

/// The statement of a step. The limit stands inside, so that PostgreSQL's planner does not prepare for all certificates.
pub(crate) fn step_sql(table: &str, done: &str) -> String {
    format!(
        "SELECT c.id, CAST(CASE WHEN {done} THEN 1 ELSE 0 END AS BIGINT)
         FROM (SELECT id FROM {table} WHERE id > $1 ORDER BY id LIMIT $2) c ORDER BY c.id"
    )
}
