//! The sealing's suite against RFC 9180 Appendix A.1.1 (base mode,
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM).

use hpke::aead::AesGcm128;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use proseal_issuer::testing::{Fixed, enc_structure, fault};
use proseal_issuer::{DeviceKeys, Error, HPKE_3};

use crate::fixture::{random, signer};

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

const INFO: &str = "4f6465206f6e2061204772656369616e2055726e";
const IKM_E: &str = "7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234";
const PK_E: &str = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431";
const IKM_R: &str = "6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037";
const PK_R: &str = "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d";
const SK_R: &str = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8";
const PLAIN: &str = "4265617574792069732074727574682c20747275746820626561757479";
/// Sequence number, additional data, ciphertext.
const SEALED: [(&str, &str); 3] = [
    (
        "436f756e742d30",
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
    ),
    (
        "436f756e742d31",
        "af2d7e9ac9ae7e270f46ba1f975be53c09f8d875bdc8535458c2494e8a6eab251c03d0c22a56b8ca42c2063b84",
    ),
    (
        "436f756e742d32",
        "498dfcabd92e8acedc281e85af1cb4e3e31c7dc394a1ca20e173cb72516491588d96a19ad4a683518973dcc180",
    ),
];

#[test]
fn keys_come_as_in_the_standard() {
    let (private, public) = X25519HkdfSha256::derive_keypair(&octets(IKM_R));
    // This crate keeps private keys clamped (RFC 7748 section 5); the standard does not.
    let mut expected = octets(SK_R);
    expected[0] &= 0xf8;
    expected[31] = expected[31] & 0x7f | 0x40;
    assert_eq!(private.to_bytes().as_slice(), expected);
    assert_eq!(public.to_bytes().as_slice(), octets(PK_R));
}

#[test]
fn sealing_is_that_of_the_standard() {
    let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&octets(PK_R)).unwrap();
    let ikm = octets(IKM_E);
    let (ek, mut context) = hpke::setup_sender_with_rng::<AesGcm128, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &public,
        &octets(INFO),
        &mut Fixed::new(&ikm),
    )
    .unwrap();
    assert_eq!(ek.to_bytes().as_slice(), octets(PK_E));
    for (aad, sealed) in SEALED {
        assert_eq!(context.seal(&octets(PLAIN), &octets(aad)).unwrap(), octets(sealed));
    }
}

#[test]
fn opening_is_that_of_the_standard() {
    let private = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&octets(SK_R)).unwrap();
    let ek = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&octets(PK_E)).unwrap();
    let (aad, sealed) = SEALED[0];
    let open = |sealed: &[u8], aad: &[u8]| {
        hpke::single_shot_open::<AesGcm128, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &private,
            &ek,
            &octets(INFO),
            sealed,
            aad,
        )
    };
    assert_eq!(open(&octets(sealed), &octets(aad)).unwrap(), octets(PLAIN));
    assert!(open(&octets(sealed), &[]).is_err());
}

#[test]
fn nothing_is_sealed_to_a_key_of_low_order() {
    let ed25519 = *signer().delegation().signer().octets();
    let bad = Error::BadKey { what: "X25519" };
    assert_eq!(DeviceKeys::new(&[0; 32], &ed25519), Err(bad.clone()));
    // Nor by the sealing itself, should a key come to it in another way.
    assert_eq!(fault::seal_to(&[0; 32], b"secret", &mut random()), Err(bad));
    assert!(fault::seal_to(&[9; 32], b"secret", &mut random()).is_ok());
}

/// draft-ietf-cose-hpke-27 Appendix C, "HPKE-3 Encrypt0 with default aad and default info":
/// its key, the octets of its protected header, its `ek` and ciphertext.
#[test]
fn the_additional_data_is_that_of_the_draft() {
    let private = "f0b8ece6e3938430f36798eeea8206d0ac5e0577349ad63843cbbb63bc90b849";
    let ek = "0a97fc27b9542a666479ad6635d9d5988e2bb187db4f8b3b48f60f2d06bac46b";
    let sealed = "f058dcbad9bad8553fd6cbccfd50486e33dd96557d5805c6327af6624760bc7a1b";
    let private = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&octets(private)).unwrap();
    let ek = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&octets(ek)).unwrap();
    let open = |aad: &[u8]| {
        hpke::single_shot_open::<AesGcm128, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &private,
            &ek,
            &[],
            &octets(sealed),
            aad,
        )
    };
    let protected = [&[0xa1, 0x01, 0x18][..], &[HPKE_3 as u8]].concat();
    assert_eq!(open(&enc_structure(&protected)).unwrap(), b"hpke test payload");
    assert!(open(&protected).is_err());
}
