//! Every table that is copied, with its columns: what a migration adds is added here.

use Column::{Bytes, Number, Text};

/// A table: its columns with their kind, and how many of the first columns are its key.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Column)],
    key: usize,
}

#[derive(Clone, Copy)]
pub(super) enum Column {
    Text,
    Number,
    Bytes,
}

impl Table {
    /// The columns, as SQL names them.
    pub(super) fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// All rows, in the order of the key.
    pub(super) fn select(&self) -> String {
        let key: Vec<_> = self.columns.iter().take(self.key).map(|(name, _)| *name).collect();
        format!("SELECT {} FROM {} ORDER BY {}", self.names(), self.name, key.join(", "))
    }
}

/// Every table but `package_change`, which tells readers of one database what happened in it; those that others refer to first. A test
/// compares the list with the database's own.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "certificate",
        columns: &[
            ("id", Text),
            ("ecosystem", Text),
            ("name", Text),
            ("version", Text),
            ("distribution_sha256", Text),
            ("ruleset", Text),
            ("replaces", Text),
            ("level", Text),
            ("certified_at", Number),
            ("payload_hash", Text),
            ("payload", Bytes),
            ("report", Bytes),
            ("round", Bytes),
        ],
        key: 1,
    },
    Table {
        name: "certificate_digest",
        columns: &[("digest", Text), ("certificate_id", Text), ("preferred", Number)],
        key: 2,
    },
    Table {
        name: "escalation",
        columns: &[
            ("id", Text),
            ("ecosystem", Text),
            ("name", Text),
            ("version", Text),
            ("distribution_sha256", Text),
            ("ruleset", Text),
            ("replaces", Text),
            ("escalated_at", Number),
            ("payload", Bytes),
            ("report", Bytes),
            ("round", Bytes),
            ("decided_at", Number),
            ("certificate_id", Text),
        ],
        key: 1,
    },
    Table {
        name: "flag",
        columns: &[
            ("id", Text),
            ("ecosystem", Text),
            ("name", Text),
            ("version", Text),
            ("certificate_id", Text),
            ("category", Text),
            ("text", Text),
            ("contact", Text),
            ("created_at", Number),
            ("state", Text),
            ("settled_at", Number),
        ],
        key: 1,
    },
    Table {
        name: "incident",
        columns: &[
            ("ecosystem", Text),
            ("name", Text),
            ("version", Text),
            ("filename", Text),
            ("expected", Text),
            ("got", Text),
            ("authority", Text),
            ("seen_at", Number),
        ],
        key: 6,
    },
    Table { name: "resolution", columns: &[("key", Text), ("resolved_at", Number), ("graph", Bytes)], key: 1 },
    Table {
        name: "admin_event",
        columns: &[
            ("seq", Number),
            ("action", Text),
            ("subject", Text),
            ("level", Text),
            ("detail", Text),
            ("reason", Text),
            ("operator", Text),
            ("decided_at", Number),
        ],
        key: 1,
    },
    Table {
        name: "advisory",
        columns: &[("ecosystem", Text), ("name", Text), ("version", Text), ("queried_at", Number), ("snapshot", Bytes)],
        key: 3,
    },
    Table {
        name: "booking",
        columns: &[
            ("submission", Text),
            ("certificate_id", Text),
            ("kind", Text),
            ("usd", Number),
            ("booked_at", Number),
        ],
        key: 2,
    },
    Table {
        name: "popular_list",
        columns: &[("ecosystem", Text), ("source", Text), ("taken_on", Text), ("names", Text)],
        key: 1,
    },
    Table {
        name: "job",
        columns: &[
            ("id", Text),
            ("kind", Text),
            ("class", Text),
            ("key", Text),
            ("priority", Number),
            ("payload", Bytes),
            ("outcome", Bytes),
            ("state", Text),
            ("attempts", Number),
            ("max_attempts", Number),
            ("due_at", Number),
            ("lease", Number),
            ("lease_owner", Text),
            ("last_error", Text),
            ("created_at", Number),
            ("updated_at", Number),
            ("outage", Text),
            ("rested", Number),
        ],
        key: 1,
    },
    Table { name: "job_wait", columns: &[("waiter", Text), ("awaited", Text)], key: 2 },
    Table {
        name: "job_retry",
        columns: &[
            ("job", Text),
            ("lease", Number),
            ("operator", Text),
            ("reason", Text),
            ("error", Text),
            ("at", Number),
        ],
        key: 2,
    },
    Table {
        name: "token",
        columns: &[
            ("prefix", Text),
            ("sha256", Text),
            ("scopes", Text),
            ("owner", Text),
            ("created_at", Number),
            ("expires_at", Number),
            ("revoked_at", Number),
            ("last_used_at", Number),
        ],
        key: 1,
    },
    Table {
        name: "draft",
        columns: &[("id", Text), ("owner", Text), ("project", Bytes), ("created_at", Number)],
        key: 1,
    },
    Table {
        name: "submission",
        columns: &[
            ("id", Text),
            ("owner", Text),
            ("draft", Text),
            ("job", Text),
            ("state", Text),
            ("project", Bytes),
            ("plan", Bytes),
            ("result", Bytes),
            ("events", Number),
            ("created_at", Number),
            ("updated_at", Number),
        ],
        key: 1,
    },
    Table {
        name: "submission_event",
        columns: &[("submission", Text), ("seq", Number), ("kind", Text), ("data", Bytes), ("at", Number)],
        key: 2,
    },
    Table {
        name: "submission_certificate",
        columns: &[
            ("id", Text),
            ("submission", Text),
            ("category", Text),
            ("repository", Text),
            ("folder", Text),
            ("entry", Text),
            ("words", Text),
            ("level", Text),
            ("certified_at", Number),
            ("payload_hash", Text),
            ("payload", Bytes),
            ("dossier", Bytes),
            ("round", Bytes),
        ],
        key: 1,
    },
    Table {
        name: "submission_escalation",
        columns: &[("submission", Text), ("escalated_at", Number), ("dossier", Bytes), ("round", Bytes)],
        key: 1,
    },
    Table {
        name: "transcript",
        columns: &[
            ("prompt_sha256", Text),
            ("validator", Text),
            ("asked_at", Number),
            ("request", Bytes),
            ("answer", Bytes),
        ],
        key: 3,
    },
    Table {
        name: "attestation",
        columns: &[
            ("subject", Text),
            ("envelope", Bytes),
            ("log_index", Number),
            ("logged_at", Number),
            ("promise", Bytes),
        ],
        key: 1,
    },
    Table { name: "ledger", columns: &[("origin", Text), ("since", Number), ("walked", Text)], key: 1 },
    Table { name: "unannounced", columns: &[("id", Text)], key: 1 },
    Table {
        name: "anchor",
        columns: &[
            ("seq", Number),
            ("chain_id", Number),
            ("contract", Text),
            ("kind", Text),
            ("log_size", Number),
            ("root", Text),
            ("state", Text),
            ("reason", Text),
            ("tx", Text),
            ("block", Number),
            ("block_at", Number),
            ("created_at", Number),
            ("updated_at", Number),
        ],
        key: 1,
    },
    Table {
        name: "contract",
        columns: &[("chain_id", Number), ("contract", Text), ("takes", Number), ("walked", Text), ("decided", Number)],
        key: 1,
    },
    Table {
        name: "uncommitted",
        columns: &[("chain_id", Number), ("certificate_id", Text), ("certified_at", Number)],
        key: 2,
    },
    Table {
        name: "anchor_certificate",
        columns: &[
            ("chain_id", Number),
            ("contract", Text),
            ("kind", Text),
            ("certificate_id", Text),
            ("payload_hash", Text),
            ("anchor", Number),
        ],
        key: 4,
    },
    Table {
        name: "anchor_transaction",
        columns: &[
            ("chain_id", Number),
            ("sender", Text),
            ("nonce", Number),
            ("attempt", Number),
            ("anchor", Number),
            ("hash", Text),
            ("raw", Bytes),
            ("max_fee", Number),
            ("tip", Number),
            ("signed_at", Number),
        ],
        key: 4,
    },
    Table { name: "source_tree", columns: &[("sha256", Text), ("files", Bytes), ("added_at", Number)], key: 1 },
    Table { name: "blob", columns: &[("sha256", Text), ("sha512", Text), ("sha1", Text), ("size", Number)], key: 1 },
];

/// Every `table.column` that is copied.
#[cfg(test)]
pub(crate) fn columns() -> std::collections::BTreeSet<String> {
    let of =
        |table: &Table| table.columns.iter().map(|(column, _)| format!("{}.{column}", table.name)).collect::<Vec<_>>();
    TABLES.iter().flat_map(of).collect()
}
