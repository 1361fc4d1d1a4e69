//! HPKE by the TA, with OP-TEE's X25519: RFC 9180, Appendix A.1.1 (base mode,
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM), sequence number 0.

use proseal_proto::test_command::HpkeOpen;

use super::{case, unhex};
use crate::case::{Case, Stop, Verdict};
use crate::check::Context;

pub(super) const CASES: &[Case] =
    &[case(1031, "HPKE, RFC 9180 A.1.1: it opens, and with any other input it does not", base)];

const PRIVATE: &str = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8";
const PUBLIC: &str = "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d";
const ENCAPSULATED: &str = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431";
const INFO: &str = "4f6465206f6e2061204772656369616e2055726e";
const AAD: &str = "436f756e742d30";
const SEALED: &str =
    "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a";
const TEXT: &str = "4265617574792069732074727574682c20747275746820626561757479";

fn key(hex: &str) -> [u8; 32] {
    unhex(hex).try_into().expect("a key has 32 octets")
}

/// What the TA makes of these, encapsulated key, info, additional data, ciphertext.
fn opened(c: &mut Context, parts: [&[u8]; 4]) -> Result<Option<Vec<u8>>, Stop> {
    let [encapsulated, info, aad, sealed] = parts;
    let (private, public) = (key(PRIVATE), key(PUBLIC));
    let encapsulated = encapsulated.try_into().expect("a key has 32 octets");
    let reply = c.ta.call(&HpkeOpen { private, public, encapsulated, info, aad, sealed });
    Ok(c.ok("hpke open", reply)?.text)
}

fn base(c: &mut Context) -> Verdict {
    let parts = [ENCAPSULATED, INFO, AAD, SEALED].map(unhex);
    let whole = || parts.each_ref().map(Vec::as_slice);
    let text = opened(c, whole())?;
    let text = c.some("a plaintext", text)?;
    c.octets("the plaintext", &text, &unhex(TEXT));
    for (at, part) in parts.iter().enumerate() {
        let mut changed = part.clone();
        changed[0] ^= 1;
        let mut parts = whole();
        parts[at] = &changed;
        let text = opened(c, parts)?;
        c.that("nothing opens with another input", text.is_none());
    }
    Ok(())
}
