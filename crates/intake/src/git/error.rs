//! Why a repository was not taken in.

use std::time::Duration;

use crate::address::AddressError;

/// Why a repository was not taken in. Texts are printable.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The address is not one of a repository.
    #[error("got `{got}`, expected {expected}")]
    Address {
        /// What was given.
        got: String,
        /// What an address looks like.
        expected: &'static str,
    },
    /// The address carries a name or a password. It is not repeated.
    #[error("the address carries credentials, expected the address of a public repository without any")]
    Credentials,
    /// The host is not allowed.
    #[error("got host `{got}`, expected one of: {expected}")]
    Host {
        /// What was given.
        got: String,
        /// The allowed hosts.
        expected: String,
    },
    /// The host does not lie on the public internet, or nowhere.
    #[error(transparent)]
    Screened(#[from] AddressError),
    /// Nothing that git would take for a branch, a tag or a commit.
    #[error("got reference `{got}`, expected a branch, a tag or a whole commit id")]
    Reference {
        /// What was given.
        got: String,
    },
    /// Nothing has that name.
    #[error("there is no branch or tag `{got}`; a commit needs all of its digits")]
    UnknownReference {
        /// What was given.
        got: String,
    },
    /// A branch and a tag have that name.
    #[error("`{got}` is a branch and a tag: say refs/heads/{got} or refs/tags/{got}")]
    AmbiguousReference {
        /// What was given.
        got: String,
    },
    /// The server does not have that commit.
    #[error("the repository has no commit {0}")]
    NoSuchCommit(String),
    /// No branch or tag of the repository leads to it: it may be a fork's, or gone.
    #[error("no branch or tag of the repository leads to {0}: it may be the commit of a fork")]
    ForeignCommit(String),
    /// The history is too long to say whether the commit is the repository's own.
    #[error(
        "the history is too long to say whether a branch or tag leads to {0}: name a branch or a tag that stands at it"
    )]
    LongHistory(String),
    /// The object is a file, a folder or a tag.
    #[error("{0} is not a commit")]
    NotACommit(String),
    /// No commit, or a commit without files.
    #[error("the repository is empty")]
    Empty,
    /// Private, misspelt or gone: servers do not tell which.
    #[error("the repository does not exist or is not public (status {0})")]
    NotPublic(u16),
    /// It moved. Redirects are not followed.
    #[error("the server leads to another address, `{0}`: submit that one")]
    Moved(String),
    /// The server answered with another status.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// The time is over.
    #[error("the repository was not fetched within {} s", .0.as_secs())]
    Late(Duration),
    /// More than is taken.
    #[error("the repository has more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is taken.
        limit: u64,
    },
    /// The server cannot do what is needed.
    #[error("the server does not offer {0}")]
    Unsupported(&'static str),
    /// Its certificate does not show that it is the host: expired, of another name, or of an authority that nobody trusts.
    #[error("the server does not prove to be that host: {0}")]
    Certificate(String),
    /// The server does not speak git, or broke off.
    #[error("the server does not answer as a git server should: {0}")]
    Protocol(String),
    /// What the server sent is damaged.
    #[error("what the server sent is damaged: {0}")]
    Damaged(String),
    /// Our own disk.
    #[error("the repository could not be kept: {0}")]
    Io(#[from] std::io::Error),
}

impl RepositoryError {
    /// A stable word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "repository.address",
            Self::Credentials => "repository.credentials",
            Self::Host { .. } => "repository.host",
            Self::Screened(_) => "repository.not_public_address",
            Self::Reference { .. } => "repository.reference",
            Self::UnknownReference { .. } => "repository.unknown_reference",
            Self::AmbiguousReference { .. } => "repository.ambiguous_reference",
            Self::NoSuchCommit(_) => "repository.no_such_commit",
            Self::ForeignCommit(_) => "repository.foreign_commit",
            Self::LongHistory(_) => "repository.long_history",
            Self::NotACommit(_) => "repository.not_a_commit",
            Self::Empty => "repository.empty",
            Self::NotPublic(_) => "repository.not_public",
            Self::Moved(_) => "repository.moved",
            Self::Status(_) => "repository.status",
            Self::Late(_) => "repository.late",
            Self::TooLarge { .. } => "repository.too_large",
            Self::Unsupported(_) => "repository.unsupported",
            Self::Certificate(_) => "repository.certificate",
            Self::Protocol(_) => "repository.protocol",
            Self::Damaged(_) => "repository.damaged",
            Self::Io(_) => "repository.io",
        }
    }

    /// Whether the same submission may succeed later: the fault is the network's, the server's or ours.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Late(_) | Self::Protocol(_) | Self::Damaged(_) | Self::Io(_) => true,
            Self::Screened(error) => !matches!(error, AddressError::NotPublic { .. }),
            Self::Status(code) => *code == 429 || *code >= 500,
            _ => false,
        }
    }
}
