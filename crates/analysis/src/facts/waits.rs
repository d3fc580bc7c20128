//! Code that waits: for a day, a country, a machine, a user, a word that a visitor says.
//!
//! In: comparisons of what the code asks the machine with constants, and what stands behind them. Out: which calls run only
//! where such a comparison allows it. What another value decides is no wait: a day that a configuration names, a version.

use hashbrown::HashMap;

use super::bits::{Taint, Waits};
use super::builder::Builder;
use super::links::callees;
use super::value::{Constant, Value};

/// Beginnings of what tells the day. A parsed or a made one is a constant beside them.
const DATES: [&str; 9] = [
    "datetime.datetime.now()",
    "datetime.datetime.today()",
    "datetime.datetime.utcnow()",
    "datetime.date.today()",
    "time.time()",
    "time.localtime()",
    "time.strftime()",
    "Date.now()",
    "Date()",
];
/// Days that are written into the code.
const DAYS: [&str; 5] = [
    "datetime.datetime()",
    "datetime.date()",
    "datetime.datetime.strptime()",
    "datetime.datetime.fromisoformat()",
    "Date()",
];
const PLACES: [&str; 11] = [
    "environment.place",
    "locale.getdefaultlocale()",
    "locale.getlocale()",
    "time.tzname",
    "tzlocal.get_localzone()",
    "tzlocal.get_localzone_name()",
    "ctypes.windll.kernel32.GetUserDefaultUILanguage()",
    "ctypes.windll.kernel32.GetSystemDefaultUILanguage()",
    "Intl.DateTimeFormat().resolvedOptions()",
    "navigator.language",
    "Date().getTimezoneOffset()",
];
const MACHINES: [&str; 5] =
    ["environment.machine", "socket.gethostname()", "socket.getfqdn()", "platform.node()", "os.hostname()"];
const USERS: [&str; 4] = ["environment.user", "getpass.getuser()", "os.getlogin()", "os.userInfo()"];

/// Commands with which installers and build front ends start a `setup.py`.
const INSTALLING: [&str; 16] = [
    "bdist",
    "bdist_egg",
    "bdist_wheel",
    "build",
    "build_clib",
    "build_ext",
    "build_py",
    "develop",
    "dist_info",
    "easy_install",
    "editable_wheel",
    "egg_info",
    "install",
    "install_egg_info",
    "install_lib",
    "sdist",
];

/// Seconds since 1970 of a day in this century; a span of time is shorter.
const DAY: i64 = 946_684_800;

/// The name under which the value of a variable is compared that tells where the code is and who runs it.
pub(super) fn variable(name: &str) -> Option<&'static str> {
    match name {
        "LANG" | "LANGUAGE" | "LC_ALL" | "LC_MESSAGES" | "TZ" => Some("environment.place"),
        "HOSTNAME" | "COMPUTERNAME" => Some("environment.machine"),
        "USER" | "USERNAME" | "LOGNAME" => Some("environment.user"),
        _ => None,
    }
}

/// What a value of the machine tells.
fn asked(value: &Value<'_>) -> Waits {
    let Some(path) = value.path.as_deref() else { return Waits::NONE };
    let among = |starts: &[&str]| starts.iter().any(|start| path.starts_with(start));
    match () {
        () if among(&PLACES) => Waits::PLACE,
        () if among(&MACHINES) => Waits::MACHINE,
        () if among(&USERS) => Waits::USER,
        () if among(&DATES) => Waits::DATE,
        () => Waits::NONE,
    }
}

/// What a comparison of two values waits for.
fn compared(left: &Value<'_>, right: &Value<'_>) -> Waits {
    let side = |asks: &Value<'_>, other: &Value<'_>| {
        let waits = asked(asks) | if asks.taint.any(Taint::VISITOR) { Waits::WORD } else { Waits::NONE };
        let constant = match &other.constant {
            Constant::Text(text) => text.len() >= 2,
            // A part of a day, or all of it; everything else is a span of time.
            Constant::Number(number) if waits.any(Waits::DATE) => {
                let part = asks.path.as_deref().is_some_and(|path| !DATES.contains(&path));
                part || *number >= DAY
            }
            Constant::Number(_) => waits.any(Waits::PLACE),
            Constant::List(items) => items.iter().any(|item| item.as_text().is_some_and(|text| text.len() >= 2)),
            _ => waits.any(Waits::DATE) && other.path.as_deref().is_some_and(|path| DAYS.contains(&path)),
        };
        if constant { waits } else { Waits::NONE }
    };
    side(left, right) | side(right, left)
}

