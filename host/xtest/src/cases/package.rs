//! Suite `package`: how a device takes what its manager has signed. 1000:
//! identity, enrolment, statements; 2000: packages; 3000: headers and signatures
//! with one fault; 4000: contents with one fault; 5000: notices.
//!
//! All cases are the product's, but for those of a device that is in use without a
//! manager: only the test build's `install` can bring that about.

mod content;
mod flipped;
mod headers;
mod identity;
mod notices;
mod states;

use crate::case::{Case, Run, Verdict, plainly};
use crate::check::Context;
use crate::target::Build;

pub(super) fn all() -> impl Iterator<Item = &'static [Case]> {
    [identity::CASES, states::CASES, headers::CASES, content::CASES, notices::CASES].into_iter()
}

const fn case(number: u16, title: &'static str, run: Run) -> Case {
    Case { suite: "package", number, title, run, around: on_product }
}

/// A case that needs a command of the test build.
const fn of_test_build(number: u16, title: &'static str, run: Run) -> Case {
    Case { suite: "package", number, title, run, around: plainly }
}

fn on_product(c: &mut Context, run: Run) -> Verdict {
    c.turn_to(Build::Product);
    run(c)
}
