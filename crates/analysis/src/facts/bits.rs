//! Small sets as bits: what a call does, and what a value is made of.

/// Declares a set of flags with the usual operations; a flag that has no room in the integer is an error when it is compiled.
macro_rules! bits {
    ($(#[$doc:meta])* $name:ident: $bits:ident { $($(#[$flag_doc:meta])* $flag:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
        pub(crate) struct $name($bits);

        #[allow(non_camel_case_types, clippy::upper_case_acronyms, dead_code)]
        mod position {
            #[repr(u32)]
            pub(super) enum $name { $($flag,)* }
        }

        #[allow(dead_code)]
        impl $name {
            /// How many flags there are.
            pub const COUNT: u32 = [$($word,)*].len() as u32;

            /// The empty set.
            pub const NONE: Self = Self(0);

            /// A set by its bits.
            pub const fn from_bits(bits: $bits) -> Self {
                Self(bits)
            }

            /// The bits of the set.
            pub const fn bits(self) -> $bits {
                self.0
            }

            $($(#[$flag_doc])* pub const $flag: Self = Self(1 << position::$name::$flag as u32);)*

            /// The flag of a word in a data file.
            pub fn of_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$flag),)*
                    _ => None,
                }
            }

            /// True when at least one of `other` is in it.
            pub const fn any(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// Both together.
            pub const fn with(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Only those of `other`.
            pub const fn and(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }

            /// Without those of `other`.
            pub const fn without(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }

            /// True for the empty set.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }
        }

        impl std::ops::BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                self.with(other)
            }
        }

        impl std::ops::BitOrAssign for $name {
            fn bitor_assign(&mut self, other: Self) {
                *self = self.with(other);
            }
        }
    };
}

mod effect {
    bits! {
        /// What calling an API does, whatever the language. The words are those of `apis.txt`.
        Effects: u64 {
            /// Starts a process.
            SPAWN = "spawn",
            /// Hands a text to a shell.
            SHELL = "shell",
            /// Runs a text as code.
            EVAL = "eval",
            /// Rebuilds objects that may run code.
            DESERIALISE = "deserialise",
            /// Loads native code.
            NATIVE = "native",
            /// Connects to somebody and may send what it is given.
            NET = "net",
            /// Listens for connections.
            LISTEN = "listen",
            /// Reads a file.
            READ = "read",
            /// Writes, copies or moves a file.
            WRITE = "write",
            /// Deletes files.
            DELETE = "delete",
            /// Changes permissions or owners.
            CHMOD = "chmod",
            /// Turns an encoded text into what it hides.
            DECODE = "decode",
            /// Reads the whole environment.
            ENV_ALL = "env-all",
            /// Reads one environment variable.
            ENV = "env",
            /// Reads a store of credentials.
            CREDENTIAL = "credential",
            /// Asks who and where the user is.
            HOST_INFO = "host-info",
            /// Runs the functions that it is given.
            RUNS = "runs",
            /// Downloads to a file.
            DOWNLOAD = "download",
            /// Imports a module by name.
            IMPORT = "import",
            /// Makes a file that can be written piece by piece.
            OPEN = "open",
            /// Duplicates a descriptor onto another.
            DUP = "dup",
            /// Makes a request ready that something else sends.
            PREPARE = "prepare",
            /// Watches the user: keyboard, screen, camera, microphone, clipboard.
            WATCH = "watch",
            /// Encrypts.
            ENCRYPT = "encrypt",
            /// Lists the files of a folder.
            LIST = "list",
            /// Lays out the files of an archive or a repository.
            UNPACK = "unpack",
            /// Makes a client of an account from the secret that it is given.
            ACCOUNT = "account",
            /// Nobody waits for the answer.
            DISCARDED = "discarded",
            /// Looks whether a debugger watches.
            DEBUGGER = "debugger",
            /// A request of nothing but an address and headers; never in the table, only in calls.
            ASKS = "asks",
            /// A request that goes where the program was told to when it was started; never in the table.
            LED = "led",
            /// Only the address of a connection is meant: where to go, not what is told; never in the table.
            PLACE = "place",
            /// Asks for the address of a host name.
            RESOLVE = "resolve",
        }
    }
}

