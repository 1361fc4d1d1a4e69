//! HMAC-SHA-256 by the TA: test cases of RFC 4231, sections 4.2 to 4.8.

use proseal_proto::test_command::Hmac;

use super::{case, unhex};
use crate::case::{Case, Verdict};
use crate::check::Context;

pub(super) const CASES: &[Case] = &[
    case(1011, "RFC 4231 4.2: test case 1", case_1),
    case(1012, "RFC 4231 4.3: test case 2, a key shorter than the output", case_2),
    case(1013, "RFC 4231 4.4: test case 3, more than a block of key and data", case_3),
    case(1014, "RFC 4231 4.5: test case 4", case_4),
    case(1015, "RFC 4231 4.6: test case 5, output truncated to 128 bits", case_5),
    case(1016, "RFC 4231 4.7: test case 6, a key longer than a block", case_6),
    case(1017, "RFC 4231 4.8: test case 7, key and data longer than a block", case_7),
];

/// `mac` may be the beginning only.
fn hmac(c: &mut Context, key: &[u8], message: &[u8], mac: &str) -> Verdict {
    let reply = c.ta.call(&Hmac { key, message });
    let reply = c.ok("hmac", reply)?;
    let mac = unhex(mac);
    c.octets("MAC", &reply.octets[..mac.len()], &mac);
    Ok(())
}

fn case_1(c: &mut Context) -> Verdict {
    let mac = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
    hmac(c, &[0x0b; 20], b"Hi There", mac)
}

fn case_2(c: &mut Context) -> Verdict {
    let mac = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    hmac(c, b"Jefe", b"what do ya want for nothing?", mac)
}

fn case_3(c: &mut Context) -> Verdict {
    let mac = "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe";
    hmac(c, &[0xaa; 20], &[0xdd; 50], mac)
}

fn case_4(c: &mut Context) -> Verdict {
    let key: Vec<u8> = (1..=25).collect();
    let mac = "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b";
    hmac(c, &key, &[0xcd; 50], mac)
}

fn case_5(c: &mut Context) -> Verdict {
    hmac(c, &[0x0c; 20], b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b")
}

fn case_6(c: &mut Context) -> Verdict {
    let mac = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
    let message = b"Test Using Larger Than Block-Size Key - Hash Key First";
    hmac(c, &[0xaa; 131], message, mac)
}

fn case_7(c: &mut Context) -> Verdict {
    let mac = "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2";
    let message = b"This is a test using a larger than block-size key and a larger than \
                    block-size data. The key needs to be hashed before being used by the HMAC \
                    algorithm.";
    hmac(c, &[0xaa; 131], message, mac)
}
