//! What is around the program: the clock, the user, the terminal.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What was typed.
    Line(String),
    /// There is nobody to be asked.
    NoTerminal,
}

/// The surroundings of one command.
pub struct Here {
    /// The clock, seconds since 1970 UTC.
    pub now: u64,
    /// The Unix user, for the audit.
    pub user: String,
    /// Where a manager is kept if nobody says --home.
    pub home: PathBuf,
    /// Standard output is a terminal.
    pub is_terminal: bool,
    /// Asks whoever sits there.
    pub ask: fn(&str) -> Answer,
}

impl Here {
    /// As they are.
    #[must_use]
    pub fn of_process() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let home = std::env::home_dir().unwrap_or_default().join(".prose-manager");
        Self { now, user: user(), home, is_terminal: io::stdout().is_terminal(), ask }
    }
}

/// The user's name by the kernel's number: no variable has a say in it.
fn user() -> String {
    let uid = rustix::process::getuid().as_raw();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("uid {uid}"))
}

fn ask(question: &str) -> Answer {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Answer::NoTerminal;
    }
    let mut line = String::new();
    // An answer that cannot be read is an empty one, which is never a yes.
    let _ = write!(io::stderr(), "{question} ");
    let _ = io::stdin().read_line(&mut line);
    Answer::Line(line.trim().to_owned())
}
