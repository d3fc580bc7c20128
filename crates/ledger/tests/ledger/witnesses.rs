//! Witnesses: asked as C2SP tlog-witness says, counted by policy.

use sigma_ledger::bundle::CertificateBundle;
use sigma_ledger::log::{
    Folder, Log, Reader, WitnessAnswer, WitnessError, WitnessPolicy, keep_cosigned, witness_request,
};
use sigma_ledger::{Checkpoint, Name, Note, NoteKey, NoteSignature, Outcome, Policy, State, verify};

use crate::support::{ORIGIN, World, at, certificate, json};
use crate::witness::Witness;

pub fn seconds(offset: i64) -> u64 {
    u64::try_from(at(offset).as_millis() / 1000).unwrap()
}

#[test]
fn witnesses_follow_the_log_and_their_signatures_are_served() {
    let mut world = World::new();
    let log = world.log.key().public().clone();
    let mut witnesses = [Witness::new("w1.example.org", 1, &log), Witness::new("w2.example.org", 2, &log)];
    let policy = WitnessPolicy { keys: witnesses.iter().map(|w| w.key.clone()).collect(), threshold: 2 };
    for count in [0, 3, 300, 1] {
        world.fill(count);
        let reader = world.log.reader().unwrap();
        let mut note = reader.note().clone();
        let mut answers = Vec::new();
        for witness in &mut witnesses {
            let old = witness.seen.as_ref().map_or(0, |seen| seen.size);
            let body = witness_request(&reader, old).unwrap();
            answers.push(witness.add_checkpoint(&body, seconds(50)).unwrap());
        }
        let folder = Folder::read_only(&world.folder());
        let storage = world.log.storage();
        policy.add(&mut note, &answers[0]);
        assert!(!policy.is_met(&note).unwrap(), "one of two is not enough");
        policy.add(&mut note, &answers[1]);
        assert!(policy.is_met(&note).unwrap());
        keep_cosigned(storage, &note).unwrap();
        let cosigned = Reader::open_cosigned(folder, log.clone()).unwrap();
        assert_eq!(cosigned.checkpoint(), reader.checkpoint());
        assert_eq!(policy.signed(cosigned.note()).unwrap().len(), 2);
    }
    // A witness that has seen more says so, and one that is shown another history does not sign.
    let body = witness_request(&world.log.reader().unwrap(), 3).unwrap();
    assert_eq!(witnesses[0].add_checkpoint(&body, seconds(51)), Err(409));
    let forked = World::new();
    let body = witness_request(&forked.log.reader().unwrap(), 0).unwrap();
    assert_eq!(witnesses[0].add_checkpoint(&body, seconds(51)), Err(403), "another key");
    let World { dir, log: writer, .. } = world;
    drop(writer);
    let key = sigma_ledger::keys::LogKey::from_file(&dir.path().join("log.pem"), ORIGIN).unwrap();
    let mut other = Log::create(Folder::open(&dir.path().join("other")).unwrap(), key).unwrap();
    let entries: Vec<_> = (0..400_u32).map(|n| n.to_be_bytes().to_vec()).collect();
    other.append(&entries, at(1)).unwrap();
    let body = witness_request(&other.reader().unwrap(), 304).unwrap();
    assert_eq!(witnesses[0].add_checkpoint(&body, seconds(51)), Err(422), "the log's own key, another history");
}

