use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::case::{Case, Failure, Finished, plainly};
use crate::selection::Filter;

static CASES: [Case; 3] = [
    Case { suite: "regression", number: 1001, title: "one", run: |_| Ok(()), around: plainly },
    Case { suite: "regression", number: 1002, title: "two", run: |_| Ok(()), around: plainly },
    Case { suite: "kat", number: 1001, title: "three", run: |_| Ok(()), around: plainly },
];

fn options(filters: Vec<Filter>) -> Options {
    let suites = vec![String::from("regression"), String::from("kat")];
    Options { suites, filters, level: 0, seed: 0, junit: None, state: PathBuf::new() }
}

fn finished(at: usize, outcome: Outcome) -> Finished {
    Finished { case: &CASES[at], outcome, texts: Vec::new(), time: Duration::ZERO }
}

fn written(report: Report<Vec<u8>>) -> String {
    String::from_utf8(report.out).unwrap()
}

#[test]
fn a_run_opens_with_xtests_heading() {
    let mut report = Report::new(Vec::new(), &options(Vec::new()));
    report.start();
    report.case_started("regression_1001", "one");
    report.part_started("regression_1001.1", "part");
    report.ended("regression_1001.1", "OK");
    report.ended("regression_1001", "OK");
    assert_eq!(
        written(report),
        "Run test suite with level=0\n\
         \n\
         TEE test application started over default TEE instance\n\
         ######################################################\n\
         #\n\
         # regression+kat\n\
         #\n\
         ######################################################\n \n\
         * regression_1001 one\n\
         o regression_1001.1 part\n  \
         regression_1001.1 OK\n  \
         regression_1001 OK\n"
    );
}

#[test]
fn the_closing_block_names_failures_and_skips() {
    let filters = vec![
        Filter { take: true, id: String::from("10*") },
        Filter { take: false, id: String::from("1003") },
    ];
    let mut report = Report::new(Vec::new(), &options(filters));
    let first = Some(Place { file: String::from("a.rs"), line: 7 });
    let failures = vec![
        Failure { id: String::from("regression_1002.1"), first },
        Failure { id: String::from("regression_1002"), first: None },
    ];
    report.close(&Summary {
        cases: vec![
            finished(0, Outcome::Passed),
            finished(1, Outcome::Failed(failures)),
            finished(2, Outcome::Skipped(String::from("no gauge"))),
        ],
        checks: 1,
        failed_checks: 1,
        aborted: None,
    });
    assert_eq!(
        written(report),
        "+-----------------------------------------------------\n\
         Result of testsuite regression+kat filtered by \"10*\":\n\
         Result of testsuite regression+kat filtered by \"-x 1003\":\n\
         regression_1001 OK\n\
         regression_1002.1 FAILED first error at a.rs:7\n\
         regression_1002 FAILED\n\
         kat_1001 SKIPPED no gauge\n\
         +-----------------------------------------------------\n\
         1 subtest of which 1 failed\n\
         2 test cases of which 1 failed\n\
         1 test case was skipped\n\
         TEE test application done!\n"
    );
}