mod taint {
    bits! {
        /// What a value is made of.
        Taint: u128 {
            /// The value of an environment variable with an ordinary name.
            ENV = "env",
            /// The value of one whose name speaks of a secret.
            SECRET = "secret",
            /// The whole environment.
            ENV_ALL = "env-all",
            /// The path of a credential file.
            CREDENTIAL_PATH = "credential-path",
            /// What a credential file holds.
            CREDENTIAL = "credential",
            /// The path of a place that starts programs by itself.
            PERSISTENCE_PATH = "persistence-path",
            /// What came out of a decoder.
            DECODED = "decoded",
            /// What came over the network.
            REMOTE = "remote",
            /// What a file holds.
            FILE = "file",
            /// Who and where the user is.
            HOST_INFO = "host-info",
            /// An address that serves to collect stolen data.
            EXFIL_HOST = "exfil-host",
            /// An address on a public IP number.
            RAW_IP = "raw-ip",
            /// A socket that is connected to somebody.
            SOCKET = "socket",
            /// A file that was downloaded earlier.
            DOWNLOADED = "downloaded",
            /// A constant text put together with something that is not known.
            JOINED = "joined",
            /// What another process printed.
            OUTPUT = "output",
            /// An address whose only use is to see who comes; always an [`Taint::EXFIL_HOST`] too.
            CATCHER = "catcher",
            /// An address where anybody can leave a file in a minute: chat attachments, file drops, raw files of a forge.
            DROP_HOST = "drop-host",
            /// What the user copies, types or shows: clipboard, keyboard, screen, camera, microphone.
            WATCHED = "watched",
            /// A long text that stands encoded in the source, taken apart.
            HIDDEN = "hidden",
            /// What somebody says in a chat.
            ORDERED = "ordered",
            /// A folder that belongs to the user.
            HOME = "home",
            /// What was found by looking through the user's folders.
            FOUND = "found",
            /// A file that this code wrote from a text of its own.
            WRITTEN = "written",
            /// A private key or a recovery phrase, by the name of the parameter or member that holds it.
            KEY = "key",
            /// A token of an interface, by the name of the parameter.
            TOKEN = "token",
            /// A password or a card number, by the name of the parameter.
            PASSWORD = "password",
            /// What somebody sends to a server that this is.
            VISITOR = "visitor",
            /// What was meant for a function or a class of another package that this stands in for.
            TAKEN = "taken",
            /// All cookies or the whole storage of a web page.
            PAGE = "page",
            /// An answer from, or a connection to, a host that stands in the code.
            NAMED_HOST = "named-host",
            /// A path inside the package itself.
            OWN = "own",
            /// Something behind an address that the code names.
            BEHIND = "behind",
            /// Something that is not known, with a constant text after it that holds a dot.
            FOLLOWED = "followed",
            /// What came from an address of which the code knows something; without it, who calls names the address.
            NAMED = "named",
            /// A character made of a number that is not known; many in a row are a decoder's work.
            CHARACTER = "character",
            /// The address of a forge or a package index.
            FORGE = "forge",
        }
    }
}

