//! AES-128-GCM by the TA: McGrew and Viega, "The Galois/Counter Mode of
//! Operation (GCM)", Appendix B, test case 4.

use proseal_proto::test_command::GcmOpen;

use super::{case, unhex};
use crate::case::{Case, Stop, Verdict};
use crate::check::Context;

pub(super) const CASES: &[Case] =
    &[case(1021, "GCM, Appendix B: test case 4, and each octet of the tag changed", case_4)];

/// What the TA makes of the test case with this ciphertext and tag.
fn opened(c: &mut Context, sealed: &[u8]) -> Result<Option<Vec<u8>>, Stop> {
    let reply = c.ta.call(&GcmOpen {
        key: 0xfeff_e992_8665_731c_6d6a_8f94_6730_8308_u128.to_be_bytes(),
        nonce: *b"\xca\xfe\xba\xbe\xfa\xce\xdb\xad\xde\xca\xf8\x88",
        aad: &unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
        sealed,
    });
    Ok(c.ok("gcm open", reply)?.text)
}

fn case_4(c: &mut Context) -> Verdict {
    let text = unhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24\
         49a6b525b16aedf5aa0de657ba637b39",
    );
    let sealed = unhex(
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5a\
         ac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
    );
    let plaintext = opened(c, &sealed)?;
    let plaintext = c.some("a plaintext", plaintext)?;
    c.octets("the plaintext", &plaintext, &text);
    for at in text.len()..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        let plaintext = opened(c, &changed)?;
        c.that("another tag is not authentic", plaintext.is_none());
    }
    Ok(())
}
