//! The conversation with the server: protocol version 2, one reference, one commit, one pack.
//!
//! In: a way to the network. Out: the pack of one commit with its whole tree, without history and, where the server can,
//! without files that are too large to be reviewed. It must never send what it has: it has nothing.

use std::io::Read;
use std::ops::ControlFlow;

use gix_hash::{Kind, ObjectId};
use gix_protocol::fetch::{Arguments, Response};
use gix_protocol::handshake::Ref;
use gix_protocol::ls_refs::RefPrefixes;
use gix_protocol::{Command, Handshake, LsRefsCommand};
use gix_transport::client::blocking_io::http::Transport;
use gix_transport::{Protocol, Service};
use gix_utils::progress::Discard;
use sigma_core::printable;

use super::address::Reference;
use super::{Job, RepositoryError, Wire};

/// What the server is told about its client.
const AGENT: &str = "sigma-intake";

/// What was received.
pub(super) struct Received {
    pub(super) commit: ObjectId,
    pub(super) hash: Kind,
    pub(super) pack: Vec<u8>,
}

pub(super) fn fetch(job: &Job, wire: Wire) -> Result<Received, RepositoryError> {
    let explain = |error: &dyn std::fmt::Display| {
        job.budget.explain(|| RepositoryError::Protocol(printable(&error.to_string(), 200)))
    };
    let remote = job.address.remote();
    let url = gix_url::Url::try_from(remote.as_str()).map_err(|error| explain(&error))?;
    let mut transport = Transport::new_http(wire, url, Protocol::V2, false);
    // Nobody is asked for credentials, whatever the server demands.
    let handshake =
        gix_protocol::handshake(&mut transport, Service::UploadPack, |_| Ok(None), Vec::new(), &mut Discard)
            .map_err(|error| explain(&error))?;
    if handshake.server_protocol_version != Protocol::V2 {
        return Err(RepositoryError::Unsupported("version 2 of the git protocol"));
    }
    let hash = match handshake.capabilities.capability("object-format").and_then(|format| format.value()) {
        Some(format) if format == "sha256" => Kind::Sha256,
        _ => Kind::Sha1,
    };
    let commit = match &job.wanted {
        Reference::Commit(id) if id.kind() == hash => *id,
        Reference::Commit(id) => return Err(RepositoryError::NoSuchCommit(id.to_string())),
        Reference::Named(names) => {
            let agent = ("agent", Some(AGENT.to_owned()));
            let mut prefixes = RefPrefixes::new();
            prefixes.extend(names.iter().map(|name| name.as_str().into()));
            let found = LsRefsCommand::new(Some(prefixes), &handshake.capabilities, agent)
                .invoke_blocking(&mut transport, &mut Discard, false)
                .map_err(|error| explain(&error))?;
            lock(&found, names, &job.asked)?
        }
    };

    let mut arguments = arguments(&handshake, commit, job.config.file)?;
    let mut answer = arguments.send(&mut transport, true).map_err(|error| explain(&error))?;
    let response = Response::from_line_reader(Protocol::V2, &mut answer, true, false).map_err(|error| {
        // Servers say it in these words; there is no code for it.
        match error.to_string() + &format!("{error:?}") {
            text if text.contains("not our ref") || text.contains("bad object") => {
                RepositoryError::NoSuchCommit(commit.to_string())
            }
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
    Ok(Received { commit, hash, pack })
}

/// The commit that one of these names stands for.
fn lock(found: &[Ref], names: &[String], asked: &str) -> Result<ObjectId, RepositoryError> {
    let mut ids = Vec::new();
    for reference in found {
        let (name, id) = match reference {
            Ref::Peeled { full_ref_name, object, .. }
            | Ref::Direct { full_ref_name, object }
            | Ref::Symbolic { full_ref_name, object, .. } => (full_ref_name, object),
            Ref::Unborn { .. } => continue,
        };
        // Prefixes are all that can be asked for: `main` brings `main-2` along.
        if names.iter().any(|wanted| name == wanted.as_str()) {
            ids.push(*id);
        }
    }
    match ids.as_slice() {
        [id] => Ok(*id),
        [] if asked == "HEAD" => Err(RepositoryError::Empty),
        [] => Err(RepositoryError::UnknownReference { got: asked.to_owned() }),
        _ => Err(RepositoryError::AmbiguousReference { got: asked.to_owned() }),
    }
}

/// One commit, its whole tree, no history.
fn arguments(handshake: &Handshake, commit: ObjectId, file: u64) -> Result<Arguments, RepositoryError> {
    let mut features = Command::Fetch.default_features(Protocol::V2, &handshake.capabilities);
    // What remains is understood here; the other capabilities change the shape of the answer.
    features.retain(|(name, _)| matches!(*name, "shallow" | "filter" | "object-format"));
    features.push(("agent", Some(AGENT.to_owned())));
    let mut arguments = Arguments::new(Protocol::V2, features, false);
    if !arguments.can_use_deepen() {
        return Err(RepositoryError::Unsupported("a single commit without its history"));
    }
    arguments.deepen(1);
    if arguments.can_use_filter() {
        // Files of this size and above stay where they are.
        arguments.filter(&format!("blob:limit={}", file.saturating_add(1)));
    }
    arguments.want(commit);
    Ok(arguments)
}
