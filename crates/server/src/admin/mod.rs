//! What operators do: certificates, escalations, flags, dead jobs, and the log of all of it. One file for each noun.
//!
//! In: a token with the scope `admin`, and JSON. Out: what is waiting for somebody, and what was decided. Every action is recorded
//! with its reason and the token's owner, in the transaction that does it; nothing here acts without.

pub(crate) mod certificates;
pub(crate) mod escalations;
pub(crate) mod flags;
pub(crate) mod jobs;
pub(crate) mod log;
pub(crate) mod submissions;

use serde::Deserialize;
use sigma_core::{Timestamp, printable};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Code, Problem};
use crate::public::query::read_place;

/// Characters of a reason.
const MAX_REASON: usize = 1_000;

/// Why an operator does something.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ReasonRequest {
    /// 1 to 1,000 characters. It goes into the log with the name of the token's owner.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// A page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// How many, 1 to 100; 20 unless given.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// A reason that can be recorded and shown.
fn reason(text: &str) -> Result<String, Problem> {
    let (text, length) = (text.trim(), text.trim().chars().count());
    match (1..=MAX_REASON).contains(&length) {
        // Escaping may make it longer.
        true => Ok(printable(text, 10 * MAX_REASON)),
        false => {
            let detail = format!("the reason has {length} characters, expected 1 to {MAX_REASON}");
            Err(Problem::new(Code::InvalidBody, detail))
        }
    }
}

/// Reads a cursor of a list whose ids have this prefix.
fn read_cursor(text: &str, prefix: &str) -> Result<(Timestamp, String), Problem> {
    read_place(text, |id| is_id(id, prefix))
}

/// A prefix and 32 lower-case letters and digits.
fn is_id(text: &str, prefix: &str) -> bool {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
