//! What submissions took from the store and what they added to it. Figures that the public sees are sums of these rows, never
//! estimates.

use sigma_core::Timestamp;
use sqlx::{AssertSqlSafe, Row as _};

use crate::database::placeholders;
use crate::{Store, StoreError, Writing};

/// What a submission did with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BookingKind {
    /// Found it in the store, at no cost.
    Reused,
    /// Had it made.
    Audited,
}

/// One certificate in one submission. The pair is the key: booking it again changes nothing, so a submission that audited a
/// package itself saves nothing when it is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// What tells submissions apart.
    pub submission: String,
    /// The certificate's id.
    pub certificate: String,
    /// What was done with it.
    pub kind: BookingKind,
    /// Whole USD that were saved, or are due.
    pub usd: u64,
    /// When.
    pub at: Timestamp,
}

/// Sums over all bookings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Submissions with packages.
    pub submissions: u64,
    /// Those of them that found at least one certificate.
    pub benefiting: u64,
    /// Whole USD that they saved.
    pub saved_usd: u64,
}

impl Writing {
    /// Records what a submission did.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn book(&mut self, bookings: &[Booking]) -> Result<(), StoreError> {
        // Five values each, and SQLite's limit is 32,766.
        for chunk in bookings.chunks(1_000) {
            let sql = format!(
                "INSERT INTO booking (submission, certificate_id, kind, usd, booked_at) VALUES {}
                 ON CONFLICT DO NOTHING",
                placeholders(1, chunk.len(), 5)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for booking in chunk {
                query = query
                    .bind(&booking.submission)
                    .bind(&booking.certificate)
                    .bind(match booking.kind {
                        BookingKind::Reused => "reused",
                        BookingKind::Audited => "audited",
                    })
                    .bind(i64::try_from(booking.usd).unwrap_or(i64::MAX))
                    .bind(booking.at.as_millis());
            }
            query.execute(&mut *self.transaction).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Records what a submission did, all of it or nothing.
    pub async fn book(&self, bookings: &[Booking]) -> Result<(), StoreError> {
        let mut writing = self.begin().await?;
        writing.book(bookings).await?;
        let now = bookings.first().map_or(Timestamp::from_millis(0), |booking| booking.at);
        writing.commit(now).await
    }

    /// Sums over everything that was booked.
    pub async fn totals(&self) -> Result<Totals, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(DISTINCT submission),
                 COUNT(DISTINCT CASE WHEN kind = 'reused' THEN submission END),
                 CAST(COALESCE(SUM(CASE WHEN kind = 'reused' THEN usd ELSE 0 END), 0) AS BIGINT) FROM booking",
        )
        .fetch_one(&self.database.pool)
        .await?;
        let figure = |index| -> Result<u64, StoreError> { Ok(row.try_get::<i64, _>(index)?.unsigned_abs()) };
        Ok(Totals { submissions: figure(0)?, benefiting: figure(1)?, saved_usd: figure(2)? })
    }
}
