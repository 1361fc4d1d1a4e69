//! The two steps of TS 33.303 Annex A: PGK to PTK, PTK to PEK and PIK. 3GPP has
//! published no answers; these were computed by Python's `hmac` from TS 33.220
//! Annex B.2 and TS 33.303 Annex A before there was a TA, and
//! tests/derivation_reference.py gives the same. The TA's profile as a whole is
//! case 2002.

use proseal_proto::test_command::Kdf;

use super::ts33220::kdf;
use super::{case, unhex};
use crate::case::{Case, Verdict};
use crate::check::Context;

pub(super) const CASES: &[Case] = &[
    case(3101, "TS 33.303 A.3: PTK from PGK", ptk),
    case(3102, "TS 33.303 A.4: PEK from PTK, AES", pek),
    case(3103, "TS 33.303 A.4: PIK from PTK, AES", pik),
];

const PGK: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const PTK: &str = "8d5b168eec3fddf4d84d17b8ab4f549c5a6d8337da094453f6137d25b8e6b73d";

fn ptk(c: &mut Context) -> Verdict {
    kdf(c, PGK, 0x4a, &["010203", "0001", "0a0b0c"], PTK)
}

/// The last 128 bits of the output are the key.
fn key(c: &mut Context, kind: u8, key: &str) -> Verdict {
    let reply = c.ta.call(&Kdf { fc: 0x4b, key: &unhex(PTK), parameters: vec![&[kind], &[2]] });
    let reply = c.ok("kdf", reply)?;
    c.octets("the key", &reply.octets[16..], &unhex(key));
    Ok(())
}

fn pek(c: &mut Context) -> Verdict {
    key(c, 0, "dad1dc42b8cb212c8470ee1acc262e95")
}

fn pik(c: &mut Context) -> Verdict {
    key(c, 1, "88f378fd28e2085c762e6b4ee4b152c2")
}
