//! Known answers of HMAC-SHA-256 (RFC 4231 section 4) and of the function of
//! TS 33.220 Annex B.2, and that no two inputs of the latter encode alike.

use std::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::tests::{hex, unhex};
use super::*;

#[track_caller]
fn rfc4231(key: &[u8], message: &[u8], golden: &str) {
    let mut mac = [0; LEN];
    hmac_sha256(key, message, &mut mac).unwrap();
    let golden = golden.replace(' ', "");
    assert_eq!(hex(&mac[..golden.len() / 2]), golden);
}

/// Sections 4.2 to 4.8.
#[test]
fn rfc_4231_section_4() {
    let one_to_25: Vec<u8> = (1..=25).collect();
    rfc4231(
        &[0x0b; 20],
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    );
    rfc4231(
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
    rfc4231(
        &[0xaa; 20],
        &[0xdd; 50],
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    );
    rfc4231(
        &one_to_25,
        &[0xcd; 50],
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    );
    // 4.6 prints the first 128 bits.
    rfc4231(&[0x0c; 20], b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b");
    rfc4231(
        &[0xaa; 131],
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    );
    rfc4231(
        &[0xaa; 131],
        b"This is a test using a larger than block-size key and a larger than block-size data. \
          The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    );
}

/// A name, the key, FC, parameters and the output.
type Published = (&'static str, &'static str, u8, &'static [&'static str], &'static str);

/// What others published of this function: the first two in RFC 5448 Appendix C
/// and RFC 9048 Appendix D (EAP-AKA', TS 33.402 A.2), the rest in srsRAN 4G,
/// lib/test/common/test_security_kdf.cc (TS 33.401 Annex A).
const PUBLISHED: &[Published] = &[
    (
        "CK'/IK', WLAN",
        CK_IK,
        0x20,
        &["574c414e", "bb52e91c747a"],
        "0093962d0dd84aa5684b045c9edffa04ccfc230ca74fcc96c0a5d61164f5a76c",
    ),
    (
        "CK'/IK', HRPD",
        CK_IK,
        0x20,
        &["48525044", "bb52e91c747a"],
        "3820f0277fa5f77732b1fb1d90c1a0dadb94a0ab557ef6c9ab48619ca05b9a9f",
    ),
    (
        "KASME",
        "7bc15d69309cf3ec5d324404edd6f0f9c15d69309cf3ec5d324404edd6f0f97b",
        0x10,
        &["00f110", "5d69309ce135"],
        KASME,
    ),
    (
        "KNASint, EIA1",
        KASME,
        0x15,
        &["02", "01"],
        "b855871d17d4a717e931d9a6069c6e54b79408e243dd367dc8c6392295b3b451",
    ),
    (
        "KeNB",
        "6144c681d1bea9dae1b8cf6cd10a686341db8046a1e7a9ab4d1ea0e33c994ac0",
        0x11,
        &["00000000"],
        KENB,
    ),
    (
        "KRRCenc, EEA0",
        KENB,
        0x15,
        &["03", "00"],
        "23afdd7b2e4a5a99c778827859cf451486a275788b6f36a5b9b810f5d472a24b",
    ),
    (
        "KRRCint, EIA2",
        KENB,
        0x15,
        &["04", "02"],
        "42f4f8c585ae8905a50d0f32a979d8b6fa1d6d1940f1d879cf0189342a8d73c2",
    ),
    (
        "KUPenc, EEA0",
        KENB,
        0x15,
        &["05", "00"],
        "22bfb58761ca1dd3b20a281c7eab0c0b9c3c92e1ddc0c8c5706cbb8f955e8263",
    ),
    (
        "KUPint, EIA2",
        KENB,
        0x15,
        &["06", "02"],
        "820dcdf3b9c94b32f841c25cc878aa077716c783a53fd3ee582fc569e9c33ca7",
    ),
    (
        "S-KgNB",
        "fe7dee808d7f3b882a082cbdc8390d129e5d28af0e8322eb573ada36f21a5a89",
        0x1c,
        &["0000"],
        "45cbc3f8a81193fd5c5229300d59edf812e998a115ec4e0ce903ba89367e2628",
    ),
];
const CK_IK: &str = "5349fbe098649f948f5d2e973a81c00f9744871ad32bf9bbd1dd5ce54e3e2e5a";
const KASME: &str = "d5ef4d8f33266902295d42f322a2f2cf11fb2ccc124c09b4d88d361597037990";
const KENB: &str = "c4c7bc798ab94e3d354cd6608e79aa92f5569df46519507850051e36f018ca5f";

#[test]
fn the_published_answers_of_annex_b_2() {
    for &(name, key, fc, parameters, golden) in PUBLISHED {
        let parameters: Vec<Vec<u8>> = parameters.iter().map(|p| unhex(p)).collect();
        let parameters: Vec<&[u8]> = parameters.iter().map(Vec::as_slice).collect();
        let mut derived = [0; LEN];
        kdf(&unhex(key), fc, &parameters, &mut derived).unwrap();
        assert_eq!(hex(&derived), golden, "{name}");
    }
    assert_eq!(PUBLISHED.len(), 10);
}

#[test]
fn a_parameter_is_followed_by_its_length() {
    assert_eq!(s_of(0x20, &[b"WLAN", &[0xbb; 6]]), unhex("20574c414e0004bbbbbbbbbbbb0006"));
    assert_eq!(s_of(0x20, &[]), [0x20]);
    assert_eq!(s_of(0x20, &[&[]]), [0x20, 0, 0]);
}

#[test]
fn a_parameter_that_its_length_cannot_tell_is_refused() {
    let long = std::vec![0; 65_536];
    assert_eq!(kdf(&[0; 32], 1, &[&long], &mut [0; LEN]), Err(Code::Internal));
    assert_eq!(kdf(&[0; 32], 1, &[&long[1..]], &mut [0; LEN]), Ok(()));
}

fn s_of(fc: u8, parameters: &[&[u8]]) -> Vec<u8> {
    let mut s = Vec::new();
    s_string(fc, parameters, |octets| s.extend_from_slice(octets)).unwrap();
    s
}

/// FC and parameters back from S, whose last length is at its end. `None` if S
/// is none of so many parameters.
fn decoded(s: &[u8], count: usize) -> Option<(u8, Vec<Vec<u8>>)> {
    let (&fc, mut rest) = s.split_first()?;
    let mut parameters = Vec::new();
    for _ in 0..count {
        let (before, len) = rest.split_last_chunk::<2>()?;
        let at = before.len().checked_sub(u16::from_be_bytes(*len).into())?;
        let (before, parameter) = before.split_at(at);
        parameters.insert(0, parameter.to_vec());
        rest = before;
    }
    rest.is_empty().then_some((fc, parameters))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// S gives back every input, once it is known how many parameters the FC
    /// has, which is fixed for each: so no two inputs encode alike.
    #[test]
    fn s_gives_back_fc_and_parameters(fc: u8, inputs in vec(vec(any::<u8>(), 0..40), 0..5)) {
        let parameters: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let s = s_of(fc, &parameters);
        prop_assert_eq!(decoded(&s, inputs.len()), Some((fc, inputs)));
    }

    #[test]
    fn the_function_is_hmac_of_s(
        key in vec(any::<u8>(), 1..80),
        fc: u8,
        inputs in vec(vec(any::<u8>(), 0..40), 0..5),
    ) {
        let parameters: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let (mut derived, mut mac) = ([0; LEN], [0; LEN]);
        kdf(&key, fc, &parameters, &mut derived).unwrap();
        hmac_sha256(&key, &s_of(fc, &parameters), &mut mac).unwrap();
        prop_assert_eq!(derived, mac);
    }
}
