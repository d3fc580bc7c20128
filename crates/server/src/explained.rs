//! What the codes of problem documents mean, and what to do: what their `type` leads to.

use crate::problem::Code;

impl Code {
    /// What it means, and what whoever meets it can do.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::InvalidRegistry => "The registry in the address is `pypi` or `npm`; others are not covered.",
            Self::InvalidName => {
                "The name could not be that of a package in this registry. A scoped npm name is `@scope/name` or `@scope%2Fname`."
            }
            Self::InvalidVersion => {
                "Certificates are about exact versions. A range, a tag such as `latest` or an empty version has none: resolve it first."
            }
            Self::InvalidPath => "The address is not UTF-8 once its percent-encoding is undone.",
            Self::InvalidQuery => {
                "A parameter is unknown, missing or out of bounds; the detail names it. A cursor is to be sent as it was received."
            }
            Self::InvalidBody => {
                "The body is not the JSON that this address takes; the detail says where, /reference what it takes."
            }
            Self::InvalidHash => "A SHA-256 is 64 hexadecimal digits.",
            Self::InvalidId => "No certificate has an id of this form.",
            Self::InvalidHeader => "A header is missing or not what it should be; the detail names it.",
            Self::InvalidManifest => {
                "The files that were sent are no manifests or lockfiles that can be read. The detail says which and why."
            }
            Self::InvalidSubmission => {
                "The code cannot be reviewed as it is. `problems` lists everything that stands in the way, each with a remedy. Nothing is owed."
            }
            Self::Unauthorized => {
                "Send `Authorization: Bearer sgm_...` with a token that is neither expired nor revoked. Operators make them: sigma token create."
            }
            Self::MissingScope => {
                "The token is good, and not for this. Scopes do not contain each other: read, submit, admin."
            }
            Self::Conflict => {
                "The same idempotency key was sent for something else, or what is to be changed has changed meanwhile. Look, then send anew."
            }
            Self::TooMany => {
                "There are as many of these as one owner may have. Remove some, or wait until some are done."
            }
            Self::NotCertified => {
                "No certificate was issued for exactly this. That says nothing about whether it is safe: it was not looked at."
            }
            Self::NotFound => {
                "There is nothing at this address, or nothing of yours: what belongs to others is answered in the same way."
            }
            Self::MethodNotAllowed => {
                "The address exists, and does not take this method. The header Allow lists those that it takes."
            }
            Self::NotAcceptable => {
                "`Accept-Encoding` refuses every encoding that there is, and a body that is not compressed. Accept one, or send no such header."
            }
            Self::BodyTimeout => {
                "The rest of the body did not arrive as long as the server waited. Send it again, as a whole."
            }
            Self::BodyTooLarge => "The body is larger than this server reads. Send less, or in parts.",
            Self::UriTooLong => {
                "The address is longer than this server reads. Many packages are asked for in one body: POST .../batch."
            }
            Self::HeadTooLarge => {
                "The request's first line and headers are together larger than 32 KiB. Nothing that is asked here needs more than two."
            }
            Self::UnsupportedMediaType => "Send `Content-Type: application/json`, and a body that is not compressed.",
            Self::RateLimited => {
                "Too many requests came from your address or token. Retry-After says after how many seconds to go on."
            }
            Self::Forbidden => {
                "This is for other addresses than yours, such as figures for those who watch the server."
            }
            Self::Timeout => "The answer took longer than the server waits. Try again after Retry-After.",
            Self::Unavailable => {
                "The server, or an ecosystem that it has to ask, does not answer at the moment. Try again after Retry-After; nothing was done."
            }
            Self::Internal => {
                "The server failed, and nothing about your request has to be wrong. Tell its operator the id in `instance`."
            }
        }
    }
}
