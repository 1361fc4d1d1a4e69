//! The table of cases.

#[cfg(feature = "optee")]
mod attack;
#[cfg(feature = "optee")]
mod fuzz;
mod kat;
#[cfg(feature = "optee")]
mod negative;
mod package;
mod regression;
mod storage;

use crate::case::Case;

/// The suites, in the order of their names on the heading.
pub(crate) const SUITES: &[&str] =
    &["regression", "storage", "kat", "package", "negative", "attack", "fuzz"];

/// All cases, in the order in which they run. What a restart of the machine
/// stands between comes first and last: all others erase the device.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    [
        storage::AFTER_RESTART,
        regression::INFO,
        regression::PROTOCOL,
        regression::DERIVE,
        regression::PROFILES,
        regression::INSTALL,
        regression::LIFECYCLE,
        storage::CASES,
    ]
    .into_iter()
    .chain(kat::all())
    .chain(package::all())
    .chain(below_libteec())
    .chain([storage::BEFORE_RESTART])
    .flatten()
}

/// What needs a kernel and a TEE.
#[cfg(feature = "optee")]
fn below_libteec() -> impl Iterator<Item = &'static [Case]> {
    [storage::damage::CASES]
        .into_iter()
        .chain(negative::all())
        .chain(attack::all())
        .chain([fuzz::CASES])
}

/// There is no TEE here.
#[cfg(not(feature = "optee"))]
fn below_libteec() -> impl Iterator<Item = &'static [Case]> {
    std::iter::empty()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_suites_known() {
        let ids: BTreeSet<_> = all().map(Case::id).collect();
        assert_eq!(ids.len(), all().count());
        assert!(all().all(|case| SUITES.contains(&case.suite)));
    }
}
