//! What a test case is, and what became of it.

use std::time::Duration;

use crate::check::Context;

/// One row of the table.
pub(crate) struct Case {
    /// The suite it belongs to.
    pub(crate) suite: &'static str,
    /// Its number there; never used again.
    pub(crate) number: u16,
    /// The fact that it states.
    pub(crate) title: &'static str,
    /// Checks the fact.
    pub(crate) run: Run,
    /// What is done before and after: [`plainly`], or what a suite demands
    /// of all its cases.
    pub(crate) around: fn(&mut Context, Run) -> Verdict,
}

/// What a case does.
pub(crate) type Run = fn(&mut Context) -> Verdict;

/// A case with nothing around it.
pub(crate) fn plainly(c: &mut Context, run: Run) -> Verdict {
    run(c)
}

impl Case {
    /// `<suite>_<number>`.
    pub(crate) fn id(&self) -> String {
        format!("{}_{}", self.suite, self.number)
    }
}

/// How a case or a part of one ends. `Ok` says only that it came to its end:
/// whether it passed is in its checks.
pub(crate) type Verdict = Result<(), Stop>;

/// Why a case ends early.
pub(crate) enum Stop {
    /// A check failed that the rest needs; it has been counted.
    Failed,
    /// It cannot be run here, for this reason. Never a pass.
    Skipped(String),
}

/// Where a check stands in the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file.
    pub(crate) file: String,
    /// The line.
    pub(crate) line: u32,
}

/// A case or a part of one that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Its id, `regression_1004.2` for a part.
    pub(crate) id: String,
    /// The first check of its own that failed; none if only a part's did.
    pub(crate) first: Option<Place>,
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every check passed.
    Passed,
    /// What failed, parts before wholes.
    Failed(Vec<Failure>),
    /// It did not run, or not to its end, for this reason.
    Skipped(String),
}

/// A case that is over.
pub(crate) struct Finished {
    /// Its row.
    pub(crate) case: &'static Case,
    /// What became of it.
    pub(crate) outcome: Outcome,
    /// The texts of its failed checks.
    pub(crate) texts: Vec<String>,
    /// How long it took.
    pub(crate) time: Duration,
}

/// All cases of a run.
#[derive(Default)]
pub(crate) struct Summary {
    /// In the order in which they ran.
    pub(crate) cases: Vec<Finished>,
    /// Checks evaluated.
    pub(crate) checks: u64,
    /// Checks that failed.
    pub(crate) failed_checks: u64,
    /// The case after which the run stopped early.
    pub(crate) aborted: Option<String>,
}

impl Summary {
    /// Cases that failed.
    pub(crate) fn failed(&self) -> usize {
        self.cases.iter().filter(|c| matches!(c.outcome, Outcome::Failed(_))).count()
    }

    /// Cases that were skipped.
    pub(crate) fn skipped(&self) -> usize {
        self.cases.iter().filter(|c| matches!(c.outcome, Outcome::Skipped(_))).count()
    }

    /// Cases that ran.
    pub(crate) fn ran(&self) -> usize {
        self.cases.len() - self.skipped()
    }

    /// Whether something ran and nothing failed.
    pub(crate) fn all_passed(&self) -> bool {
        self.ran() > 0 && self.failed() == 0 && self.aborted.is_none()
    }
}
