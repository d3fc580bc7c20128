//! What each oddity of an archive means, and how much it matters.

use sigma_core::Severity;

use crate::archive::{Oddity, OddityKind};

/// An oddity with its weight.
pub(crate) struct Judged {
    pub path: String,
    pub detail: String,
    pub severity: Severity,
    pub message: &'static str,
}

/// Weighs an oddity. High is kept for what honest tools never write and what makes two readers see different files.
pub(super) fn judge(oddity: Oddity) -> Judged {
    use Severity::{High, Info, Low, Medium};
    let (severity, message) = match oddity.kind {
        OddityKind::PathTraversal => (High, "A path in the archive leads out of the folder it is unpacked to."),
        OddityKind::AbsolutePath => (High, "A path in the archive begins at the root of the file system."),
        OddityKind::LinkOutside => (High, "A link in the archive points out of the folder it is unpacked to."),
        OddityKind::OverlappingEntries => (High, "Two files of the archive share bytes."),
        OddityKind::HeaderMismatch => {
            (High, "The archive says two different things about one file, so that tools unpack different files.")
        }
        OddityKind::Bomb => (High, "The archive unpacks to far more than its size explains."),
        OddityKind::Encrypted => (High, "A file in the archive is encrypted."),
        OddityKind::MultipleEndRecords => {
            (Medium, "The archive holds more than one directory, so that tools may unpack different files.")
        }
        OddityKind::DuplicateName => {
            (Medium, "Two files of the archive have the same path; tools differ in which one they keep.")
        }
        OddityKind::SetuidBit => (Medium, "A file in the archive would run with the rights of another user."),
        OddityKind::BadChecksum => (Medium, "A checksum inside the archive does not fit."),
        OddityKind::Truncated => (Medium, "The archive ends early."),
        OddityKind::Device => (Medium, "The archive holds a device or a pipe."),
        OddityKind::BadName => {
            (Low, "A path in the archive holds characters that are hidden or mean something else on other systems.")
        }
        OddityKind::LeadingBytes => (Low, "Bytes that belong to nothing stand before the archive."),
        OddityKind::TrailingBytes => (Low, "Bytes that belong to nothing stand in or after the archive."),
        OddityKind::CaseCollision => (Low, "Two paths of the archive differ in upper and lower case only."),
        OddityKind::LongPath => (Low, "A path in the archive is longer than the limit."),
        OddityKind::Link => (Info, "The archive holds a link."),
    };
    Judged { path: oddity.path, detail: oddity.detail, severity, message }
}
