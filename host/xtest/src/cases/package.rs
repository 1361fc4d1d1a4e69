//! Suite `package`: how a device takes what its manager has signed. 1000:
//! identity, enrolment, statements; 2000: packages; 3000: headers and signatures
//! with one fault; 4000: contents with one fault; 5000: notices.

mod content;
mod headers;
mod identity;
mod notices;
mod states;

use crate::case::{Case, Run, plainly};

pub(super) fn all() -> impl Iterator<Item = &'static [Case]> {
    [identity::CASES, states::CASES, headers::CASES, content::CASES, notices::CASES].into_iter()
}

const fn case(number: u16, title: &'static str, run: Run) -> Case {
    Case { suite: "package", number, title, run, around: plainly }
}
