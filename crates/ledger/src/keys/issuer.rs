//! The key of the issuer: in a file, or behind a command that signs (a hardware module, a cloud service, an agent).

use std::fmt;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

use super::{Algorithm, KeyFileError, PublicKey, file};

/// A P-256 signature in DER has at most 72 bytes.
const MAX_SIGNATURE: u64 = 72;
/// How often a command is looked at while it signs.
const LOOK: Duration = Duration::from_millis(2);

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key in memory gave none.
    #[error("the operating system gave no random bytes")]
    Random,
    /// The command could not be started or spoken to.
    #[error("the signing command: {0}")]
    Io(#[from] std::io::Error),
    /// It took too long, and was ended.
    #[error("the signing command took more than {0:?}")]
    Timeout(Duration),
    /// It ended with an error.
    #[error("the signing command ended with {0}")]
    Failed(std::process::ExitStatus),
    /// What it printed is not a signature of the configured key over what was to be signed.
    #[error("the signing command printed {0} bytes, expected a DER signature by the configured key")]
    Signature(usize),
}

/// A command that signs: it reads the message from standard input and prints the DER signature, nothing else.
#[derive(Debug, Clone)]
pub struct SignCommand {
    /// Program and arguments; no shell.
    pub argv: Vec<String>,
    /// The public half of the key it signs with.
    pub public: PublicKey,
    /// How long it may take.
    pub timeout: Duration,
}

/// Who signs statements.
pub struct Issuer(Kind);

enum Kind {
    File { pair: Box<EcdsaKeyPair>, random: SystemRandom, public: PublicKey },
    Command(SignCommand),
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.public().fmt(f)
    }
}

impl Issuer {
    /// The key in a file.
    ///
    /// # Errors
    /// When others than its owner may read the file, or it holds no such key.
    pub fn from_file(path: &Path) -> Result<Self, KeyFileError> {
        const EXPECTED: &str = "a P-256 key with its public half";
        let wrong = || KeyFileError::Content { path: path.to_owned(), expected: EXPECTED };
        let der = file::read(path, EXPECTED)?;
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der, &random).map_err(|_| wrong())?;
        let public = PublicKey::from_raw(Algorithm::P256, pair.public_key().as_ref()).map_err(|_| wrong())?;
        Ok(Self(Kind::File { pair: Box::new(pair), random, public }))
    }

    /// A command that signs.
    pub fn from_command(command: SignCommand) -> Self {
        Self(Kind::Command(command))
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        match &self.0 {
            Kind::File { public, .. } => public,
            Kind::Command(command) => &command.public,
        }
    }

    /// Signs a message: ECDSA on P-256 with SHA-256, in DER.
    ///
    /// # Errors
    /// When the command gives no signature that the configured key verifies.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.0 {
            Kind::File { pair, random, .. } => {
                Ok(pair.sign(random, message).map_err(|_| SignError::Random)?.as_ref().to_vec())
            }
            Kind::Command(command) => command.sign(message),
        }
    }
}

impl SignCommand {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let [program, arguments @ ..] = &self.argv[..] else {
            return Err(std::io::Error::from(std::io::ErrorKind::NotFound).into());
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let message_ = message.to_vec();
        // Threads of their own: a command may print before it has read everything, and a pipe holds only so much. They end
        // with the pipes; nobody waits for one whose command left something running that keeps a pipe open.
        std::thread::spawn(move || stdin.map(|mut pipe| pipe.write_all(&message_)));
        let (send, printed) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut signature = Vec::new();
            let read = stdout.map(|pipe| pipe.take(MAX_SIGNATURE + 1).read_to_end(&mut signature));
            drop(send.send((signature, read.is_some_and(|read| read.is_ok()))));
        });
        let until = Instant::now() + self.timeout;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() >= until {
                child.kill()?;
                child.wait()?;
                return Err(SignError::Timeout(self.timeout));
            }
            std::thread::sleep(LOOK);
        };
        if !status.success() {
            return Err(SignError::Failed(status));
        }
        let left = until.saturating_duration_since(Instant::now()).max(LOOK);
        let (signature, whole) = printed.recv_timeout(left).map_err(|_| SignError::Timeout(self.timeout))?;
        if !whole || !self.public.verify(message, &signature) {
            return Err(SignError::Signature(signature.len()));
        }
        Ok(signature)
    }
}