mod sign {
    bits! {
        /// What a text names, finer than its taint. The words are those of `mentions.txt`.
        Signs: u64 {
            /// A browser's profile, passwords or cookies.
            BROWSER = "browser",
            /// Tokens and sessions of Discord, Telegram and the like.
            MESSENGER = "messenger",
            /// A wallet of a cryptocurrency.
            WALLET = "wallet",
            /// Credentials of a cloud, a cluster or a container registry.
            CLOUD = "cloud",
            /// Credentials of a package registry or a code host.
            DEVELOPER = "developer",
            /// SSH keys.
            SSH = "ssh",
            /// The operating system's store of passwords.
            KEYCHAIN = "keychain",
            /// Sessions of game launchers.
            GAME = "game",
            /// The metadata service of a cloud machine.
            METADATA = "metadata",
            /// A chat service's address that takes messages from anybody who knows it.
            WEBHOOK = "webhook",
            /// A service that shows its owner what it was sent.
            COLLECTOR = "collector",
            /// A site for pasted texts.
            PASTE = "paste",
            /// A site for dropped files.
            DROP = "drop",
            /// A tunnel to somebody's own machine.
            TUNNEL = "tunnel",
            /// A service that tells the caller's address and country.
            ADDRESS_ECHO = "address-echo",
            /// A shortened address.
            SHORTENER = "shortener",
            /// A host where anybody can put files, and from which code is often fetched.
            FILE_HOST = "file-host",
            /// An interface of a blockchain.
            CHAIN = "chain",
            /// A page that anybody can write and that hides where to go next.
            DEAD_DROP = "dead-drop",
            /// Configuration of coding agents and editors that runs or steers them.
            AGENT = "agent",
            /// Workflows that a code host runs.
            WORKFLOW = "workflow",
            /// Mining of cryptocurrencies.
            MINER = "miner",
            /// Names of virtual machines and sandboxes.
            SANDBOX = "sandbox",
            /// Names of tools that analysts use.
            ANALYST = "analyst",
            /// The code of an installed application that many people trust.
            CLIENT = "client",
            /// Interfaces that publish packages or tell whose they are.
            PUBLISHING = "publishing",
            /// Interfaces that make repositories on a code host.
            REPOSITORY = "repository",
            /// Words of a note that asks for ransom.
            RANSOM = "ransom",
            /// A program or script by its extension, in an address.
            PROGRAM = "program",
            /// Where a country or a language is compared.
            COUNTRY = "country",
            /// Functions of Windows that put code into memory.
            INJECTION = "injection",
            /// Scanners for secrets.
            SCANNER = "scanner",
            /// A browser's command line that loads an extension.
            SHORTCUT = "shortcut",
            /// An address that came out of a decoder.
            HIDDEN_ADDRESS = "hidden-address",
            /// A module whose name came out of a decoder.
            HIDDEN_MODULE = "hidden-module",
            /// A page that is sent to another host.
            REDIRECT = "redirect",
            /// A loop that never ends.
            ENDLESS = "endless",
            /// A constant receiver of copies of every mail.
            COPY_RECEIVER = "copy-receiver",
            /// A setting that says where packages are fetched from.
            REGISTRY_SETTING = "registry-setting",
            /// A regular expression of a wallet's address.
            ADDRESS_PATTERN = "address-pattern",
        }
    }
}

mod wait {
    bits! {
        /// What code looks at before it acts, by a comparison with a constant.
        Waits: u64 {
            /// Which day it is.
            DATE = "date",
            /// In which country, time zone or language the machine is.
            PLACE = "place",
            /// On which machine it is.
            MACHINE = "machine",
            /// Who the user is.
            USER = "user",
            /// Whether a visitor of a server says a word that stands in the code.
            WORD = "word",
            /// With which command the program was started: one that no installer gives.
            COMMAND = "command",
        }
    }
}

mod deed {
    bits! {
        /// What a command line does, whichever shell reads it.
        Deeds: u64 {
            /// Fetches code and runs it.
            RUNS_DOWNLOAD = "runs-download",
            /// Connects to another host.
            FETCHES = "fetches",
            /// Runs code that it carries in an encoded form.
            ENCODED = "encoded",
            /// Hides the window it runs in.
            HIDDEN = "hidden",
            /// Gives a remote host a shell.
            REMOTE_SHELL = "remote-shell",
            /// Sends what another command or a file says to another host.
            SENDS = "sends",
            /// Sends it as part of a host name.
            SENDS_NAME = "sends-name",
            /// Deletes or overwrites what is not its own.
            DESTROYS = "destroys",
            /// Arranges to be started again.
            PERSISTS = "persists",
            /// Turns off what protects the machine.
            DISARMS = "disarms",
            /// Installs packages.
            INSTALLS = "installs",
            /// Installs packages from elsewhere than the ecosystem.
            INSTALLS_ELSEWHERE = "installs-elsewhere",
            /// Publishes a package.
            PUBLISHES = "publishes",
            /// Searches for secrets with a scanner.
            SCANS_SECRETS = "scans-secrets",
            /// Starts a coding agent that asks nobody.
            UNLEASHES_AGENT = "unleashes-agent",
            /// Mines a cryptocurrency.
            MINES = "mines",
            /// Makes a repository on a code host.
            MAKES_REPOSITORY = "makes-repository",
        }
    }
}

pub(crate) use deed::Deeds;

