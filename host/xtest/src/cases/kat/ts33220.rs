//! The key derivation function of TS 33.220 Annex B.2 by the TA. 3001 and 3002
//! were published in RFC 5448 Appendix C and RFC 9048 Appendix D; the others
//! are TS 33.401 Annex A as srsRAN 4G tests it
//! (lib/test/common/test_security_kdf.cc).

use proseal_proto::test_command::Kdf;

use super::{case, unhex};
use crate::case::{Case, Verdict};
use crate::check::Context;

pub(super) const CASES: &[Case] = &[
    case(3001, "TS 33.220 B.2: CK' and IK' of EAP-AKA', WLAN", ck_ik_wlan),
    case(3002, "TS 33.220 B.2: CK' and IK' of EAP-AKA', HRPD", ck_ik_hrpd),
    case(3003, "TS 33.220 B.2: KASME", kasme),
    case(3004, "TS 33.220 B.2: KNASint, EIA1", knas_int),
    case(3005, "TS 33.220 B.2: KeNB", kenb),
    case(3006, "TS 33.220 B.2: KRRCenc, EEA0", krrc_enc),
    case(3007, "TS 33.220 B.2: KRRCint, EIA2", krrc_int),
    case(3008, "TS 33.220 B.2: KUPenc, EEA0", kup_enc),
    case(3009, "TS 33.220 B.2: KUPint, EIA2", kup_int),
    case(3010, "TS 33.220 B.2: S-KgNB", s_kgnb),
];

/// CK and IK of the test vectors of EAP-AKA'.
const CK_IK: &str = "5349fbe098649f948f5d2e973a81c00f9744871ad32bf9bbd1dd5ce54e3e2e5a";
const KASME: &str = "d5ef4d8f33266902295d42f322a2f2cf11fb2ccc124c09b4d88d361597037990";
const KENB: &str = "c4c7bc798ab94e3d354cd6608e79aa92f5569df46519507850051e36f018ca5f";

/// The output must be `derived`, whole.
pub(super) fn kdf(
    c: &mut Context,
    key: &str,
    fc: u8,
    parameters: &[&str],
    derived: &str,
) -> Verdict {
    let parameters: Vec<Vec<u8>> = parameters.iter().map(|digits| unhex(digits)).collect();
    let parameters = parameters.iter().map(Vec::as_slice).collect();
    let reply = c.ta.call(&Kdf { fc, key: &unhex(key), parameters });
    let reply = c.ok("kdf", reply)?;
    c.octets("the derived key", &reply.octets, &unhex(derived));
    Ok(())
}

fn ck_ik_wlan(c: &mut Context) -> Verdict {
    kdf(
        c,
        CK_IK,
        0x20,
        &["574c414e", "bb52e91c747a"],
        "0093962d0dd84aa5684b045c9edffa04ccfc230ca74fcc96c0a5d61164f5a76c",
    )
}

fn ck_ik_hrpd(c: &mut Context) -> Verdict {
    kdf(
        c,
        CK_IK,
        0x20,
        &["48525044", "bb52e91c747a"],
        "3820f0277fa5f77732b1fb1d90c1a0dadb94a0ab557ef6c9ab48619ca05b9a9f",
    )
}

fn kasme(c: &mut Context) -> Verdict {
    kdf(
        c,
        "7bc15d69309cf3ec5d324404edd6f0f9c15d69309cf3ec5d324404edd6f0f97b",
        0x10,
        &["00f110", "5d69309ce135"],
        KASME,
    )
}

fn knas_int(c: &mut Context) -> Verdict {
    kdf(
        c,
        KASME,
        0x15,
        &["02", "01"],
        "b855871d17d4a717e931d9a6069c6e54b79408e243dd367dc8c6392295b3b451",
    )
}

fn kenb(c: &mut Context) -> Verdict {
    kdf(
        c,
        "6144c681d1bea9dae1b8cf6cd10a686341db8046a1e7a9ab4d1ea0e33c994ac0",
        0x11,
        &["00000000"],
        KENB,
    )
}

fn krrc_enc(c: &mut Context) -> Verdict {
    kdf(
        c,
        KENB,
        0x15,
        &["03", "00"],
        "23afdd7b2e4a5a99c778827859cf451486a275788b6f36a5b9b810f5d472a24b",
    )
}

fn krrc_int(c: &mut Context) -> Verdict {
    kdf(
        c,
        KENB,
        0x15,
        &["04", "02"],
        "42f4f8c585ae8905a50d0f32a979d8b6fa1d6d1940f1d879cf0189342a8d73c2",
    )
}

fn kup_enc(c: &mut Context) -> Verdict {
    kdf(
        c,
        KENB,
        0x15,
        &["05", "00"],
        "22bfb58761ca1dd3b20a281c7eab0c0b9c3c92e1ddc0c8c5706cbb8f955e8263",
    )
}

fn kup_int(c: &mut Context) -> Verdict {
    kdf(
        c,
        KENB,
        0x15,
        &["06", "02"],
        "820dcdf3b9c94b32f841c25cc878aa077716c783a53fd3ee582fc569e9c33ca7",
    )
}

fn s_kgnb(c: &mut Context) -> Verdict {
    kdf(
        c,
        "fe7dee808d7f3b882a082cbdc8390d129e5d28af0e8322eb573ada36f21a5a89",
        0x1c,
        &["0000"],
        "45cbc3f8a81193fd5c5229300d59edf812e998a115ec4e0ce903ba89367e2628",
    )
}
