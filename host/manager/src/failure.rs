//! What went wrong, and the exit code that says so.

use crate::domain::Refusal;
use crate::store::StoreError;
use crate::vault::VaultError;

/// Exit code: failed.
pub(crate) const EXIT_FAILED: u8 = 1;
/// Exit code: wrong usage.
pub const EXIT_USAGE: u8 = 2;
/// Exit code: refused, because a rule says so.
pub(crate) const EXIT_REFUSED: u8 = 3;

/// A command that failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments make no sense together, or name what is not there.
    #[error("{0}")]
    Usage(String),
    /// There is no device or group of this id or name.
    #[error("no {what} {named}: `prose-manager {what} list` shows all")]
    Unknown {
        /// A device, or a group.
        what: &'static str,
        /// How it was named.
        named: String,
    },
    /// An id or a name is another one's.
    #[error("{0}")]
    Taken(String),
    /// A rule would be broken.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no manager in the folder, or one already.
    #[error("{message}")]
    Home {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: &'static str,
    },
    /// The configuration file is none.
    #[error("{message}")]
    Config {
        /// What is wrong, and in which line.
        message: String,
    },
    /// The key file is missing, or no key.
    #[error("{message}")]
    KeyFile {
        /// What is wrong.
        message: String,
    },
    /// The root key is missing, or another one.
    #[error("{message}")]
    RootKey {
        /// What is wrong.
        message: String,
    },
    /// A file cannot be read or written.
    #[error("{message}")]
    File {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: &'static str,
    },
    /// Keys are ended, and what is to be carried for that is not written.
    #[error("{done}, but not all that is to be carried is written ({}): {failure}", groups.join(", "))]
    NotCarried {
        /// What is done.
        done: String,
        /// The groups whose bundles are not written.
        groups: Vec<String>,
        /// Why the first of them is not.
        failure: Box<Self>,
    },
    /// A device's statement is none.
    #[error("{file}: {error}")]
    Statement {
        /// Where it is from.
        file: String,
        /// Why.
        error: proseal_issuer::Error,
    },
    /// Something could not be made or signed.
    #[error("cannot sign: {0}")]
    Issuer(#[from] proseal_issuer::Error),
    /// A secret in the database does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many wait already.
    #[error("too many requests wait")]
    Busy,
    /// The transaction failed in which it was done.
    #[error("it was not committed")]
    NotCommitted,
    /// The server's certificate, or its sockets.
    #[error("{0}")]
    Serve(String),
    /// More than a QR code holds.
    #[error(transparent)]
    Qr(#[from] proseal_qr::TooLong),
    /// No random octets, or no thread to work in.
    #[error("the system gives too little: {0}")]
    System(String),
}

impl Failure {
    /// 1 failed, 2 usage, 3 refused.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Unknown { .. } | Self::Taken(_) => EXIT_USAGE,
            Self::Refused(_) => EXIT_REFUSED,
            Self::Home { .. }
            | Self::Config { .. }
            | Self::KeyFile { .. }
            | Self::RootKey { .. }
            | Self::File { .. }
            | Self::NotCarried { .. }
            | Self::Statement { .. }
            | Self::Issuer(_)
            | Self::Vault(_)
            | Self::Store(_)
            | Self::Busy
            | Self::NotCommitted
            | Self::Serve(_)
            | Self::Qr(_)
            | Self::System(_) => EXIT_FAILED,
        }
    }

    /// A stable short name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Usage(_) | Self::Unknown { .. } | Self::Taken(_) => "usage",
            Self::Refused(refusal) => refusal.name(),
            Self::Home { .. } => "bad_home",
            Self::Config { .. } => "bad_config",
            Self::KeyFile { .. } | Self::Vault(VaultError::NotOpened) => "bad_key_file",
            Self::RootKey { .. } => "no_root_key",
            Self::File { .. } => "bad_file",
            Self::NotCarried { .. } => "bundle_not_written",
            Self::Statement { error, .. } | Self::Issuer(error) => error.name(),
            Self::Store(StoreError::TooNew { .. }) => "database_too_new",
            Self::Store(StoreError::Damaged(_)) => "database_damaged",
            Self::Store(StoreError::Sql(_)) | Self::NotCommitted => "database",
            Self::Busy => "busy",
            Self::Serve(_) => "serve",
            Self::Qr(_) => "too_long_for_qr",
            Self::Vault(VaultError::Random(_)) | Self::System(_) => "system",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        let hint = match self {
            Self::Usage(_) | Self::Unknown { .. } | Self::Taken(_) => {
                "see `prose-manager --help`, or the --help of its command"
            }
            Self::Refused(refusal) => return refusal.hint(),
            Self::Home { hint, .. } | Self::File { hint, .. } => hint,
            Self::NotCarried { .. } => {
                "do not say it again: `prose-manager bundle GROUP --out DIR` for each of these groups, to another place"
            }
            Self::KeyFile { .. } | Self::Vault(VaultError::NotOpened) => {
                "put the key file back that belongs to this database (docs/manager.md, A lost key file)"
            }
            Self::Config { .. } => "docs/manager.md, Configuration, has all that may stand in it",
            Self::RootKey { .. } => {
                "bring the medium that it is kept on, and say --root-key FILE; only init and `signer renew` need it"
            }
            Self::Statement { .. } => {
                "on the radio: `prosectl identity export --out FILE` makes one"
            }
            Self::Issuer(_) => "please report this: what is signed is checked before",
            Self::Store(StoreError::TooNew { .. }) => {
                "use the program that wrote it, or a later one"
            }
            Self::Store(StoreError::Damaged(_)) => "put a backup back (docs/manager.md, Backup)",
            Self::Busy => "try again in a moment",
            Self::Serve(_) => {
                "see `prose-manager serve --help`, and whether another program listens there"
            }
            Self::Store(StoreError::Sql(_)) | Self::NotCommitted => {
                "see that the disk has room and that no other program has the database; nothing has been changed"
            }
            Self::Qr(_) => "carry it as a file: --out FILE without --qr",
            Self::Vault(VaultError::Random(_)) | Self::System(_) => {
                "try again when the system has started"
            }
        };
        hint.to_owned()
    }
}
