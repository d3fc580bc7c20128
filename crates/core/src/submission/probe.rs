//! What was seen of the endpoints that a skill declares.

use serde::{Deserialize, Serialize};

/// What came of one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "status")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ProbeOutcome {
    /// It answered.
    #[serde(rename_all = "camelCase")]
    Answered {
        /// HTTP status code.
        code: u16,
        /// Media type of the answer, printable.
        content_type: Option<String>,
        /// Where it redirects to, printable; redirects are not followed.
        location: Option<String>,
    },
    /// It was asked and gave no answer.
    Failed {
        /// Why, in a sentence.
        reason: String,
    },
    /// It was not asked: its method changes something, its address is not public, there are too many.
    NotProbed {
        /// Why, in a sentence.
        reason: String,
    },
}

/// One declared endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EndpointProbe {
    /// The address as declared, printable.
    pub url: String,
    /// The declared method.
    pub method: String,
    /// What came of it.
    pub outcome: ProbeOutcome,
}
