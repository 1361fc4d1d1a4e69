//! Questions to whoever sits at the terminal.

use std::io::{self, IsTerminal, Write};

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// There is nobody to be asked.
    NoTerminal,
}

/// Asks; anything but a yes is a no.
pub(crate) fn ask(question: &str) -> Answer {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Answer::NoTerminal;
    }
    let mut answer = String::new();
    let asked = write!(io::stderr(), "{question} [y/N] ");
    if asked.is_ok()
        && io::stdin().read_line(&mut answer).is_ok()
        && matches!(answer.trim(), "y" | "yes")
    {
        Answer::Yes
    } else {
        Answer::No
    }
}
