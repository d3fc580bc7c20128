//! What a submission took from the store and added to it, written down once: the public figures are sums of this.

use sigma_store::{Booking, BookingKind};

use crate::pricing::tier_of;
use crate::{Audit, AuditError, Hall, RowState};

impl Hall {
    /// Books every certificate of an audit. `submission` tells submissions apart: the same one again changes nothing, and what it
    /// audited itself is no saving when it comes back.
    pub async fn book(&self, audit: &Audit, submission: &str) -> Result<(), AuditError> {
        Ok(self.store.book(&self.bookings(audit, submission)).await?)
    }

    /// What is booked of an audit.
    pub(crate) fn bookings(&self, audit: &Audit, submission: &str) -> Vec<Booking> {
        let at = self.now();
        audit
            .rows
            .iter()
            .filter_map(|row| {
                let (kind, certificate) = match &row.state {
                    RowState::Cached(certificate) => (BookingKind::Reused, certificate),
                    RowState::Audited(certificate) => (BookingKind::Audited, certificate),
                    RowState::Uncertified(_) => return None,
                };
                Some(Booking {
                    submission: submission.to_owned(),
                    certificate: certificate.id().to_owned(),
                    kind,
                    usd: self.config.prices.price(tier_of(certificate.payload())),
                    at,
                })
            })
            .collect()
    }
}
