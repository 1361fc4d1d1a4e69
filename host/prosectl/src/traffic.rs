//! The way to the ProSe daemon: its local API (varlink, docs/prosed.md). One call at a
//! time over one connection; nothing here speaks to the TEE.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

/// Where the daemon listens, unless its configuration says otherwise.
pub(crate) const SOCKET: &str = "/run/prosed/prosed.socket";
const INTERFACE: &str = "org.proseal.traffic";
/// Octets of the longest answer that is waited for.
const ANSWER_MAX: usize = 1 << 20;

/// Why nothing came of a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrafficError {
    /// Nobody answers.
    #[error("prosed does not answer at {}: {why}", socket.display())]
    NoDaemon {
        /// Where it should be.
        socket: PathBuf,
        /// What the system said.
        why: String,
    },
    /// It answers what no daemon answers.
    #[error("prosed's answer cannot be understood")]
    Malformed,
    /// The daemon does not let this user.
    #[error("prosed: {0}")]
    NotPermitted(String),
    /// The daemon has a reason against it.
    #[error("prosed: {reason}")]
    Refused {
        /// Its stable name.
        name: &'static str,
        /// In words.
        reason: String,
    },
}

impl TrafficError {
    fn of(error: &str, parameters: &Value) -> Self {
        let reason = parameters["reason"].as_str().unwrap_or(error);
        let reason: String = reason.chars().filter(|one| !one.is_control()).take(500).collect();
        let name = match error.strip_prefix(INTERFACE) {
            Some(".NotPermitted") => return Self::NotPermitted(reason),
            Some(".UnknownGroup") => "unknown_group",
            Some(".NotCarried") => "not_carried",
            _ => "refused",
        };
        Self::Refused { name, reason }
    }

    /// The stable name of it.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::NoDaemon { .. } => "no_daemon",
            Self::Malformed => "bad_answer",
            Self::NotPermitted(_) => "not_permitted",
            Self::Refused { name, .. } => name,
        }
    }

    /// What to do next.
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::NoDaemon { .. } => {
                "see that it runs (`systemctl status prosed`), or name its socket by --socket"
            }
            Self::Malformed => "install this program and prosed from one release",
            Self::NotPermitted(_) => "run it as root, or see `users` in docs/prosed.md",
            Self::Refused { .. } => {
                "`prosectl traffic status` shows the groups, docs/prosed.md says more"
            }
        }
    }
}

/// A connection to the daemon.
pub(crate) struct Daemon {
    stream: UnixStream,
    socket: PathBuf,
}

impl Daemon {
    /// Connects; each call is waited for so long.
    pub(crate) fn connect(socket: &Path, limit: Duration) -> Result<Self, TrafficError> {
        let stream = UnixStream::connect(socket).and_then(|stream| {
            stream.set_read_timeout(Some(limit))?;
            stream.set_write_timeout(Some(limit))?;
            Ok(stream)
        });
        let stream = stream.map_err(|error| no_daemon(socket, &error))?;
        Ok(Self { stream, socket: socket.to_owned() })
    }

    /// Calls a method; the reply's parameters.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Result<Value, TrafficError> {
        let call = json!({ "method": format!("{INTERFACE}.{method}"), "parameters": parameters });
        let answer = self.exchange(&call).map_err(|error| no_daemon(&self.socket, &error))?;
        let mut answer: Value =
            serde_json::from_slice(&answer).map_err(|_| TrafficError::Malformed)?;
        match answer["error"].as_str() {
            Some(error) => Err(TrafficError::of(error, &answer["parameters"])),
            None if answer["parameters"].is_object() => Ok(answer["parameters"].take()),
            None => Err(TrafficError::Malformed),
        }
    }

    /// The message that answers, without its zero.
    fn exchange(&mut self, call: &Value) -> io::Result<Vec<u8>> {
        let message = [call.to_string().as_bytes(), &[0]].concat();
        self.stream.write_all(&message)?;
        let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
        while answer.last() != Some(&0) {
            let read = match self.stream.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 || answer.len() > ANSWER_MAX {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend(buffer.iter().take(read));
        }
        answer.pop();
        Ok(answer)
    }
}

fn no_daemon(socket: &Path, error: &io::Error) -> TrafficError {
    let why = match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "it takes too long".to_owned(),
        _ => error.to_string(),
    };
    TrafficError::NoDaemon { socket: socket.to_owned(), why }
}
