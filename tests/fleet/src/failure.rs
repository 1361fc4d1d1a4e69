//! What goes wrong, by whom.

use std::io;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// No answer came: whether it was done nobody knows.
    #[error("no answer: {0}")]
    Lost(#[from] io::Error),
    /// The manager said no, by this name.
    #[error("the manager refuses {what}: {status} {name}")]
    Refused { what: String, status: u16, name: String },
    /// The radio's trusted application said no.
    #[error("the radio: {0}")]
    Radio(#[from] proseal_client::Error),
    /// Something is not as it should be.
    #[error("{0}")]
    Wrong(String),
}

impl Failure {
    /// Whether asking again is worth it.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Lost(_) => true,
            Self::Refused { status, name, .. } => {
                *status >= 500
                    || ["bad_nonce", "nonce_used", "late_statement", "too_many_requests"]
                        .contains(&name.as_str())
            }
            Self::Radio(_) | Self::Wrong(_) => false,
        }
    }
}
