//! Becomes a program under test: limits, Landlock, filter, then the start. Nothing here is undone by the program.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::mpsc;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    Scope,
};

use super::init::{block_child_signal, word};
use super::{filter, sys};
use crate::Limits;

/// One program.
pub struct Launch {
    /// The program and its arguments; the first is the path.
    pub arguments: Vec<CString>,
    pub environment: Vec<CString>,
    /// The working folder.
    pub folder: PathBuf,
    /// The number that the channel of the harness gets.
    pub channel: i32,
    pub limits: Limits,
    pub rules: Rules,
}

/// What Landlock lets it touch.
#[derive(Clone)]
pub struct Rules {
    /// Read and start programs.
    pub read: Vec<PathBuf>,
    /// Read and write.
    pub write: Vec<PathBuf>,
    /// Whether a kernel without Landlock is an error: where it is all there is.
    pub required: bool,
}

/// The steps without which nothing is isolated: if one fails, another tier may do, or none.
pub const GUARDS: [&str; 4] = ["no new privileges", LANDLOCK, FILTER, "its limits"];
const LANDLOCK: &str = "Landlock";
const FILTER: &str = "the system call filter";

/// Comes back only when the program could not be started, with the reason. `fds`: input, output, errors, channel.
pub fn launch(launch: &Launch, control: &OwnedFd, fds: Vec<OwnedFd>) -> String {
    match try_launch(launch, control, fds) {
        Ok(never) => match never {},
        Err((what, error)) => format!("{what}: {error}"),
    }
}

enum Never {}

fn try_launch(launch: &Launch, control: &OwnedFd, fds: Vec<OwnedFd>) -> Result<Never, (&'static str, String)> {
    let step = |what: &'static str| move |error: io::Error| (what, error.to_string());
    // SAFETY: no memory is passed.
    sys::check(unsafe { libc::setsid() }.into()).map_err(step("a session of its own"))?;
    for (fd, number) in fds.iter().zip([0, 1, 2, launch.channel]) {
        // SAFETY: no memory is passed; whatever had that number is not used any more.
        sys::check(unsafe { libc::dup2(fd.as_raw_fd(), number) }.into()).map_err(step("its input and output"))?;
    }
    drop(fds);
    std::env::set_current_dir(&launch.folder).map_err(step("its folder"))?;
    sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1).map_err(step("no new privileges"))?;
    // Should the first process ever be killed alone, at least the program itself goes with it.
    sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong).map_err(step("its end"))?;
    landlock(&launch.rules).map_err(|error| (LANDLOCK, error))?;
    // SAFETY: restoring the default handler; Rust ignores this signal, programs expect it.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    block_child_signal(false).map_err(step("its signals"))?;

    let program = filter::program(!launch.rules.required);
    // Sending a descriptor is a call that the filter asks the supervisor about, which has no descriptor to be asked on yet:
    // a thread that was made before the filter sends it.
    let (give, take) = mpsc::channel::<OwnedFd>();
    let (tell, ready) = mpsc::channel::<()>();
    let sender = control.try_clone().map_err(step("the control socket"))?;
    let helper = std::thread::Builder::new()
        .stack_size(64 << 10)
        .spawn(move || {
            let _ = tell.send(());
            match take.recv() {
                Ok(fd) => sys::send(sender.as_fd(), &[word::LISTENER], &[fd.as_raw_fd()]),
                Err(_) => Ok(()),
            }
        })
        .map_err(step("a thread"))?;
    let pointers = |texts: &[CString]| -> Vec<*const libc::c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(&launch.arguments), pointers(&launch.environment));
    // Not before the thread has its stacks: a supervisor that is part of a large program may hold more memory itself.
    ready.recv().map_err(|_| ("a thread", "it did not start".to_owned()))?;
    limits(&launch.limits).map_err(step("its limits"))?;
    let listener = filter::install(&program).map_err(step(FILTER))?;
    give.send(listener).map_err(|_| (FILTER, "its thread is gone".to_owned()))?;
    match helper.join() {
        Ok(Ok(())) => {}
        _ => return Err((FILTER, "it could not be handed over".to_owned())),
    }
    // SAFETY: path and lists end with NUL and live until the call returns, which it does only with an error.
    unsafe { libc::execve(arguments[0], arguments.as_ptr(), environment.as_ptr()) };
    Err(("starting the interpreter", io::Error::last_os_error().to_string()))
}

fn limits(limits: &Limits) -> io::Result<()> {
    // Of each process. Address space is no measure: Node reserves gigabytes that it never uses.
    sys::set_limit(libc::RLIMIT_DATA, limits.memory)?;
    sys::set_limit(libc::RLIMIT_NPROC, limits.tasks)?;
    sys::set_limit(libc::RLIMIT_FSIZE, limits.file)?;
    sys::set_limit(libc::RLIMIT_NOFILE, limits.open_files)?;
    sys::set_limit(libc::RLIMIT_CPU, limits.wall_ms / 1000 + 1)?;
    sys::set_limit(libc::RLIMIT_CORE, 0)?;
    sys::set_limit(libc::RLIMIT_MSGQUEUE, 0)?;
    sys::set_limit(libc::RLIMIT_SIGPENDING, 1024)
}

fn landlock(rules: &Rules) -> Result<(), String> {
    let abi = ABI::V6;
    let level = if rules.required { CompatLevel::HardRequirement } else { CompatLevel::BestEffort };
    let apply = || -> Result<landlock::RestrictionStatus, Box<dyn std::error::Error>> {
        let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
        // Where it is all there is, it must at least keep files apart (ABI 3: truncation is covered).
        if rules.required {
            ruleset = ruleset.set_compatibility(level).handle_access(AccessFs::from_all(ABI::V3))?;
            ruleset = ruleset.set_compatibility(CompatLevel::BestEffort);
        }
        let created = ruleset.handle_access(AccessFs::from_all(abi))?.scope(Scope::from_all(abi))?.create()?;
        let read = AccessFs::from_read(abi);
        let mut created = created.set_compatibility(CompatLevel::BestEffort);
        for (paths, access) in [(&rules.read, read), (&rules.write, AccessFs::from_all(abi) & !AccessFs::Execute)] {
            for path in paths.iter().filter(|path| path.exists()) {
                // Of a file, only the rights that a file has.
                let access = if path.is_dir() { access } else { access & AccessFs::from_file(abi) };
                created = created.add_rule(PathBeneath::new(PathFd::new(path)?, access))?;
            }
        }
        Ok(created.restrict_self()?)
    };
    apply().map(drop).map_err(|error| error.to_string())
}
