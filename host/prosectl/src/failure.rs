//! What went wrong, and the exit code that says so.

use std::path::PathBuf;

use proseal_client::{Error, Kind};
use proseal_proto::error::Code;

use crate::manager::ManagerError;
use crate::traffic::TrafficError;

/// Exit code: wrong usage.
pub(crate) const EXIT_USAGE: u8 = 2;
/// What `doctor` reports when something is wrong: a failure with a report.
pub(crate) const NUMBER_UNWELL: u32 = 0x803;
/// Exit code: failed, for no reason that has a code of its own.
pub const EXIT_FAILED: u8 = 1;
/// Exit code: there is no TEE or no daemon, or it does not answer.
pub(crate) const EXIT_NO_TEE: u8 = 4;
/// Exit code: refused by the TA.
pub const EXIT_REFUSED: u8 = 3;
const EXIT_NO_PERMISSION: u8 = 5;
const EXIT_UNREACHABLE: u8 = 6;

/// The exit code of an error of the client.
pub(crate) const fn exit_code_of(error: &Error) -> u8 {
    match error.kind() {
        Kind::Refused => EXIT_REFUSED,
        Kind::NoTee => EXIT_NO_TEE,
        Kind::NoPermission => EXIT_NO_PERMISSION,
        Kind::Failed => EXIT_FAILED,
    }
}

