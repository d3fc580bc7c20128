//! The part of verification that every bundle shares: signature, entry, checkpoint, inclusion, time, witnesses.

use sigma_core::{Timestamp, printable};
use tlog_tiles::tlog::{Hash, check_record, record_hash};

use super::report::{Checks, Name};
use super::{MAX_BUNDLE, Policy, SKEW};
use crate::bundle::Bundle;
use crate::checkpoint::Checkpoint;
use crate::log::{WitnessPolicy, promise_message};
use crate::note::Note;
use crate::root::{Revocation, TrustedRoot, ValidFor};
use crate::statement::{PAYLOAD_TYPE, Statement};

/// A path in a tree of 2^53 entries has no more hashes.
const MAX_PROOF: usize = 63;

/// Why a statement is not proven: the check that failed, and its reason.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotAttested(pub(super) String);

/// Verifies the bundle of any statement: signature, entry, checkpoint, inclusion, time and witnesses.
///
/// # Errors
/// When one of them does not hold.
pub fn verify_statement(bundle: &[u8], root: &TrustedRoot, policy: &Policy) -> Result<Attested, NotAttested> {
    let wrong = |error: String| NotAttested(format!("format: {}", printable(&error, 200)));
    let value = sigma_certificate::admit(bundle, MAX_BUNDLE).map_err(|error| wrong(error.to_string()))?;
    let bundle: Bundle = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
    attest(&bundle, root, policy)
}

/// The same for a bundle that was read.
pub(super) fn attest(bundle: &Bundle, root: &TrustedRoot, policy: &Policy) -> Result<Attested, NotAttested> {
    let mut checks = Checks::default();
    check(bundle, root, policy, &mut checks)
        .map_err(|()| NotAttested(checks.failure().unwrap_or_else(|| "it is not proven".to_owned())))
}

/// What is proven of a bundle.
#[derive(Debug)]
pub struct Attested {
    /// What was signed.
    pub statement: Statement,
    /// Its position in the log.
    pub index: u64,
    /// When it was logged.
    pub time: Timestamp,
    /// The state of the log that the proof is for.
    pub checkpoint: Checkpoint,
}

pub(super) fn check(bundle: &Bundle, root: &TrustedRoot, policy: &Policy, checks: &mut Checks) -> Result<Attested, ()> {
    let entry = bundle.entry();
    let (key, issuer) = checks.run(Name::Signature, || {
        let envelope = &bundle.dsse_envelope;
        let hint = &bundle.verification_material.public_key.hint;
        let found = root.issuer(hint).ok_or_else(|| format!("the root has no issuer key {}", printable(hint, 80)))?;
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(format!("got the type `{}`, expected `{PAYLOAD_TYPE}`", printable(&envelope.payload_type, 80)));
        }
        if !envelope.verify(found.0) {
            return Err(format!("it is not a signature over this envelope by the key {}", found.0.id()));
        }
        Ok((format!("ECDSA P-256 by {}", found.0.id()), found))
    })?;
    checks.run(Name::Entry, || {
        let kind = &entry.kind_version;
        if (kind.kind.as_str(), kind.version.as_str()) != ("hashedrekord", "0.0.2") {
            return Err("expected an entry of the kind hashedrekord 0.0.2".to_owned());
        }
        if entry.canonicalized_body.0 != bundle.dsse_envelope.leaf(key) {
            return Err("the entry is not that of this envelope".to_owned());
        }
        Ok(("the entry names this envelope, its signature and its key".to_owned(), ()))
    })?;
    let proof = &entry.inclusion_proof;
    let (log, authority, note, checkpoint) = checks.run(Name::Checkpoint, || {
        let (log, authority) = root.log(&entry.log_id.key_id.0).ok_or("the root has no log with this id")?;
        let (note, checkpoint) =
            Checkpoint::of_note(&proof.checkpoint.envelope, log.name()).map_err(|error| error.to_string())?;
        if note.signed_by(log).map_err(|error| error.to_string())?.is_none() {
            return Err(format!("it is not signed by the log {}", log.name()));
        }
        if proof.tree_size.0 != checkpoint.size || proof.root_hash.0 != checkpoint.root {
            return Err("size and root beside the proof are not those of the checkpoint".to_owned());
        }
        Ok((format!("{} at {} entries", log.name(), checkpoint.size), (log, authority, note, checkpoint)))
    })?;
    let index = checks.run(Name::Inclusion, || {
        let index = proof.log_index.0;
        if entry.log_index != proof.log_index {
            return Err("the entry has two positions".to_owned());
        }
        let hashes = proof.hashes.iter().map(|hash| hash.0.as_slice().try_into().map(Hash));
        let hashes = hashes.collect::<Result<Vec<_>, _>>().map_err(|_| "a hash of the proof has not 32 bytes")?;
        if hashes.len() > MAX_PROOF {
            return Err(format!("got a proof of {} hashes, expected at most {MAX_PROOF}", hashes.len()));
        }
        let leaf = record_hash(&entry.canonicalized_body.0);
        check_record(&hashes, checkpoint.size, Hash(checkpoint.root), index, leaf)
            .map_err(|_| format!("it does not lead from entry {index} to the root of the checkpoint"))?;
        Ok((format!("entry {index} of {}", checkpoint.size), index))
    })?;
    let time = checks.run(Name::LogTime, || {
        let seconds = entry.integrated_time.0;
        let message = promise_message(log, &entry.canonicalized_body.0, seconds, index);
        if !log.key().verify(&message, &entry.inclusion_promise.signed_entry_timestamp.0) {
            return Err("the log did not sign this time".to_owned());
        }
        let time = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1000));
        let time = Timestamp::from_millis(time.ok_or("the time is out of range")?);
        if time.as_millis() > policy.now.as_millis().saturating_add(SKEW) {
            return Err(format!("it was logged in the future, at {time}"));
        }
        good_at(time, "issuer", &issuer.valid_for, issuer.revoked.as_ref())?;
        good_at(time, "log", &authority.valid_for, authority.revoked.as_ref())?;
        Ok((format!("logged at {time}, when the keys of issuer and log were good"), time))
    })?;
    witnesses(&note, log, root.witnesses(), policy, checks)?;
    let statement = match Statement::parse(&bundle.dsse_envelope.payload.0) {
        Ok(statement) => statement,
        Err(error) => return checks.run(Name::Statement, || Err(printable(&error.to_string(), 200))),
    };
    Ok(Attested { statement, index, time, checkpoint })
}

