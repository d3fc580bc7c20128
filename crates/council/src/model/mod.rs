//! Models that sit on the council: their configuration, the client, and what counts as an answer.

mod abstention;
mod answer;
mod client;
mod config;
mod wire;

pub(crate) use abstention::Abstention;
pub(crate) use answer::{Judged, judge, schema};
pub(crate) use client::Model;
pub use config::{ApiKey, ModelApi, ModelConfig, ModelError, Panels};
pub(crate) use wire::Written;

use serde_json::Value;

impl Model {
    /// The body of the request that puts this question and asks for JSON of this schema, by its name.
    pub fn question(&self, system: &str, user: &str, schema: (&str, Value)) -> Vec<u8> {
        self.config.api.body(&self.config, system, user, schema).to_string().into_bytes()
    }

    /// What the model wrote, by the endpoint's bytes.
    pub fn read(&self, answer: &[u8]) -> (Written, Result<(), Abstention>) {
        self.config.api.read(answer)
    }
}
