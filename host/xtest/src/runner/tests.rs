use std::path::PathBuf;

use super::*;
use crate::case::{Stop, Verdict, plainly};
use crate::{cases, check};

fn options(state: &str) -> Options {
    let state = std::env::temp_dir().join(format!("{state}-{}", std::process::id()));
    Options { suites: Vec::new(), filters: Vec::new(), level: 0, seed: 0, junit: None, state }
}

const LIMIT: Duration = Duration::from_secs(60);

fn run_of(cases: &[&'static Case], limit: Duration) -> (Summary, String) {
    check::silence_panics();
    let options = options("none");
    let mut out = Vec::new();
    let mut report = Report::new(&mut out, &options);
    let summary = run_within(limit, cases, &Target::new(), &options, &mut report);
    (summary, String::from_utf8(out).unwrap())
}

macro_rules! case {
    ($run:expr) => {{
        static CASE: Case =
            Case { suite: "self", number: 1, title: "a case", run: $run, around: plainly };
        &CASE
    }};
}

#[test]
fn a_failed_check_does_not_end_the_case_and_names_its_place() {
    fn failing(c: &mut Context) -> Verdict {
        c.part("fails", |c| {
            c.equal("answer", 1_u32, 2);
            c.octets("octets", &[1], &[2]);
            Ok(())
        });
        c.part("passes", |c| c.ok("result", Ok::<_, String>(())));
        Ok(())
    }
    let (summary, out) = run_of(&[case!(failing)], LIMIT);
    assert_eq!((summary.checks, summary.failed_checks), (3, 2));
    assert!(!summary.all_passed());
    let Outcome::Failed(failures) = &summary.cases[0].outcome else { panic!("it passed") };
    assert_eq!(failures[0].id, "self_1.1");
    assert!(failures[0].first.as_ref().unwrap().file.ends_with("runner/tests.rs"));
    assert_eq!(failures[1], Failure { id: String::from("self_1"), first: None });
    assert!(out.contains(": answer has an unexpected value: 1, expected 2\n"), "{out}");
    assert!(out.contains("octets has an unexpected content:\nGot\n  01 "), "{out}");
    assert!(out.contains("  self_1.1 FAILED\n"), "{out}");
    assert!(out.contains("  self_1.2 OK\n"), "{out}");
    assert!(out.ends_with("  self_1 FAILED\n"), "{out}");
}

#[test]
fn parts_within_parts_are_told_in_xtests_lines() {
    fn nested(c: &mut Context) -> Verdict {
        c.part("outer", |c| {
            c.part("inner", |c| c.ok("result", Ok::<_, String>(())));
            c.part("wrong", |c| {
                c.that("truth", false);
                Ok(())
            });
            Ok(())
        });
        Ok(())
    }
    let (summary, out) = run_of(&[case!(nested)], LIMIT);
    let lines: Vec<_> = out.lines().filter(|line| !line.contains(".rs:")).collect();
    assert_eq!(
        lines,
        [
            "* self_1 a case",
            "o self_1.1 outer",
            "o self_1.1.1 inner",
            "  self_1.1.1 OK",
            "o self_1.1.2 wrong",
            "  self_1.1.2 FAILED",
            "  self_1.1 FAILED",
            "  self_1 FAILED",
        ]
    );
    let Outcome::Failed(failures) = &summary.cases[0].outcome else { panic!("it passed") };
    let ids: Vec<_> = failures.iter().map(|failure| failure.id.as_str()).collect();
    assert_eq!(ids, ["self_1.1.2", "self_1.1", "self_1"], "depth first");
}

#[test]
fn a_panic_is_a_failure_of_its_case_alone() {
    let passing = case!(|c| c.ok("result", Ok::<_, String>(())));
    let (summary, out) = run_of(&[case!(|_| panic!("on purpose")), passing], LIMIT);
    assert_eq!((summary.failed(), summary.ran()), (1, 2));
    assert!(out.contains("the case panicked: on purpose"), "{out}");
}

#[test]
fn a_skip_is_no_pass_and_a_case_without_checks_fails() {
    let (summary, out) = run_of(&[case!(|_| Err(Stop::Skipped(String::from("not here"))))], LIMIT);
    assert!(out.contains(" - 1 -   skip test, not here\n"), "xtest's own line: {out}");
    assert_eq!(summary.cases[0].outcome, Outcome::Skipped(String::from("not here")));
    assert!(!summary.all_passed(), "none ran");
    let (summary, _) = run_of(&[case!(|_| Ok(()))], LIMIT);
    assert_eq!(summary.failed(), 1);
}

#[test]
fn a_case_over_its_time_fails_and_ends_the_run_cleanly() {
    let slow = case!(|_| {
        thread::sleep(Duration::from_secs(30));
        Ok(())
    });
    let start = Instant::now();
    let (summary, _) = run_of(&[slow, case!(|_| Ok(()))], Duration::from_millis(50));
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!((summary.failed(), summary.skipped()), (1, 1));
    assert_eq!(summary.aborted.as_deref(), Some("self_1"));
    assert!(!summary.all_passed());
}

/// The cases themselves, against the TA's logic in this process.
#[test]
fn every_case_passes_or_says_why_it_cannot_run_here() {
    check::silence_panics();
    let options = options("prose-xtest");
    let all: Vec<_> = cases::all().collect();
    let mut out = Vec::new();
    let mut report = Report::new(&mut out, &options);
    let summary = run(&all, &Target::new(), &options, &mut report);
    report.close(&summary);
    let _ = std::fs::remove_file(&options.state);
    assert!(summary.all_passed(), "{}", String::from_utf8(out).unwrap());
    let skipped: Vec<_> = summary
        .cases
        .iter()
        .filter(|finished| matches!(finished.outcome, Outcome::Skipped(_)))
        .map(|finished| finished.case.id())
        .collect();
    assert_eq!(skipped, ["storage_1002", "regression_1008"]);
}

/// Storage over a restart, with another boot id in the state file.
#[test]
fn a_restart_is_told_from_the_same_start() {
    check::silence_panics();
    let options = options("prose-xtest-restart");
    let target = Target::new();
    let case = |id: &str| cases::all().find(|case| case.id() == id).unwrap();
    let outcome = |id: &str| {
        let mut report = Report::new(Vec::new(), &options);
        run(&[case(id)], &target, &options, &mut report).cases.remove(0).outcome
    };
    assert_eq!(outcome("storage_1001"), Outcome::Passed);
    assert!(matches!(outcome("storage_1002"), Outcome::Skipped(_)), "the same start");
    let text = std::fs::read_to_string(&options.state).unwrap();
    let mut left: serde_json::Value = serde_json::from_str(&text).unwrap();
    left["boot_id"] = "an earlier one".into();
    std::fs::write(&options.state, left.to_string()).unwrap();
    assert_eq!(outcome("storage_1002"), Outcome::Passed);
    assert!(matches!(outcome("storage_1002"), Outcome::Skipped(_)), "checked once");
    assert_eq!(outcome("storage_1003"), Outcome::Passed);
    assert!(!PathBuf::from(&options.state).exists(), "what erases voids what was left");
}