/// Whether a key was believed at a time. Today does not matter.
fn good_at(time: Timestamp, whose: &str, window: &ValidFor, revoked: Option<&Revocation>) -> Result<(), String> {
    if time < window.start {
        return Err(format!("it was logged at {time}; the key of the {whose} is good from {} on", window.start));
    }
    if let Some(end) = window.end.filter(|end| time >= *end) {
        return Err(format!("it was logged at {time}; the key of the {whose} expired at {end}"));
    }
    if let Some(revoked) = revoked.filter(|revoked| time >= revoked.since) {
        let (since, reason) = (revoked.since, printable(&revoked.reason, 120));
        return Err(format!("it was logged at {time}; the key of the {whose} is revoked since {since}: {reason}"));
    }
    Ok(())
}

fn witnesses(
    note: &Note,
    log: &crate::note::NoteKey,
    known: &WitnessPolicy,
    policy: &Policy,
    checks: &mut Checks,
) -> Result<(), ()> {
    let wanted = policy.witnesses.unwrap_or(known.threshold);
    let signed = match known.signed(note) {
        Ok(signed) => signed,
        Err(error) => return checks.run(Name::Witnesses, || Err(error.to_string())),
    };
    // A witness that saw a checkpoint tomorrow is no witness.
    let latest = policy.now.as_millis().saturating_add(SKEW) / 1000;
    let seen = signed.iter().filter(|(_, time)| i64::try_from(*time).is_ok_and(|time| time <= latest)).count();
    let ours = |line: &&crate::note::NoteSignature| {
        std::iter::once(log).chain(&known.keys).any(|key| key.name() == line.name && key.id() == line.id)
    };
    let unknown = note.signatures().len() - note.signatures().iter().filter(ours).count();
    let mut detail = format!("{seen} signed, {wanted} asked for");
    if unknown > 0 {
        detail.push_str(&format!("; {unknown} signatures by keys that the root does not know"));
    }
    if seen == 0 && wanted == 0 {
        checks.not_proven(Name::Witnesses, detail);
        return Ok(());
    }
    checks.run(Name::Witnesses, || if seen >= wanted { Ok((detail, ())) } else { Err(detail) })
}
