//! Which cases run.

use std::collections::BTreeSet;

use crate::case::Case;
use crate::options::Options;

/// One id of the command line.
#[derive(Clone)]
pub(crate) struct Filter {
    /// Whether to take or to leave out what it matches.
    pub(crate) take: bool,
    /// A whole id, a whole number, or the start of either with a `*`.
    pub(crate) id: String,
}

impl Filter {
    /// Whole ids only: xtest's search for a part of the id hits too much.
    fn matches(&self, case: &Case) -> bool {
        let names = [case.id(), case.number.to_string()];
        match self.id.strip_suffix('*') {
            Some(start) => names.iter().any(|name| name.starts_with(start)),
            None => names.contains(&self.id),
        }
    }
}

/// The cases to run, in the table's order.
///
/// Errors: a number that stands twice, an id that matches nothing, or nothing left to run. A mistyped id
/// must not read as a pass.
pub(crate) fn select(
    cases: impl Iterator<Item = &'static Case>,
    options: &Options,
) -> Result<Vec<&'static Case>, String> {
    let cases: Vec<_> = cases.collect();
    let ids: BTreeSet<_> = cases.iter().map(|case| case.id()).collect();
    if ids.len() < cases.len() {
        return Err(String::from("two test cases have one number"));
    }
    let cases: Vec<_> =
        cases.into_iter().filter(|c| options.suites.iter().any(|s| s == c.suite)).collect();
    for filter in &options.filters {
        if !cases.iter().any(|case| filter.matches(case)) {
            return Err(format!("no test case matches {:?}", filter.id));
        }
    }
    let all = options.filters.first().is_none_or(|first| !first.take);
    let selected: Vec<_> = cases
        .into_iter()
        .filter(|case| {
            options.filters.iter().rev().find(|f| f.matches(case)).map_or(all, |last| last.take)
        })
        .collect();
    if selected.is_empty() {
        Err(String::from("no test case is left to run"))
    } else {
        Ok(selected)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::case::plainly;

    static CASES: [Case; 4] = [
        Case { suite: "regression", number: 1001, title: "", run: |_| Ok(()), around: plainly },
        Case { suite: "regression", number: 1002, title: "", run: |_| Ok(()), around: plainly },
        Case { suite: "regression", number: 2001, title: "", run: |_| Ok(()), around: plainly },
        Case { suite: "kat", number: 1001, title: "", run: |_| Ok(()), around: plainly },
    ];

    fn ids(suites: &[&str], filters: &[&str]) -> Vec<String> {
        let filters = filters
            .iter()
            .map(|text| match text.strip_prefix('-') {
                Some(id) => Filter { take: false, id: id.to_owned() },
                None => Filter { take: true, id: (*text).to_owned() },
            })
            .collect();
        let suites = suites.iter().copied().map(String::from).collect();
        let options =
            Options { suites, filters, level: 0, seed: 0, junit: None, state: PathBuf::new() };
        let selected = select(CASES.iter(), &options);
        selected.unwrap_or_default().iter().map(|case| case.id()).collect()
    }

    const BOTH: &[&str] = &["regression", "kat"];

    #[test]
    fn a_number_is_whole_and_of_every_suite() {
        assert_eq!(ids(BOTH, &["1001"]), ["regression_1001", "kat_1001"]);
        assert_eq!(ids(&["kat"], &["1001"]), ["kat_1001"]);
        assert!(ids(BOTH, &["100"]).is_empty());
    }

    #[test]
    fn a_star_takes_what_starts_so() {
        assert_eq!(ids(BOTH, &["regression_10*"]), ["regression_1001", "regression_1002"]);
        assert_eq!(ids(BOTH, &["2*"]), ["regression_2001"]);
        assert_eq!(ids(BOTH, &["*"]).len(), CASES.len());
    }

    #[test]
    fn the_last_match_decides_and_a_first_exclusion_starts_from_all() {
        assert_eq!(ids(BOTH, &["-1001"]), ["regression_1002", "regression_2001"]);
        assert_eq!(ids(BOTH, &["10*", "-kat_1001"]), ["regression_1001", "regression_1002"]);
        assert_eq!(ids(BOTH, &["-regression_*", "1002"]), ["regression_1002", "kat_1001"]);
    }

    #[test]
    fn an_id_that_matches_nothing_is_an_error() {
        assert!(ids(BOTH, &["1001", "9999"]).is_empty());
        assert!(ids(BOTH, &["-*"]).is_empty());
    }
}