/// What is waited for so far.
#[derive(Default)]
pub(super) struct Waiting {
    /// What the condition being read compares.
    seen: Waits,
    /// What the code being read waits for.
    pub now: Waits,
    /// Whether the code writes its own command line.
    pub told_itself: bool,
    /// Functions that are called from code that waits.
    pub functions: HashMap<u32, Waits>,
}

impl<'a> Builder<'a> {
    /// Notes a comparison, which a condition may consist of.
    pub fn compares(&mut self, left: &Value<'a>, right: &Value<'a>) {
        let known = |value: &Value<'a>| value.path.is_some() || value.taint.any(Taint::VISITOR);
        if known(left) || known(right) {
            self.waiting.seen |= compared(left, right);
        }
    }

    /// Begins a condition.
    pub fn asks(&mut self) {
        self.waiting.seen = Waits::NONE;
    }

    /// Ends a condition: what follows runs only where it allows it. Answers what was waited for before.
    pub fn waits(&mut self) -> Waits {
        let before = self.waiting.now;
        self.waiting.now |= std::mem::take(&mut self.waiting.seen);
        before
    }

    /// Begins an expression of which a part runs only where another allows it: `test && act()`. Answers what was compared
    /// before it.
    pub fn part_begins(&mut self) -> Waits {
        std::mem::take(&mut self.waiting.seen)
    }

    /// Ends the part that decides. Answers what was waited for before.
    pub fn part_allows(&mut self) -> Waits {
        let before = self.waiting.now;
        self.waiting.now |= self.waiting.seen;
        before
    }

    /// Ends such an expression: what was compared in it also counts for the condition that it may stand in.
    pub fn part_ends(&mut self, compared: Waits, before: Waits) {
        self.waiting.seen |= compared;
        self.waiting.now = before;
    }

    /// Ends what a condition allows.
    pub fn goes_on(&mut self, before: Waits) {
        self.waiting.now = before;
    }

    /// What follows runs only when the program was started with a command that no installer gives. Answers what was waited
    /// for before.
    pub fn on_command(&mut self, told: bool) -> Waits {
        let before = self.waiting.now;
        if told {
            self.waiting.now |= Waits::COMMAND;
        }
        before
    }

    /// True when a word of the command line is compared with words that no installer gives.
    pub fn names_command(&self, left: &Value<'a>, right: &Value<'a>) -> bool {
        let other = |value: &Value<'a>| {
            value.as_text().is_some_and(|word| !INSTALLING.contains(&word) && !word.starts_with('-'))
        };
        let words = !right.items().is_empty() && right.items().iter().all(other) || other(right);
        left.path.as_deref() == Some("sys.argv") && words && !self.waiting.told_itself
    }

    /// Hands on what is waited for to the functions that are called meanwhile, and to those that they call: `edges` in order.
    pub(super) fn finish_waits(&mut self, edges: &[(u32, u32)]) {
        let mut queue: Vec<(u32, Waits)> = self.waiting.functions.drain().collect();
        if queue.is_empty() {
            return;
        }
        let mut all = vec![Waits::NONE; self.learned.functions.len()];
        while let Some((function, waits)) = queue.pop() {
            let known = all.get_mut(function as usize).filter(|known| !waits.without(**known).is_empty());
            let Some(known) = known else { continue };
            *known |= waits;
            queue.extend(callees(edges, function).map(|(_, callee)| (*callee, waits)));
        }
        for call in &mut self.facts.calls {
            call.waits |= all.get(call.place.function as usize).copied().unwrap_or_default();
        }
    }
}
