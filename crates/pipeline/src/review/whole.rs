//! A whole review in one go, for whoever waits for it.

use sigma_core::Ruling;

use super::{Examination, Intake};
use crate::{Audit, AuditError, AuditOptions, Coordination, Hall, Next, Progress};

/// What a review came to.
#[derive(Debug)]
pub enum Review {
    /// The packages stand in its way: nothing of it was run.
    Halted {
        /// The packages.
        audit: Box<Audit>,
        /// Why.
        coordination: Coordination,
    },
    /// The council has ruled.
    Ruled {
        /// The packages, where they were reviewed.
        audit: Option<Box<Audit>>,
        /// What it ruled on.
        examination: Box<Examination>,
        /// The ruling.
        ruling: Ruling,
    },
}

impl Hall {
    /// Reviews a submission: its packages first, and its code if they stand in nobody's way.
    ///
    /// # Errors
    /// When an ecosystem does not answer, or for a fault of ours.
    pub async fn review_submission(
        &self,
        intake: &Intake,
        options: &AuditOptions,
        progress: &dyn Progress,
    ) -> Result<Review, AuditError> {
        let options = AuditOptions { stop_early: true, ..*options };
        let audit = match intake.category.has_packages() {
            true => Some(Box::new(self.audit_project(intake.manifests.clone(), &options, progress).await?)),
            false => None,
        };
        if let Some(audit) = &audit {
            let coordination = Coordination::of(audit);
            if coordination.next != Next::Proceed {
                return Ok(Review::Halted { audit: audit.clone(), coordination });
            }
        }
        let examination = Box::new(self.examine_code(intake, audit.as_deref(), progress).await?);
        let ruling = self.rule_code(&examination, progress).await?;
        Ok(Review::Ruled { audit, examination, ruling })
    }
}
