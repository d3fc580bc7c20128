//! Coding agents and models as a way in.

pub(super) mod agent_configuration;
mod anchors;
pub(super) mod hidden_instruction;
pub(super) mod instructed_command;
pub(super) mod prompt_injection;
pub(super) mod unleashed_agent;

pub(super) use anchors::Anchors;