/// What is known of a value has the lower half of the bits to itself.
const CONCRETE: u32 = 64;
/// Parameters of a function that stand for what callers give.
const PARAMETERS: u32 = 8;
/// Imported names of one file that stand for what other files hold.
const SYMBOLS: u32 = 24;
/// Where what constructors are given begins, by position like parameters.
const BUILT: u32 = CONCRETE + PARAMETERS + SYMBOLS;

const _: () = assert!(Taint::COUNT <= CONCRETE && BUILT + PARAMETERS <= u128::BITS);

impl Taint {
    /// Whatever callers give as this parameter; nothing beyond the first eight.
    pub const fn parameter(index: u32) -> Self {
        if index < PARAMETERS { Self::from_bits(1 << (CONCRETE + index)) } else { Self::NONE }
    }

    /// Whatever another file holds under this imported name; nothing beyond the first 24.
    pub const fn symbol(index: u32) -> Self {
        if index < SYMBOLS { Self::from_bits(1 << (CONCRETE + PARAMETERS + index)) } else { Self::NONE }
    }

    /// Whatever those who make an instance of a class of the file give as this parameter of its constructor.
    pub const fn built(index: u32) -> Self {
        if index < PARAMETERS { Self::from_bits(1 << (BUILT + index)) } else { Self::NONE }
    }

    /// What a constructor keeps of its parameters, for the methods that are called later.
    pub fn as_built(self) -> Self {
        let mut all = self;
        for index in self.numbers(CONCRETE, PARAMETERS) {
            all = all.without(Self::parameter(index)) | Self::built(index);
        }
        all
    }

    /// What it stands for where it is known what constructors are given.
    pub fn built_of(self, given: impl Fn(u32) -> Self) -> Self {
        self.numbers(BUILT, PARAMETERS).fold(Self::NONE, |all, index| all | given(index))
    }

    /// True when callers give it, or a part of it.
    pub fn is_given(self) -> bool {
        self.without_symbols() != self.concrete()
    }

    /// Without the names of other files.
    pub fn without_symbols(self) -> Self {
        let symbols = ((1 << SYMBOLS) - 1) << (CONCRETE + PARAMETERS);
        self.without(Self::from_bits(symbols))
    }

    /// The first of the names of other files that it is made of.
    pub fn first_symbol(self) -> Option<u32> {
        self.numbers(CONCRETE + PARAMETERS, SYMBOLS).next()
    }

    /// What is known without asking callers or other files.
    pub const fn concrete(self) -> Self {
        self.and(Self::from_bits((1 << CONCRETE) - 1))
    }

    /// Every parameter and symbol replaced by what it stands for.
    pub fn resolved(self, of_parameter: impl Fn(u32) -> Self, of_symbol: impl Fn(u32) -> Self) -> Self {
        let concrete = self.concrete();
        if concrete == self {
            return self;
        }
        let kept = Self::from_bits(((1 << PARAMETERS) - 1) << BUILT);
        let mut all = concrete | self.and(kept);
        for index in self.numbers(CONCRETE, PARAMETERS) {
            all |= of_parameter(index);
        }
        for index in self.numbers(CONCRETE + PARAMETERS, SYMBOLS) {
            all |= of_symbol(index);
        }
        all
    }

    /// Which of the `count` bits from `first` on are set, in order: of most values none.
    fn numbers(self, first: u32, count: u32) -> impl Iterator<Item = u32> {
        let mut left = (self.bits() >> first) & ((1 << count) - 1);
        std::iter::from_fn(move || {
            let next = (left != 0).then(|| left.trailing_zeros())?;
            left &= left - 1;
            Some(next)
        })
    }

    /// What a file holds is what was put into it.
    pub const HELD: Self = Self::CREDENTIAL
        .with(Self::ENV_ALL)
        .with(Self::SECRET)
        .with(Self::HOST_INFO)
        .with(Self::WATCHED)
        .with(Self::FOUND)
        .with(Self::KEY);

    /// What an address says of itself.
    pub const ADDRESS: Self = Self::EXFIL_HOST.with(Self::RAW_IP).with(Self::CATCHER).with(Self::DROP_HOST);
}

pub(crate) use effect::Effects;
pub(crate) use sign::Signs;
pub(crate) use taint::Taint;
pub(crate) use wait::Waits;
