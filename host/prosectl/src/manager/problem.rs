//! What a manager's servers say is wrong (RFC 9457), or what is wrong on the way to them.

use serde::Deserialize;

/// Problem details; other members mean nothing here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    name: String,
    detail: String,
}

/// Why nothing came of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManagerError {
    /// No answer came.
    #[error("the manager at {url} does not answer: {why}")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// What the network said.
        why: String,
    },
    /// Who answers is not vouched for by the manager's authority.
    #[error("who answers at {url} is not this device's manager: {why}")]
    NotTrusted {
        /// Where it should be.
        url: String,
        /// What is wrong with the certificate.
        why: String,
    },
    /// It answers what no manager answers.
    #[error("the manager's answer cannot be understood: {0}")]
    Malformed(String),
    /// The manager has a rule against it.
    #[error("the manager refuses: {detail}")]
    Refused {
        /// Its stable name.
        name: String,
        /// In words.
        detail: String,
    },
    /// The manager cannot do it now.
    #[error("the manager cannot do it now: {detail}")]
    NotNow {
        /// Its stable name.
        name: String,
        /// In words.
        detail: String,
    },
}

impl ManagerError {
    /// An answer whose status is no success. Text that a server sends is printed: only what
    /// can be printed of it, and not at length.
    pub(super) fn of(status: u16, problem: &Problem) -> Self {
        let name = match printable(&problem.name, 64) {
            name if name.is_empty() => "manager_error".to_owned(),
            name => name,
        };
        let detail = match printable(&problem.detail, 500) {
            detail if detail.is_empty() => format!("status {status}"),
            detail => detail,
        };
        match status {
            400..=499 if status != 429 && status != 408 => Self::Refused { name, detail },
            _ => Self::NotNow { name, detail },
        }
    }

    /// The stable name of it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::NotTrusted { .. } => "wrong_manager",
            Self::Malformed(_) => "bad_answer",
            Self::Refused { name, .. } | Self::NotNow { name, .. } => name,
        }
    }

    /// What to do next.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => {
                "see that the network is there and the manager runs, then say the same again: nothing is lost"
            }
            Self::NotTrusted { .. } => {
                "compare this device's clock with another one; if it is right, somebody else answers there, or the manager has a new authority: ask its operator for a new token file"
            }
            Self::Malformed(_) => {
                "see that the URL is the manager's, and that this program is of its release"
            }
            Self::NotNow { .. } => {
                "say the same again in a minute; if it stays, tell the manager's operator"
            }
            Self::Refused { name, .. } => of_refusal(name),
        }
    }
}

fn of_refusal(name: &str) -> &'static str {
    match name {
        "not_authorised" => "ask the manager's operator to let this subscriber into the group",
        "unknown_device" => {
            "enrol first: `prosectl enrol --manager URL --token-file FILE --fingerprint HEX`"
        }
        "not_approved" => {
            "tell the operator the device id that the secure console shows, then say the same again"
        }
        "foreign_root" => {
            "this device belongs to another manager: `prosectl erase` frees it, as a new device"
        }
        "not_enrolled" => "`prosectl enrol` pins the manager's root key first",
        "bad_token" | "token_used" | "token_expired" => {
            "ask the manager's operator for a new token file"
        }
        "lost" => {
            "it was declared lost: `prosectl erase`, then enrol it as a new device with a new token"
        }
        "rolled_back" => {
            "its storage was put back: the operator has to let it in again (`device import --accept-rollback`)"
        }
        _ => "the message says what the manager wants; its operator can say more",
    }
}

fn printable(text: &str, most: usize) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, name: &str, detail: &str) -> ManagerError {
        ManagerError::of(status, &Problem { name: name.to_owned(), detail: detail.to_owned() })
    }

    #[test]
    fn what_a_server_says_is_told_but_moves_no_terminal() {
        let error = of(403, "not_approved", "device \x1b[2J x\n");
        assert_eq!(error.name(), "not_approved");
        assert_eq!(error.to_string(), "the manager refuses: device [2J x");
        assert!(error.hint().contains("secure console"));
        assert_eq!(of(403, &"n".repeat(1000), "").name().len(), 64);
    }

    #[test]
    fn who_may_come_again_is_told_so() {
        for status in [408, 429, 500, 503] {
            assert!(matches!(of(status, "", ""), ManagerError::NotNow { .. }), "{status}");
        }
        let error = of(404, "", "");
        assert_eq!(
            (error.name(), error.to_string().as_str()),
            ("manager_error", "the manager refuses: status 404")
        );
    }
}
