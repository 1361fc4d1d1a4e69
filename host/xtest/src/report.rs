//! xtest's lines, on a stream. Each is flushed, so that a machine that stops
//! has said how far it came.

use std::io::Write;

use crate::case::{Outcome, Place, Summary};
use crate::options::Options;

/// Writes a run as xtest does.
pub(crate) struct Report<W> {
    out: W,
    suites: String,
    ids: Vec<String>,
    level: u32,
}

impl<W: Write> Report<W> {
    /// A report of a run with these options.
    pub(crate) fn new(out: W, options: &Options) -> Self {
        let written = |take: bool, id: &str| if take { id.to_owned() } else { format!("-x {id}") };
        Self {
            out,
            suites: options.suites.join("+"),
            ids: options.filters.iter().map(|f| written(f.take, &f.id)).collect(),
            level: options.level,
        }
    }

    /// What stands before the first case.
    pub(crate) fn start(&mut self) {
        for id in self.ids.clone() {
            self.line(&format!("Test ID: {id}"));
        }
        self.line(&format!("Run test suite with level={}", self.level));
        self.line("");
        self.line("TEE test application started over default TEE instance");
        let rule = "#".repeat(54);
        for line in [&rule, "#", &format!("# {}", self.suites), "#", &rule, " "] {
            self.line(line);
        }
    }

    /// A case starts.
    pub(crate) fn case_started(&mut self, id: &str, title: &str) {
        self.line(&format!("* {id} {title}"));
    }

    /// A part of a case starts.
    pub(crate) fn part_started(&mut self, id: &str, title: &str) {
        self.line(&format!("o {id} {title}"));
    }

    /// A case or a part of one is over: `OK`, `FAILED` or `SKIPPED`.
    pub(crate) fn ended(&mut self, id: &str, word: &str) {
        self.line(&format!("  {id} {word}"));
    }

    /// A check failed.
    pub(crate) fn failed_check(&mut self, place: &Place, text: &str) {
        self.line(&placed(place, text));
    }

    /// A case, or a part of one, cannot run here.
    pub(crate) fn skipped(&mut self, number: u16, reason: &str) {
        self.line(&format!(" - {number} -   skip test, {reason}"));
    }

    /// Something to know.
    pub(crate) fn note(&mut self, text: &str) {
        self.line(&format!("  {text}"));
    }

    /// What stands after the last case.
    pub(crate) fn close(&mut self, summary: &Summary) {
        let rule = format!("+{}", "-".repeat(53));
        self.line(&rule);
        self.result_of();
        for finished in &summary.cases {
            let id = finished.case.id();
            match &finished.outcome {
                Outcome::Passed => self.line(&format!("{id} OK")),
                Outcome::Skipped(reason) => self.line(&format!("{id} SKIPPED {reason}")),
                Outcome::Failed(failures) => {
                    for failure in failures {
                        let own = failure.first.as_ref().filter(|place| !place.file.is_empty());
                        let first = own.map_or_else(String::new, |place| {
                            format!(" first error at {}:{}", place.file, place.line)
                        });
                        self.line(&format!("{} FAILED{first}", failure.id));
                    }
                }
            }
        }
        if let Some(id) = &summary.aborted {
            self.line(&format!("Test suite aborted by {id}!"));
        }
        self.line(&rule);
        if summary.aborted.is_some() {
            self.line("Test suite was ABORTED");
        }
        let subtests = plural(summary.checks, "subtest", "subtests");
        self.line(&format!("{subtests} of which {} failed", summary.failed_checks));
        let ran = plural(summary.ran(), "test case", "test cases");
        self.line(&format!("{ran} of which {} failed", summary.failed()));
        let skipped = plural(summary.skipped(), "test case was", "test cases were");
        self.line(&format!("{skipped} skipped"));
        self.line("TEE test application done!");
    }

    fn result_of(&mut self) {
        let of = format!("Result of testsuite {}", self.suites);
        if self.ids.is_empty() {
            self.line(&format!("{of}:"));
        }
        for id in self.ids.clone() {
            self.line(&format!("{of} filtered by \"{id}\":"));
        }
    }

    fn line(&mut self, line: &str) {
        // A reader that went away (`| head`) does not stop the run: the exit
        // status still says how it went.
        let _ = writeln!(self.out, "{line}").and_then(|()| self.out.flush());
    }
}

/// A failed check as it is printed. What is the runner's to say has no place.
pub(crate) fn placed(place: &Place, text: &str) -> String {
    if place.file.is_empty() {
        text.to_owned()
    } else {
        format!("{}:{}: {text}", place.file, place.line)
    }
}

fn plural<N: PartialEq + From<u8> + ToString>(count: N, one: &str, many: &str) -> String {
    let word = if count == N::from(1) { one } else { many };
    format!("{} {word}", count.to_string())
}

#[cfg(test)]
mod tests;
