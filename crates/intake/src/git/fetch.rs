//! The conversation with the server: protocol version 2, named references, one pack at a time.
//!
//! In: a way to the network. Out: the ids that references stand for, and packs of what is asked for. It must never send what
//! it has: it has nothing.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

use gix_hash::{Kind, ObjectId};
use gix_protocol::fetch::{Arguments, Response};
use gix_protocol::handshake::Ref;
use gix_protocol::ls_refs::RefPrefixes;
use gix_protocol::{Command, Handshake, LsRefsCommand};
use gix_transport::client::blocking_io::http::Transport;
use gix_transport::{Protocol, Service};
use gix_utils::progress::Discard;
use sigma_core::printable;

use super::wire::{Budget, Wire};
use super::{RepositoryAddress, RepositoryError};

/// What the server is told about its client.
const AGENT: &str = "sigma-intake";

/// What a pack is to hold beside what is asked for by id.
pub(super) struct Extent {
    /// Commits back from each of the wanted ones, where there is a limit.
    pub(super) depth: Option<usize>,
    /// Objects that the server may leave out, as a filter of `git rev-list`; where it cannot, it sends them too.
    pub(super) filter: String,
}

/// A conversation.
pub(super) struct Session {
    transport: Transport<Wire>,
    handshake: Handshake,
    budget: Arc<Budget>,
    /// How the repository names its objects.
    pub(super) hash: Kind,
}

impl Session {
    pub(super) fn open(address: &RepositoryAddress, wire: Wire) -> Result<Self, RepositoryError> {
        let budget = wire.budget.clone();
        let remote = address.remote();
        let url = gix_url::Url::try_from(remote.as_str()).map_err(|error| explain(&budget, &error))?;
        let mut transport = Transport::new_http(wire, url, Protocol::V2, false);
        // Nobody is asked for credentials, whatever the server demands.
        let handshake =
            gix_protocol::handshake(&mut transport, Service::UploadPack, |_| Ok(None), Vec::new(), &mut Discard)
                .map_err(|error| explain(&budget, &error))?;
        if handshake.server_protocol_version != Protocol::V2 {
            return Err(RepositoryError::Unsupported("version 2 of the git protocol"));
        }
        let hash = match handshake.capabilities.capability("object-format").and_then(|format| format.value()) {
            Some(format) if format == "sha256" => Kind::Sha256,
            _ => Kind::Sha1,
        };
        Ok(Self { transport, handshake, budget, hash })
    }

    /// The references under some prefixes, by full name; a tag stands for what it leads to.
    pub(super) fn references(&mut self, prefixes: &[&str]) -> Result<Vec<(String, ObjectId)>, RepositoryError> {
        let agent = ("agent", Some(AGENT.to_owned()));
        let mut wanted = RefPrefixes::new();
        wanted.extend(prefixes.iter().map(|prefix| (*prefix).into()));
        let found = LsRefsCommand::new(Some(wanted), &self.handshake.capabilities, agent)
            .invoke_blocking(&mut self.transport, &mut Discard, false)
            .map_err(|error| explain(&self.budget, &error))?;
        let named = found.into_iter().filter_map(|reference| match reference {
            Ref::Peeled { full_ref_name: name, object, .. }
            | Ref::Direct { full_ref_name: name, object }
            | Ref::Symbolic { full_ref_name: name, object, .. } => Some((name.to_string(), object)),
            Ref::Unborn { .. } => None,
        });
        Ok(named.collect())
    }

    /// A pack with these commits.
    pub(super) fn pack(&mut self, wanted: &[ObjectId], extent: &Extent) -> Result<Vec<u8>, RepositoryError> {
        let mut arguments = self.arguments(wanted, extent)?;
        let explain = |error: &dyn std::fmt::Debug| explain(&self.budget, error);
        let mut answer = arguments.send(&mut self.transport, true).map_err(|error| explain(&error))?;
        let response = Response::from_line_reader(Protocol::V2, &mut answer, true, false).map_err(|error| {
            // Servers say it in these words; there is no code for it. The chain of causes has them.
            let text = format!("{error:?}");
            match (text.contains("not our ref") || text.contains("bad object"), wanted) {
                (true, [id]) => RepositoryError::NoSuchCommit(id.to_string()),
                _ => explain(&error),
            }
        })?;
        if !response.has_pack() {
            return Err(RepositoryError::Protocol("no pack in the answer".to_owned()));
        }
        // From here on there are side bands: the pack, progress, and what the server has to complain about. gix reads the
        // first, and the last as an error.
        answer.set_progress_handler(Some(Box::new(|_, _| ControlFlow::Continue(()))));
        let mut pack = Vec::new();
        answer.read_to_end(&mut pack).map_err(|error| explain(&error))?;
        Ok(pack)
    }

    fn arguments(&self, wanted: &[ObjectId], extent: &Extent) -> Result<Arguments, RepositoryError> {
        let mut features = Command::Fetch.default_features(Protocol::V2, &self.handshake.capabilities);
        // What remains is understood here; the other capabilities change the shape of the answer.
        features.retain(|(name, _)| matches!(*name, "shallow" | "filter" | "object-format"));
        features.push(("agent", Some(AGENT.to_owned())));
        let mut arguments = Arguments::new(Protocol::V2, features, false);
        if let Some(depth) = extent.depth {
            if !arguments.can_use_deepen() {
                return Err(RepositoryError::Unsupported("a single commit without its history"));
            }
            arguments.deepen(depth);
        }
        if arguments.can_use_filter() {
            arguments.filter(&extent.filter);
        }
        for id in wanted {
            arguments.want(id);
        }
        Ok(arguments)
    }
}

/// The cause that the network kept, or else what gix says, with its causes.
fn explain(budget: &Budget, error: &dyn std::fmt::Debug) -> RepositoryError {
    budget.explain(|| {
        let text = format!("{error:?}").split_whitespace().collect::<Vec<_>>().join(" ");
        RepositoryError::Protocol(printable(&text, 200))
    })
}
