//! What is around the program: the clock, the user, the terminal.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::termios;

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What was typed.
    Line(String),
    /// There is nobody to be asked.
    NoTerminal,
}

/// A clock: seconds since 1970 UTC.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// One that says what `now` says.
    pub fn new(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// This machine's; 0 where that is before 1970.
    #[must_use]
    pub fn system() -> Self {
        let since = || SystemTime::now().duration_since(UNIX_EPOCH);
        Self::new(move || since().map_or(0, |since| since.as_secs()))
    }

    /// What it says.
    #[must_use]
    pub fn now(&self) -> u64 {
        (self.0)()
    }
}

/// The surroundings of one command.
pub struct Here {
    /// The clock.
    pub clock: Clock,
    /// The Unix user, for the audit.
    pub user: String,
    /// Where a manager is kept if nobody says --home.
    pub home: PathBuf,
    /// Standard output is a terminal.
    pub is_terminal: bool,
    /// Asks whoever sits there.
    pub ask: fn(&str) -> Answer,
    /// Asks for a secret, which is not shown; a program writes it to standard input.
    pub ask_secret: fn(&str) -> Answer,
}

impl Here {
    /// As they are.
    #[must_use]
    pub fn of_process() -> Self {
        let home = std::env::home_dir().unwrap_or_default().join(".prose-manager");
        Self {
            clock: Clock::system(),
            user: user(),
            home,
            is_terminal: io::stdout().is_terminal(),
            ask,
            ask_secret,
        }
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

fn ask_secret(question: &str) -> Answer {
    let input = io::stdin();
    let shown = input.is_terminal().then(|| termios::tcgetattr(&input).ok()).flatten();
    if let Some(shown) = &shown {
        let mut hidden = shown.clone();
        hidden.local_modes.remove(termios::LocalModes::ECHO);
        // Where it cannot be hidden it is seen by who types it.
        let _ = termios::tcsetattr(&input, termios::OptionalActions::Flush, &hidden);
        let _ = write!(io::stderr(), "{question} ");
    }
    let mut line = String::new();
    // What cannot be read is no password.
    let _ = input.read_line(&mut line);
    if let Some(shown) = &shown {
        let _ = termios::tcsetattr(&input, termios::OptionalActions::Flush, shown);
        let _ = writeln!(io::stderr());
    }
    Answer::Line(line.trim_end_matches(['\r', '\n']).to_owned())
}
