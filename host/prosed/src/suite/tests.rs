use proptest::prelude::*;

use super::eps::{Algorithm, Eea2, Eia2, Input, Unsupported};
use super::*;

fn octets(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

fn key(hex: &str) -> [u8; 16] {
    octets(hex).try_into().unwrap()
}

/// TS 33.401 Annex C.1, sets 1, 2 and 4: key, COUNT, BEARER, bits, plaintext,
/// ciphertext; DIRECTION is 1.
const EEA2: [(&str, u32, u8, usize, &str, &str); 3] = [
    (
        "d3c5d592327fb11c4035c6680af8c6d1",
        0x398a_59b4,
        0x15,
        253,
        "981ba6824c1bfb1ab485472029b71d808ce33e2cc3c0b5fc1f3de8a6dc66b1f0",
        "e9fed8a63d155304d71df20bf3e82214b20ed7dad2f233dc3c22d7bdeeed8e78",
    ),
    (
        "2bd6459f82c440e0952c49104805ff48",
        0xc675_a64b,
        0x0c,
        798,
        "7ec61272743bf1614726446a6c38ced166f6ca76eb5430044286346cef130f92922b03450d3a9975e5bd2ea0eb55ad8e1b199e3ec4316020e9a1b285e762795359b7bdfd39bef4b2484583d5afe082aee638bf5fd5a606193901a08f4ab41aab9b134880",
        "5961605353c64bdca15b195e288553a910632506d6200aa790c4c806c99904cf2445cc50bb1cf168a49673734e081b57e324ce5259c0e78d4cd97b870976503c0943f2cb5ae8f052c7b7d392239587b8956086bcab18836042e2e6ce42432a17105c53d0",
    ),
    (
        "aa1f95aea533bcb32eb63bf52d8f831a",
        0x72d8_c671,
        0x10,
        1022,
        "fb1b96c5c8badfb2e8e8edfde78e57f2ad81e74103fc430a534dcc37afcec70e1517bb06f27219dae49022ddc47a068de4c9496a951a6b09edbdc864c7adbd740ac50c022f3082bafd22d78197c5d508b977bca13f32e652e74ba728576077ce628c535e87dc6077ba07d29068590c8cb5f1088e082cfa0ec961302d69cf3d44",
        "dfb440acb3773549efc04628aeb8d8156275230bdc690d94b00d8d95f28c4b56307f60f4ca55eba661ebba72ac808fa8c49e26788ed04a5d606cb418de74878b9a22f8ef29590bc4eb57c9faf7c41524a885b8979c423f2f8f8e0592a9879201be7ff9777a162ab810feb324ba74c4c156e04d39097209653ac33e5a5f2d8864",
    ),
];

/// TS 33.401 Annex C.2, sets 2 and 5: key, COUNT, BEARER, message, MAC; DIRECTION is 1.
const EIA2: [(&str, u32, u8, &str, &str); 2] = [
    ("d3c5d592327fb11c4035c6680af8c6d1", 0x398a_59b4, 0x1a, "484583d5afe082ae", "b93787e6"),
    (
        "83fd23a244a74cf358da3019f1722635",
        0x36af_6144,
        0x0f,
        "35c68716633c66fb750c266865d53c11ea05b1e9fa49c8398d48e1efa5909d3947902837f5ae96d5a05bc8d61ca8dbef1b13a4b4abfe4fb1006045b674bb54729304c382be53a5af05556176f6eaa2ef1d05e4b083181ee674cda5a485f74d7a",
        "e657e182",
    ),
];

#[test]
fn eea2_answers_as_published() {
    for (k, count, bearer, bits, plaintext, ciphertext) in EEA2 {
        let input = Input { count, bearer, direction: 1 };
        let mut text = octets(plaintext);
        assert_eq!(text.len(), bits.div_ceil(8));
        Eea2::new(&key(k)).apply_bits(input, &mut text, bits);
        assert_eq!(text, octets(ciphertext));
        Eea2::new(&key(k)).apply_bits(input, &mut text, bits);
        assert_eq!(text, octets(plaintext));
    }
}

#[test]
fn eia2_answers_as_published() {
    for (k, count, bearer, message, mac) in EIA2 {
        let input = Input { count, bearer, direction: 1 };
        let message = octets(message);
        for cut in [0, 1, message.len()] {
            let (front, back) = message.split_at(cut);
            assert_eq!(Eia2::new(&key(k)).mac(input, [front, back]).to_vec(), octets(mac));
        }
    }
}

#[test]
fn what_is_not_in_this_build_is_said() {
    assert_eq!(Algorithm::try_from(2), Ok(Algorithm::Aes));
    for (identity, unsupported, word) in [
        (0, Unsupported::Null, "protects nothing"),
        (1, Unsupported::Snow3g, "SNOW 3G"),
        (3, Unsupported::Zuc, "ZUC"),
        (7, Unsupported::Unknown(7), "7"),
    ] {
        assert_eq!(Algorithm::try_from(identity), Err(unsupported));
        let message = unsupported.to_string();
        assert!(message.contains(word) && message.contains("2 (AES)"), "{message}");
    }
}

/// NIST's GCM test case 13 of the specification: a zero key and nonce, no text.
#[test]
fn gcm_answers_as_published() {
    let packet = PacketId { salt: EpochSalt([0; 8]), ptk_id: PtkId::new(1).unwrap(), sn: 0 };
    let mut tag = [0; 16];
    Keys::new(Suite::Aead, &KeyPair::zero()).unwrap().protect(packet, &[], &mut tag);
    assert_eq!(tag.to_vec(), octets("530f8afbc74536b9a963b4f1c4cb738b"));
}

/// RFC 4231, test case 2, by a key that HMAC fills with zeros to the same.
#[test]
fn hmac_answers_as_published() {
    let mut pair = KeyPair::zero();
    pair.ik.expose_mut()[..4].copy_from_slice(b"Jefe");
    let keys = Keys::new(Suite::Integrity, &pair).unwrap();
    let packet = PacketId { salt: EpochSalt([0; 8]), ptk_id: PtkId::new(1).unwrap(), sn: 1 };
    let mut body = b"for nothing?................".to_vec();
    body.truncate(12 + 16);
    keys.protect(packet, b"what do ya want ", &mut body);
    assert_eq!(body[12..], octets("5bdcc146bf60754e6a042426089575c7"));
}

fn pair(seed: u8) -> KeyPair {
    let mut pair = KeyPair::zero();
    pair.ik.expose_mut().fill(seed);
    pair.ck.expose_mut().fill(!seed);
    pair
}

proptest! {
    #[test]
    fn what_was_protected_opens_and_nothing_else(
        suite in prop_oneof![Just(Suite::Aead), Just(Suite::Integrity), Just(Suite::ThreeGpp)],
        header in proptest::collection::vec(any::<u8>(), 12..40),
        payload in proptest::collection::vec(any::<u8>(), 0..200),
        sn in 1_u32..0x10000,
        flip in any::<proptest::sample::Index>(),
        bit in 0..8,
    ) {
        let tail = if suite == Suite::ThreeGpp { 4 } else { 16 };
        let packet = PacketId { salt: EpochSalt([9; 8]), ptk_id: PtkId::new(7).unwrap(), sn };
        let keys = Keys::new(suite, &pair(1)).unwrap();
        let mut body = [payload.clone(), vec![0; tail]].concat();
        keys.protect(packet, &header, &mut body);
        // In clear under `integrity` only; a few octets may be alike by chance.
        if payload.len() > 8 {
            prop_assert_eq!(suite == Suite::Integrity, body.starts_with(&payload));
        }
        let open = |header: &[u8], packet, body: &[u8]| {
            let mut body = body.to_vec();
            keys.unprotect(packet, header, &mut body).map(|()| body[..payload.len()].to_vec())
        };
        prop_assert_eq!(open(&header, packet, &body), Ok(payload.clone()));
        // Any bit of header, payload and tag.
        let mut changed = [header.clone(), body.clone()].concat();
        changed[flip.index(header.len() + body.len())] ^= 1_u8 << bit;
        let (h, b) = changed.split_at(header.len());
        prop_assert_eq!(open(h, packet, b), Err(NotAuthentic));
        // Another place in the epoch, another epoch, another key, a part of it.
        if suite != Suite::Integrity {
            prop_assert_eq!(open(&header, PacketId { sn: sn + 1, ..packet }, &body), Err(NotAuthentic));
        }
        let mut other = body.clone();
        let of_another = Keys::new(suite, &pair(2)).unwrap().unprotect(packet, &header, &mut other);
        prop_assert_eq!(of_another, Err(NotAuthentic));
        prop_assert_eq!(open(&header, packet, &body[..tail - 1]), Err(NotAuthentic));
    }
}
