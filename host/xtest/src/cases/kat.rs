//! Suite `kat`: known answers. No expected value comes from this project's own
//! code: each file below names who published it, or the independent program
//! that made it.
//!
//! | numbers | whose |
//! | --- | --- |
//! | 1001 to 1003 | RFC 5869, HKDF |
//! | 1011 to 1017 | RFC 4231, HMAC |
//! | 1021 | McGrew and Viega, AES-GCM |
//! | 1031 | RFC 9180, HPKE |
//! | 2001 to 2005 | docs/vectors, by `install` and the product's own commands |
//! | 3001 to 3010 | the function of TS 33.220 |
//! | 3101 to 3103 | the steps of TS 33.303, by an independent program |
//! | 4001 to 4202 | Project Wycheproof |

mod gcm;
mod hpke;
mod reference;
mod rfc4231;
mod rfc5869;
mod ts33220;
mod ts33303;
mod wycheproof;

use crate::case::{Case, Verdict, plainly};
use crate::check::Context;

/// All cases, in the order of their numbers.
pub(super) fn all() -> impl Iterator<Item = &'static [Case]> {
    [
        rfc5869::CASES,
        rfc4231::CASES,
        gcm::CASES,
        hpke::CASES,
        reference::CASES,
        ts33220::CASES,
        ts33303::CASES,
        wycheproof::CASES,
    ]
    .into_iter()
}

const fn case(number: u16, title: &'static str, run: fn(&mut Context) -> Verdict) -> Case {
    Case { suite: "kat", number, title, run, around: plainly }
}

/// The octets of hexadecimal digits; a wrong digit panics, which fails the case.
fn unhex(digits: &str) -> Vec<u8> {
    let octet = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(octet).collect()
}