#[test]
fn answers_of_strangers_and_forgeries_are_not_kept() {
    let world = World::new();
    let log = world.log.key().public().clone();
    let (mut known, mut stranger) = (Witness::new("w.example.org", 1, &log), Witness::new("x.example.org", 9, &log));
    let policy = WitnessPolicy { keys: vec![known.key.clone()], threshold: 1 };
    let reader = world.log.reader().unwrap();
    let body = witness_request(&reader, 0).unwrap();
    let good = known.add_checkpoint(&body, seconds(50)).unwrap();
    let add = |answer: &str| policy.add(&mut reader.note().clone(), answer);
    assert_eq!(add(&good), 1);
    assert_eq!(add(&stranger.add_checkpoint(&body, seconds(50)).unwrap()), 0);
    let mut line = NoteSignature::parse(good.trim_end()).unwrap();
    line.bytes[20] ^= 1;
    assert_eq!(add(&format!("{line}\n")), 0, "forged");
    line.bytes[20] ^= 1;
    line.bytes[7] ^= 1;
    assert_eq!(add(&format!("{line}\n")), 0, "another time");
    assert_eq!(add("nonsense\n— \n\n"), 0);
    assert_eq!(add(&format!("{good}{good}")), 2);
    let mut note = reader.note().clone();
    policy.add(&mut note, &format!("{good}{good}"));
    assert_eq!(policy.signed(&note).unwrap().len(), 1, "twice the same is one");
    let twice = WitnessPolicy {
        keys: vec![known.key.clone(), NoteKey::witness("alias.example.org", known.key.key().clone()).unwrap()],
        threshold: 2,
    };
    let mut note = reader.note().clone();
    let alias = NoteSignature {
        name: "alias.example.org".to_owned(),
        id: twice.keys[1].id(),
        ..NoteSignature::parse(good.trim_end()).unwrap()
    };
    twice.add(&mut note, &format!("{good}{alias}\n"));
    assert_eq!(twice.signed(&note).unwrap().len(), 1, "two names for one key are one witness");
}

#[test]
fn a_verifier_asks_for_as_many_witnesses_as_its_policy_says() {
    let mut world = World::new();
    world.fill(20);
    let log = world.log.key().public().clone();
    let mut witnesses = [Witness::new("w1.example.org", 1, &log), Witness::new("w2.example.org", 2, &log)];
    let keys: Vec<_> = witnesses.iter().map(|w| w.key.clone()).collect();
    let root = world.root.next(at(1), |root| root.set_witnesses(&keys, 1)).unwrap();
    let certificate = certificate("demo", b"x");
    let attestation = world.certify(&certificate);
    let mut bundle = CertificateBundle::new(attestation, certificate.canonical(), None).unwrap();
    let asked = |bundle: &CertificateBundle, witnesses| {
        let report = verify(&json(bundle), &root, None, &Policy { witnesses, ..Policy::at(at(200)) });
        let check = report.checks.iter().find(|check| check.check == Name::Witnesses).unwrap().clone();
        (report.outcome, check.state, check.detail)
    };
    assert_eq!(asked(&bundle, None), (Outcome::Invalid, State::Failed, "0 signed, 1 asked for".to_owned()));
    assert_eq!(asked(&bundle, Some(0)).1, State::NotProven);

    let body = witness_request(&world.log.reader().unwrap(), 0).unwrap();
    let answers: Vec<_> = witnesses.iter_mut().map(|w| w.add_checkpoint(&body, seconds(60)).unwrap()).collect();
    let place = |bundle: &mut CertificateBundle, line: &str| {
        let [entry] = &mut bundle.attestation.verification_material.tlog_entries;
        entry.inclusion_proof.checkpoint.envelope.push_str(line);
    };
    place(&mut bundle, &answers[0]);
    assert_eq!(
        asked(&bundle, None),
        (Outcome::ValidFreshnessUnknown, State::Proven, "1 signed, 1 asked for".to_owned())
    );
    assert_eq!(asked(&bundle, Some(2)).1, State::Failed);
    let one = bundle.clone();
    place(&mut bundle, &answers[1]);
    assert_eq!(asked(&bundle, Some(2)).2, "2 signed, 2 asked for");

    // Every byte of a witness's line: its check fails, or says that somebody unknown signed.
    let good = bundle.attestation.entry().inclusion_proof.checkpoint.envelope.clone();
    let start = good.find("— w2").unwrap() + "— ".len();
    for position in start..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[position] ^= 1;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let mut changed = bundle.clone();
        changed.attestation.verification_material.tlog_entries[0].inclusion_proof.checkpoint.envelope = text;
        let (outcome, state, detail) = asked(&changed, None);
        let noticed = outcome == Outcome::Invalid || state == State::Proven && detail.contains("1 signatures by keys");
        assert!(noticed, "byte {position}: {outcome:?} {detail}");
        assert_eq!(asked(&changed, Some(2)).0, Outcome::Invalid, "byte {position}");
    }
    // A witness of tomorrow.
    let mut late = one.clone();
    let mut other = Witness::new("w2.example.org", 2, &log);
    let body = witness_request(&world.log.reader().unwrap(), 0).unwrap();
    place(&mut late, &other.add_checkpoint(&body, seconds(9000)).unwrap());
    assert_eq!(asked(&late, Some(2)).2, "1 signed, 2 asked for");
}

