//! Workers that are killed while they review code: the submission ends in one certificate, and nothing of the sandbox is left.

use std::collections::BTreeSet;

use sigma_intake::RepositoryConfig;
use sigma_pipeline::{RepositoryRequest, ReviewRooms};
use sigma_testkit::{GitHost, GitRepository};

use super::*;

/// Takes about a second and a half, with processes of its own beside it.
const MAIN: &str = "import os, time\n\n\ndef main():\n    for _ in range(3):\n        if os.fork() == 0:\n            \
    time.sleep(60)\n            os._exit(0)\n    time.sleep(0.3)\n    print('done')\n\n\n\
    if __name__ == '__main__':\n    main()\n";

/// A process that is told apart from a later one of the same number.
type Process = (u32, u64);

/// Parent and start of a process; nothing when it is gone.
fn parent_and_start(pid: u32) -> Option<(u32, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    // A zombie runs nothing any more; whoever made it may take its time.
    (fields[0] != "Z").then_some(())?;
    Some((fields[1].parse().ok()?, fields[19].parse().ok()?))
}

/// All that was started below a process.
fn below(root: u32) -> BTreeSet<Process> {
    let pids =
        || std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let all: Vec<(u32, u32, u64)> =
        pids().filter_map(|pid| parent_and_start(pid).map(|(parent, start)| (pid, parent, start))).collect();
    let (mut found, mut next) = (BTreeSet::new(), vec![root]);
    while let Some(parent) = next.pop() {
        for (pid, _, start) in all.iter().filter(|(_, above, _)| *above == parent) {
            if found.insert((*pid, *start)) {
                next.push(*pid);
            }
        }
    }
    found
}

