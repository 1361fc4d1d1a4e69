//! HKDF with SHA-256 by the TA: test vectors of RFC 5869, Appendix A.1 to A.3.

use proseal_proto::test_command::Hkdf;

use super::{case, unhex};
use crate::case::{Case, Verdict};
use crate::check::Context;

pub(super) const CASES: &[Case] = &[
    case(1001, "RFC 5869 A.1: basic", rfc5869_a1),
    case(1002, "RFC 5869 A.2: longer inputs and outputs", rfc5869_a2),
    case(1003, "RFC 5869 A.3: no salt, no info", rfc5869_a3),
];

fn rfc5869(c: &mut Context, salt: &[u8], ikm: &[u8], info: &[u8], okm: &[u8]) -> Verdict {
    let reply = c.ta.call(&Hkdf { len: okm.len() as u16, salt, ikm, info });
    let reply = c.ok("hkdf", reply)?;
    c.octets("OKM", &reply.okm, okm);
    Ok(())
}

/// The octets from `first` to `last`.
fn run_of(first: u8, last: u8) -> Vec<u8> {
    (first..=last).collect()
}

fn rfc5869_a1(c: &mut Context) -> Verdict {
    let okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b88718\
               5865";
    rfc5869(c, &run_of(0, 0x0c), &[0x0b; 22], &run_of(0xf0, 0xf9), &unhex(okm))
}

fn rfc5869_a2(c: &mut Context) -> Verdict {
    let okm = "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac78272\
               71cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f\
               1d87";
    rfc5869(c, &run_of(0x60, 0xaf), &run_of(0, 0x4f), &run_of(0xb0, 0xff), &unhex(okm))
}

fn rfc5869_a3(c: &mut Context) -> Verdict {
    let okm = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a\
               96c8";
    rfc5869(c, &[], &[0x0b; 22], &[], &unhex(okm))
}