#[test]
fn notes_and_keys_are_read_strictly() {
    let world = World::new();
    let key = world.log.key().public();
    assert_eq!(NoteKey::parse(&key.to_string()).unwrap(), *key);
    let text = world.log.checkpoint();
    assert_eq!(Note::parse(text).unwrap().to_string(), text);
    for wrong in [
        "",
        "\n\n",
        "text\n\n",
        "text\n\n— a b\n",
        "text\n\n— a AAAA\n",
        "text\n\n— a AAAAAAA=",
        "te\u{7}xt\n\n— a AAAAAAA=\n",
        "text\n\n- a AAAAAAA=\n",
        "text\n\n— a+b AAAAAAA=\n",
        "text\n\n—  AAAAAAA=\n",
    ] {
        assert!(Note::parse(wrong).is_err(), "{wrong:?}");
    }
    for wrong in [
        "o\n1\n",
        "o\n01\nAAAA\n",
        "o\n1\nAAAA\n",
        "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nextension\n",
        "o\n9007199254740992\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    ] {
        assert!(Checkpoint::parse(wrong).is_err(), "{wrong:?}");
    }
    assert!(NoteKey::parse("a+00000000+AZJKkuYYw8FTmHHwSYa2fP5jvzVOcmIGJDqzyb1bgjgK").is_err(), "another id");
}

#[test]
fn what_a_witness_answers_is_the_word_of_a_stranger() {
    let world = World::new();
    let log = world.log.key().public().clone();
    let (known, stranger) = (Witness::new("w.example.org", 1, &log), Witness::new("w.example.org", 9, &log));
    let reader = world.log.reader().unwrap();
    let now = seconds(50);
    let note = reader.note();
    let read = |status, body: &str| WitnessAnswer::read(&known.key, note, status, body.as_bytes(), now);
    let check =
        |status, body: &str, expect: WitnessError| assert_eq!(read(status, body), Err(expect), "{status} {body}");
    let good = known.cosign(&note.to_string(), now);
    let line = NoteSignature::parse(good.trim_end()).unwrap();
    assert_eq!(read(200, &good), Ok(WitnessAnswer::Signed(line.clone())));
    let others = stranger.cosign(&note.to_string(), now);
    assert_eq!(
        read(200, &format!("{others}{good}")),
        Ok(WitnessAnswer::Signed(line.clone())),
        "others may sign as well"
    );
    assert_eq!(read(200, &known.cosign(&note.to_string(), now + 60)).map(|_| ()), Ok(()), "clocks differ");
    assert_eq!(read(409, "300\n"), Ok(WitnessAnswer::Knows(300)));
    assert_eq!(read(409, "0"), Ok(WitnessAnswer::Knows(0)));
    // Another key, another checkpoint, another time, nothing at all.
    check(200, &others, WitnessError::Unsigned);
    check(200, "", WitnessError::Unsigned);
    check(200, "yes\n", WitnessError::Unsigned);
    let mut forked = World::new();
    forked.fill(1);
    check(200, &known.cosign(forked.log.checkpoint(), now), WitnessError::Unsigned);
    check(200, &known.cosign(&note.to_string(), now + 3600), WitnessError::Time(now + 3600));
    for (position, _) in line.bytes.iter().enumerate() {
        let mut forged = line.clone();
        forged.bytes[position] ^= 1;
        assert!(read(200, &format!("{forged}\n")).is_err(), "byte {position}");
    }
    check(409, "many", WitnessError::Size("many".to_owned()));
    check(409, "-1", WitnessError::Size("-1".to_owned()));
    check(409, "007", WitnessError::Size("007".to_owned()));
    check(409, "99999999999999999999", WitnessError::Size("99999999999999999999".to_owned()));
    check(403, &good, WitnessError::Key);
    check(404, &good, WitnessError::Log);
    check(422, &good, WitnessError::History);
    check(500, &good, WitnessError::Status(500));
    check(302, &good, WitnessError::Status(302));
}
