use sigma_core::{CodeLanguage, ComplexityTier, SecurityLevel};

use super::*;
use crate::{Action, Decision, Endpoints, FILES_HASH_ALGORITHM, OnChain};

fn payload() -> SubmissionPayload {
    SubmissionPayload {
        certificate_schema_version: 3,
        category: SubmissionCategory::Code,
        skill_name: "weather".to_owned(),
        skill_version: None,
        council_verdict: CouncilVerdict::Approved,
        certified_at: Timestamp::from_millis(1_700_000_000_000),
        source: SourceBlock {
            source_type: SourceType::Git,
            source_url: "https://github.com/example/weather".to_owned(),
            source_ref: "main".to_owned(),
            commit: "0".repeat(40),
            folder: String::new(),
            entry: Some("main.py".to_owned()),
        },
        review: Review {
            security_level: SecurityLevel::Clear,
            retained_errors: vec![],
            retained_warnings: vec![],
            sandbox_risk_level: None,
            sandbox_analyzed_at: None,
        },
        manifest: None,
        endpoint_review: None,
        code_review: Some(CodeReview {
            source_integrity: SourceIntegrity {
                repository_url: "https://github.com/example/weather".to_owned(),
                commit_sha: "0".repeat(40),
                language: CodeLanguage::Python,
                entry_point: "main.py".to_owned(),
                code_files_hash: Sha256::of(b""),
                code_files_hash_algorithm: FILES_HASH_ALGORITHM.to_owned(),
                files: vec![],
            },
            pre_processor: PreProcessorSummary {
                complexity_tier: ComplexityTier::Standard,
                files_analysed: 1,
                files_parsed: 1,
                files_not_read_in_full: 0,
                dependencies_pinned: None,
                capabilities: vec![],
                hosts: vec![],
                findings_reachable: 0,
                findings_unreachable: 0,
                manifest_delta: None,
                undeclared_imports: vec![],
                unused_packages: vec![],
            },
            execution: ExecutionSummary {
                status: "skipped".to_owned(),
                reason: Some("turned off".to_owned()),
                sandbox_tier: None,
                interpreter: None,
                network_attempts: 0,
                network: vec![],
                spawn_attempts: 0,
                spawns: vec![],
                files_written: 0,
                writes: vec![],
                refused_calls: Default::default(),
                exercised: vec![],
                functions_reached: 0,
                functions_total: None,
                description: "The code was not run: turned off.".to_owned(),
                retained_risk_flags: vec![],
                harness: None,
            },
            disclaimer: "d".to_owned(),
        }),
        package_analysis: None,
        advisory_note: None,
        round_id: "rnd_x".to_owned(),
        round_type: "two-phase".to_owned(),
        ballots: vec![],
        council_rationale: "both panels found no concern".to_owned(),
        ruleset_version: "test".to_owned(),
        report_hash: Sha256::of(b""),
        supersedes: None,
        disclosures: vec![],
    }
}

#[test]
fn bytes_are_the_certificate() {
    let sealed = SubmissionCertificate::seal(payload()).unwrap();
    let opened = SubmissionCertificate::open(sealed.canonical().to_vec()).unwrap();
    assert_eq!(opened, sealed);
    assert!(sealed.id().starts_with("sig_") && sealed.id().len() == 36);
    let mut spaced = sealed.canonical().to_vec();
    spaced.push(b'\n');
    assert!(matches!(SubmissionCertificate::open(spaced), Err(SealError::NotCanonical)));
}

#[test]
fn the_version_says_which_blocks_there_are() {
    let check = |change: &dyn Fn(&mut SubmissionPayload)| {
        let mut payload = payload();
        change(&mut payload);
        assert!(matches!(SubmissionCertificate::seal(payload), Err(SealError::Blocks(_))));
    };
    check(&|payload| payload.certificate_schema_version = 4);
    check(&|payload| payload.code_review = None);
    check(&|payload| payload.category = SubmissionCategory::CodePackages);
    check(&|payload| payload.category = SubmissionCategory::SkillCode);
    let mut escalated = payload();
    escalated.council_verdict = CouncilVerdict::Escalated;
    assert!(matches!(SubmissionCertificate::seal(escalated), Err(SealError::EscalatedSubmission(_))));
}

#[test]
fn the_view_hashes_to_the_payload_hash_until_somebody_decides() {
    let sealed = SubmissionCertificate::seal(payload()).unwrap();
    let endpoints = Endpoints::new("https://sigma.example");
    let json = |decision: Option<&Decision>| {
        serde_json::to_value(sealed.view(&endpoints, decision, OnChain::not_committed("anchoring is off"))).unwrap()
    };
    let mut view = json(None);
    for outside in [
        "certificateId",
        "onChain",
        "operatorDecision",
        "payloadHash",
        "payloadHashAlgorithm",
        "status",
        "verifyEndpoint",
    ] {
        assert!(view.as_object_mut().unwrap().remove(outside).is_some(), "{outside}");
    }
    assert_eq!(payload_hash(&canonical_bytes(&view).unwrap()), sealed.payload_hash());
    let decision = Decision {
        seq: 1,
        action: Action::Revoke,
        reason: "a key leaked".to_owned(),
        at: Timestamp::from_millis(1_700_000_000_001),
    };
    let view = json(Some(&decision));
    assert_eq!((&view["status"], &view["review"]["securityLevel"]), (&"REVOKED".into(), &"BLOCKED".into()));
    let verify = sealed.verify_view(&endpoints, Some(&decision), OnChain::not_committed("anchoring is off"), Some(2));
    assert!(!verify.valid && verify.active_flag_count == Some(2));
    assert_eq!(verify.payload, sealed.payload());
}
