//! A PostgreSQL server of a test's own, which it may stop in the middle of something.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A server in a folder of its own, reachable through a socket in it and by no port. It stops when it is dropped.
pub struct PrivatePostgres {
    folder: PathBuf,
}

/// As who the server's programs run: it refuses to be root's.
fn program(name: &str, folder: &Path) -> Command {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"));
    let mut command = match root {
        true => {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", name]);
            command
        }
        false => Command::new(name),
    };
    command.current_dir(folder);
    command
}

fn run(mut command: Command) {
    let output = command.output().expect("a program of PostgreSQL runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl PrivatePostgres {
    /// Starts one where tests run on PostgreSQL (`SIGMA_TEST_POSTGRES` is set, and its programs are in `PATH`); nothing
    /// elsewhere.
    pub fn start() -> Option<Self> {
        std::env::var_os("SIGMA_TEST_POSTGRES")?;
        let made = Command::new("mktemp").arg("-d").output().expect("mktemp runs");
        let folder = PathBuf::from(String::from_utf8(made.stdout).expect("a path").trim_end());
        let server = Self { folder };
        if program("true", Path::new("/")).get_program() == "runuser" {
            run({
                let mut command = Command::new("chown");
                command.arg("postgres").arg(&server.folder);
                command
            });
        }
        let mut initdb = program("initdb", &server.folder);
        initdb.args(["-D", "data", "-U", "sigma", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
        run(initdb);
        server.up();
        Some(server)
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        let socket = self.folder.to_str().expect("a path of ASCII").replace('/', "%2F");
        format!("postgres://sigma@{socket}:5432/postgres")
    }

    /// Stops it as a crash would, and starts it again.
    pub fn crash(&self) {
        self.down();
        self.up();
    }

    /// Starts it.
    pub fn up(&self) {
        let options = format!("-c listen_addresses= -c unix_socket_directories={}", self.folder.display());
        let mut start = program("pg_ctl", &self.folder);
        start.args(["-D", "data", "-s", "-w", "-l", "log", "-o", &options, "start"]);
        // A server that keeps the pipe open would never let `output` return.
        start.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        assert!(start.status().expect("pg_ctl runs").success(), "the server starts");
    }

    /// Stops it as a crash would: connections are cut, and nothing is written out.
    pub fn down(&self) {
        let mut stop = program("pg_ctl", &self.folder);
        stop.args(["-D", "data", "-s", "-m", "immediate", "stop"]);
        run(stop);
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        let mut stop = program("pg_ctl", &self.folder);
        let _ = stop.args(["-D", "data", "-s", "-m", "immediate", "stop"]).output();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