fn alive(processes: &BTreeSet<Process>) -> Vec<u32> {
    let same = |(pid, start): &&Process| parent_and_start(*pid).is_some_and(|(_, now)| now == *start);
    processes.iter().filter(same).map(|(pid, _)| *pid).collect()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_is_killed_ends_in_one_certificate_and_leaves_no_process() {
    let scene = Scene::new();
    let repositories = scene.folder.path().join("repositories");
    std::fs::create_dir(&repositories).unwrap();
    let host = GitHost::git(&repositories);
    let config = format!(
        "[worker]\nlease_seconds = 1\npoll_millis = 20\nfirst_pause_millis = 20\n[review]\nhosts = [\"{}\"]\n\
         run_entry_points = true\n",
        host.address
    );
    std::fs::write(scene.folder.path().join("config.toml"), config).unwrap();
    let repository = RepositoryConfig { hosts: vec![host.address.clone()], allow_loopback: true, ..Default::default() };
    let mut read = ReadOptions::default();
    read.pypi_indexes.push(Url::parse(&scene.eco.pypi.index_url()).unwrap());
    let hall = scene.hall().await.with_review(ReviewRooms { repositories: repository, read, ..ReviewRooms::default() });
    // Killed while packages are audited, while code runs, and after that: in the council, at the seal, or between two jobs. When
    // exactly is up to the machine; that each of the first two was met is checked.
    let mut random = Random(7);
    let (mut met_run, mut submissions) = (0, Vec::new());
    let worker = || {
        let mut command = scene.command(&["worker"]);
        command.env("PATH", std::env::var_os("PATH").unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let rounds: usize = std::env::var("SIGMA_TEST_KILLS").map_or(3, |text| text.parse::<usize>().unwrap().div_ceil(3));
    for round in 0..rounds {
        let name = format!("tool{round}");
        let made = GitRepository::new(&repositories, &format!("example/{name}"));
        // Its package has a command, which is run too, and met by kills as the code is.
        let command = "import time\n\n\ndef main():\n    time.sleep(0.5)\n    print('help')\n";
        let package = pure(&format!("demo{round}"), "1.0").file(&format!("demo{round}/cli.py"), command);
        scene.eco.pypi.add(package.entry_point("demo", &format!("demo{round}.cli:main")).build());
        let requirements = format!("demo{round}==1.0\n");
        let files = [("main.py", MAIN.as_bytes()), ("requirements.txt", requirements.as_bytes())];
        made.set("refs/heads/main", &made.files(&files));
        let request = RepositoryRequest {
            url: host.url(&format!("example/{name}")),
            reference: Some("main".to_owned()),
            category: "CODE+PACKAGES".parse().unwrap(),
            entry: Some("main.py".to_owned()),
            folder: None,
            note: None,
        };
        let intake = hall.take_in(&request).await.unwrap();
        let project = hall.keep_intake(&intake, Target::default()).await.unwrap();
        let project = serde_json::to_vec(&project).unwrap();
        let draft = Draft { id: format!("drf_{name}"), owner: "ann".to_owned(), project, created_at: now() };
        hall.store().add_draft(&draft).await.unwrap();
        let id = hall.submit(&draft, &name, 1_000_000).await.unwrap().id;
        let state = async || hall.store().submission(&id).await.unwrap().unwrap().state;

        let patience = Instant::now() + Duration::from_secs(120);
        let mut kills = 0;
        let mut first = worker();
        while !state().await.is_final() {
            assert!(Instant::now() < patience, "{name} does not end");
            let running = below(first.id());
            // Three kills a round: as soon as something runs, some time later, and at any time.
            let due = match kills {
                0 => running.len() > 3,
                1 => running.len() > 3 && random.below(20) == 0,
                2 => random.below(60) == 0,
                _ => false,
            };
            if due {
                met_run += usize::from(running.len() > 3);
                first.kill().unwrap();
                first.wait().unwrap();
                let gone = Instant::now() + Duration::from_secs(10);
                while !alive(&running).is_empty() {
                    assert!(Instant::now() < gone, "still running after the kill: {:?}", alive(&running));
                    std::thread::sleep(Duration::from_millis(20));
                }
                kills += 1;
                first = worker();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let running = below(first.id());
        first.kill().unwrap();
        first.wait().unwrap();
        let gone = Instant::now() + Duration::from_secs(10);
        while !alive(&running).is_empty() {
            assert!(Instant::now() < gone, "still running after the end: {:?}", alive(&running));
            std::thread::sleep(Duration::from_millis(20));
        }
        submissions.push(id);
    }
    assert!(met_run >= rounds, "no run was met by a kill, or few: {met_run}");

    let filter = sigma_store::SubmissionFilter { limit: 100, ..Default::default() };
    let certificates = hall.store().submission_certificates(&filter).await.unwrap().items;
    assert_eq!(certificates.len(), submissions.len(), "one certificate each");
    for round in 0..rounds {
        let package: PackageId = format!("pypi:demo{round}@1.0").parse().unwrap();
        let sealed = hall.store().certificates_of(&package).await.unwrap();
        assert_eq!(sealed.len(), 2, "one without the run and one with it");
        let execution = sealed[0].payload().execution.as_ref().unwrap();
        assert_eq!(
            (execution.status.as_str(), execution.entry_points_not_run),
            ("completed", Some(0)),
            "{execution:#?}"
        );
    }
    for id in &submissions {
        let submission = hall.store().submission(id).await.unwrap().unwrap();
        assert_eq!(submission.state, SubmissionState::Certified, "{}", String::from_utf8_lossy(&submission.result));
        let events = hall.store().events(id, 0, 1_000).await.unwrap();
        let of = |kind: &str| events.iter().filter(|event| event.kind == kind).count();
        assert_eq!((of("queued"), of("planned"), of("reviewing"), of("ended")), (1, 1, 1, 1));
        let certified = hall.store().certificate_of_submission(id).await.unwrap().unwrap().certificate;
        let execution = &certified.payload().code_review.as_ref().unwrap().execution;
        assert_eq!(execution.status, "completed", "{execution:#?}");
    }
    assert!(hall.store().jobs(JobState::Dead, None, 9).await.unwrap().is_empty());
}