/// A command that failed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each field is what its name says")]
pub enum Failure {
    /// The arguments make no sense together.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be read or written.
    #[error("{message}")]
    File { message: String, hint: &'static str },
    /// A file is not what the command is for.
    #[error("{message}")]
    WrongFile { message: String, hint: &'static str },
    /// More than a QR code holds.
    #[error(transparent)]
    Qr(#[from] proseal_qr::TooLong),
    /// What the device says of itself is not to be believed.
    #[error("the device's statement cannot be relied on: {0}")]
    Statement(String),
    /// The kernel's random source gives nothing.
    #[error("no random octets for a nonce: {0}")]
    Random(String),
    /// The TA refused, in words that say more than its code.
    #[error("{message}")]
    Refused { code: Code, message: String, hint: &'static str },
    /// The TA refused an epoch for its salt, by a code of many meanings.
    #[error("a salt is given, and the PGK's profile has none")]
    SaltUnused,
    /// This device does not know where its manager is.
    #[error("this device knows no manager: there is no {}", path.display())]
    NoManager { path: PathBuf },
    /// By the manager, or on the way to it.
    #[error(transparent)]
    Manager(#[from] ManagerError),
    /// By the ProSe daemon, or on the way to it.
    #[error(transparent)]
    Traffic(#[from] TrafficError),
    /// Of a command that another tool adds: all that there is to say.
    #[error("{message}")]
    Added { exit_code: u8, number: u32, name: &'static str, message: String, hint: &'static str },
    /// Between this program and the TA, or by the TA.
    #[error(transparent)]
    Client(#[from] Error),
}

impl Failure {
    /// 1 failed, 2 usage, 3 refused by the TA, the manager or prosed, 4 no TEE or no
    /// prosed, 5 no permission, 6 manager unreachable.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => EXIT_USAGE,
            Self::File { .. }
            | Self::WrongFile { .. }
            | Self::Qr(_)
            | Self::Statement(_)
            | Self::Random(_)
            | Self::NoManager { .. }
            | Self::Manager(ManagerError::NotTrusted { .. } | ManagerError::Malformed(_)) => {
                EXIT_FAILED
            }
            Self::Manager(ManagerError::Refused { .. }) => EXIT_REFUSED,
            Self::Manager(ManagerError::Unreachable { .. } | ManagerError::NotNow { .. }) => {
                EXIT_UNREACHABLE
            }
            Self::Traffic(error) => match error {
                TrafficError::NoDaemon { .. } => EXIT_NO_TEE,
                TrafficError::Malformed => EXIT_FAILED,
                TrafficError::NotPermitted(_) => EXIT_NO_PERMISSION,
                TrafficError::Refused { .. } => EXIT_REFUSED,
            },
            Self::Refused { .. } | Self::SaltUnused => EXIT_REFUSED,
            Self::Added { exit_code, .. } => *exit_code,
            Self::Client(error) => exit_code_of(error),
        }
    }

    /// A stable number for scripts: the TA's code, or 0x7xx and 0x8xx of our own. 0x802 and
    /// 0x804 to 0x806 are prosectl-test's.
    pub(crate) const fn number(&self) -> u32 {
        match self {
            Self::Usage(_) => 0x801,
            Self::File { .. } => 0x807,
            Self::WrongFile { .. } => 0x808,
            Self::Qr(_) => 0x809,
            Self::Statement(_) => 0x80a,
            Self::Random(_) => 0x80b,
            Self::NoManager { .. } => 0x80c,
            Self::Manager(error) => match error {
                ManagerError::Unreachable { .. } => 0x80d,
                ManagerError::NotTrusted { .. } => 0x80e,
                ManagerError::Malformed(_) => 0x80f,
                ManagerError::Refused { .. } => 0x810,
                ManagerError::NotNow { .. } => 0x811,
            },
            Self::Traffic(error) => match error {
                TrafficError::NoDaemon { .. } => 0x812,
                TrafficError::Malformed => 0x813,
                TrafficError::NotPermitted(_) => 0x814,
                TrafficError::Refused { .. } => 0x815,
            },
            Self::Refused { code, .. } => code.number(),
            Self::SaltUnused => Code::OutOfRange.number(),
            Self::Added { number, .. } => *number,
            Self::Client(error) => error.number(),
        }
    }

    /// A stable short name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Usage(_) => "usage",
            Self::File { .. } => "bad_file",
            Self::WrongFile { .. } => "wrong_file",
            Self::Qr(_) => "too_long_for_qr",
            Self::Statement(_) => "bad_statement",
            Self::Random(_) => "no_random",
            Self::NoManager { .. } => "no_manager",
            Self::Manager(error) => error.name(),
            Self::Traffic(error) => error.name(),
            Self::Refused { code, .. } => code.name(),
            Self::SaltUnused => Code::OutOfRange.name(),
            Self::Added { name, .. } => name,
            Self::Client(error) => error.name(),
        }
    }

    /// What to do next.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Usage(_) => "see `prosectl --help`, or the --help of its command",
            Self::File { hint, .. }
            | Self::WrongFile { hint, .. }
            | Self::Refused { hint, .. }
            | Self::Added { hint, .. } => hint,
            Self::Qr(_) => "carry it as a file",
            Self::Statement(_) => {
                "install this program and the trusted application from one release; if they are, please report this"
            }
            Self::NoManager { .. } => {
                "`prosectl enrol --token-file FILE` tells it; packages in files need none: `prosectl import FILE`"
            }
            Self::Manager(error) => error.hint(),
            Self::Traffic(error) => error.hint(),
            Self::Random(_) => "try again when the system has started",
            Self::SaltUnused => "leave the salt out: no `--salt`, or `--epoch SENDER:PTK_ID`",
            Self::Client(error) => error.hint(),
        }
    }
}

/// What a user should know of a command that goes on.
#[derive(Debug, thiserror::Error)]
#[error("{fact}: {cause}")]
pub(crate) struct Warning {
    /// What is done.
    pub(crate) fact: String,
    /// The refusal that is behind it.
    pub(crate) cause: Error,
}

impl Warning {
    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        self.cause.hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_for_a_qr_code_goes_as_a_file() {
        let failure = Failure::from(proseal_qr::TooLong { len: 2954 });
        assert_eq!(failure.to_string(), "2954 octets are more than a QR code holds (2953)");
        assert_eq!((failure.exit_code(), failure.hint()), (1, "carry it as a file"));
    }
}
