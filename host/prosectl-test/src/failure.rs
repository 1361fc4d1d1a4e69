//! What goes wrong with `key import` alone.

use prosectl::Failure;
use prosectl::failure::{EXIT_FAILED, EXIT_REFUSED};

/// An import that failed before the TA was asked, or whose key the TA left out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportFailure {
    /// The key cannot be read.
    #[error("{message}")]
    Key { message: String, hint: &'static str },
    /// It would change what is held.
    #[error("{message}")]
    Held { message: String, hint: &'static str },
    /// The TA took the request, but not the key in it.
    #[error("{message}")]
    NotTaken { message: String, hint: &'static str },
    /// This machine's clock was never set.
    #[error("this machine's clock says {now}")]
    Clock { now: String, hint: &'static str },
}

impl From<ImportFailure> for Failure {
    fn from(failure: ImportFailure) -> Self {
        let message = failure.to_string();
        let (exit_code, number, name, hint) = match failure {
            ImportFailure::Key { hint, .. } => (EXIT_FAILED, 0x802, "bad_key_file", hint),
            ImportFailure::Held { hint, .. } => (EXIT_FAILED, 0x804, "held", hint),
            ImportFailure::NotTaken { hint, .. } => (EXIT_REFUSED, 0x805, "not_taken", hint),
            ImportFailure::Clock { hint, .. } => (EXIT_FAILED, 0x806, "clock_not_set", hint),
        };
        Self::Added { exit_code, number, name, message, hint }
    }
}
