//! 3000: values out of their range, field by field.

use proseal_proto::command::Id;
use proseal_proto::error::Code;
use proseal_proto::limit::{BATCH, GENERATION};
use proseal_proto::test_command::{GcmOpen, HkdfReply, OpenReply, TestId};

use super::requests::{good, request};
use super::{case, content};
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::fixture::{self, TIME};

pub(super) const CASES: &[Case] = &[
    case(3001, "send: generations are 1 to 2^48", send_generation),
    case(3002, "receive: generations are 1 to 2^48, of each epoch for itself", receive_generation),
    case(3003, "receive: PTK Id 0 does not exist, of each epoch for itself", receive_ptk_id),
    case(3004, "receive: a batch has 1 to 64 epochs", receive_count),
    case(3005, "receive: more are announced than follow", receive_too_few),
    case(3006, "receive: fewer are announced than follow", receive_too_many),
    case(3007, "install: the scope is 0 or 1", install_scope),
    case(3008, "hkdf: at most 1,024 octets come out", hkdf_length),
    case(3009, "hkdf: a field's length goes beyond the request", hkdf_field),
    case(3010, "admission: generations are 1 to 2^48", admission_generation),
    case(3011, "kdf: at most 8 parameters, and as many as are announced", kdf_parameters),
    case(3012, "gcm open: at most 1,024 octets are opened", gcm_length),
    case(3101, "content: sequence 0", sequence),
    case(3102, "content: a group of more than 24 bits", group_id),
    case(3103, "content: a member of more than 24 bits", member_id),
    case(3104, "content: next is 1 to 2^48", next),
    case(3105, "content: a boolean that is a number", boolean),
    case(3106, "content: a PGK Id of more than 8 bits", pgk_id),
    case(3107, "content: a key of another length", key_length),
    case(3108, "content: a profile or suite that has no name", profile_and_suite),
    case(3109, "content: a PGK that ends before it starts", not_after),
    case(3110, "content: a label of more than 32 octets, or not UTF-8", label),
    case(3111, "content: an epoch of no seconds or no packets", epoch_limits),
    case(3112, "content: numbers of more than their 32 bits", wide_numbers),
    case(3113, "content: a number that is not in its shortest form", not_shortest),
    case(3114, "content: a list or text without a stated length", indefinite),
    case(3115, "content: the same key twice, or keys out of order", key_order),
    case(3116, "content: a device id of another length", device_length),
    case(3117, "content: lists that announce more than any can hold", list_counts),
];

const SEND: u32 = Id::Send.number();
const RECEIVE: u32 = Id::Receive.number();
const INSTALL: u32 = TestId::Install.number();
const ADMISSION: u32 = Id::Admission.number();
const HKDF: u32 = TestId::Hkdf.number();
const KDF: u32 = TestId::Kdf.number();
const GCM_OPEN: u32 = TestId::GcmOpen.number();

/// A good request but for the octets at `at`.
fn refused_with(c: &mut Context, number: u32, at: usize, octets: &[u8], code: Code) -> Verdict {
    let line = c.line()?;
    let mut request = good(number);
    request[at..at + octets.len()].copy_from_slice(octets);
    c.refused_by(&line, &format!("{octets:02x?} at {at}"), number, &request, code);
    Ok(())
}

/// No generation.
const GENERATIONS: [u64; 3] = [0, GENERATION + 1, u64::MAX];

fn send_generation(c: &mut Context) -> Verdict {
    // version 2, group 3
    GENERATIONS.into_iter().try_for_each(|generation| {
        refused_with(c, SEND, 5, &generation.to_be_bytes(), Code::OutOfRange)
    })
}

/// A good epoch but for the octets at `at`: refused, and its neighbours are not.
fn item_refused_with(c: &mut Context, at: usize, octets: &[u8]) -> Verdict {
    // version 2, count 2, then the only item
    let mut item = good(RECEIVE).split_off(4);
    item[at..at + octets.len()].copy_from_slice(octets);
    c.refused_item(&item, Code::OutOfRange)
}

fn receive_generation(c: &mut Context) -> Verdict {
    // group 3
    let generations = GENERATIONS.into_iter();
    generations.map(u64::to_be_bytes).try_for_each(|octets| item_refused_with(c, 3, &octets))
}

fn receive_ptk_id(c: &mut Context) -> Verdict {
    // group 3, generation 8, sender 3
    item_refused_with(c, 14, &[0, 0])
}

fn receive_count(c: &mut Context) -> Verdict {
    [0, BATCH as u16 + 1, u16::MAX]
        .into_iter()
        .try_for_each(|count| refused_with(c, RECEIVE, 2, &count.to_be_bytes(), Code::OutOfRange))
}

fn receive_too_few(c: &mut Context) -> Verdict {
    [2, BATCH as u16]
        .into_iter()
        .try_for_each(|count| refused_with(c, RECEIVE, 2, &count.to_be_bytes(), Code::Truncated))
}

fn receive_too_many(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let mut request = good(RECEIVE);
    let item = request[4..].to_vec();
    request.extend_from_slice(&item);
    c.refused_by(&line, "two for one", RECEIVE, &request, Code::TrailingBytes);
    Ok(())
}

fn install_scope(c: &mut Context) -> Verdict {
    [2, 0xff].into_iter().try_for_each(|s| refused_with(c, INSTALL, 2, &[s], Code::OutOfRange))
}

fn hkdf_length(c: &mut Context) -> Verdict {
    [HkdfReply::LEN_MAX as u16 + 1, u16::MAX]
        .into_iter()
        .try_for_each(|len| refused_with(c, HKDF, 2, &len.to_be_bytes(), Code::OutOfRange))
}

fn hkdf_field(c: &mut Context) -> Verdict {
    // version 2, length 2, then the salt's length: 2 octets follow it, then
    // the input key's.
    refused_with(c, HKDF, 4, &[0xff, 0xff], Code::Truncated)?;
    refused_with(c, HKDF, 8, &[0xff, 0xff], Code::Truncated)
}

fn admission_generation(c: &mut Context) -> Verdict {
    // version 2, group 3
    GENERATIONS.into_iter().try_for_each(|generation| {
        refused_with(c, ADMISSION, 5, &generation.to_be_bytes(), Code::OutOfRange)
    })
}

fn kdf_parameters(c: &mut Context) -> Verdict {
    // version 2, FC 1, key 2 and 32, then their count: 2 are there
    refused_with(c, KDF, 37, &[9], Code::OutOfRange)?;
    refused_with(c, KDF, 37, &[0xff], Code::OutOfRange)?;
    refused_with(c, KDF, 37, &[8], Code::Truncated)?;
    refused_with(c, KDF, 37, &[1], Code::TrailingBytes)
}

fn gcm_length(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let open = |sealed: &[u8]| request(&GcmOpen { key: [1; 16], nonce: [2; 12], aad: &[], sealed });
    let longest = line.call(GCM_OPEN, &open(&[0; OpenReply::TEXT_MAX]));
    c.ok("the longest", longest)?;
    let longer = open(&[0; OpenReply::TEXT_MAX + 1]);
    c.refused_by(&line, "an octet more", GCM_OPEN, &longer, Code::OutOfRange);
    Ok(())
}

/// The content with `from` (which stands in it, first) changed into `to`.
fn changed(c: &mut Context, from: &[u8], to: &[u8], code: Code) -> Verdict {
    let mut content = content();
    // Not the same content again, which would be no news.
    content.sequence += 1;
    let whole = fixture::encoded(&content);
    let at = whole.windows(from.len()).position(|window| window == from);
    let at = c.some(&format!("{from:02x?} in the content"), at)?;
    let changed = [&whole[..at], to, &whole[at + from.len()..]].concat();
    let line = c.line()?;
    let what = format!("{to:02x?} for {from:02x?}");
    c.refused_by(&line, &what, INSTALL, &[&[0, 1, 0], &changed[..]].concat(), code);
    Ok(())
}

/// The same, where each change makes the content malformed.
fn malformed(c: &mut Context, from: &[u8], to: &[&[u8]]) -> Verdict {
    to.iter().try_for_each(|to| changed(c, from, to, Code::ContentMalformed))
}

/// Keys 4 and 5 of a group stand behind its `next`, key 3.
const NEXT: &[u8] = &[3, 1, 4, 0xf5];

fn sequence(c: &mut Context) -> Verdict {
    malformed(c, &[2, 8, 3], &[&[2, 0, 3]])
}

fn group_id(c: &mut Context) -> Verdict {
    malformed(c, &[0x1a, 0, 0x0a, 0, 1], &[&[0x1a, 1, 0, 0, 0], &[0x1a, 0xff, 0xff, 0xff, 0xff]])
}

fn member_id(c: &mut Context) -> Verdict {
    malformed(c, &[2, 1, 3, 1], &[&[2, 0x1a, 1, 0, 0, 0, 3, 1]])
}

fn next(c: &mut Context) -> Verdict {
    let above = [&[3, 0x1b], &(GENERATION + 1).to_be_bytes()[..], &[4, 0xf5]].concat();
    malformed(c, NEXT, &[&[3, 0, 4, 0xf5], &above])
}

fn boolean(c: &mut Context) -> Verdict {
    malformed(c, NEXT, &[&[3, 1, 4, 1], &[3, 1, 4, 0xf6], &[3, 1, 4, 0xf7]])
}

fn pgk_id(c: &mut Context) -> Verdict {
    malformed(c, &[1, 1, 2, 1, 3], &[&[1, 1, 2, 0x19, 1, 0, 3]])
}

fn key_length(c: &mut Context) -> Verdict {
    let key = [&[3, 0x58, 32], &fixture::key(0)[..]].concat();
    let shorter = [&[3, 0x58, 31], &fixture::key(0)[1..]].concat();
    let longer = [&[3, 0x58, 33], &fixture::key(0)[..], &[0]].concat();
    malformed(c, &key, &[&shorter, &longer, &[3, 0x40]])
}

fn profile_and_suite(c: &mut Context) -> Verdict {
    let pair = [7, 1, 8, 1];
    changed(c, &pair, &[7, 0, 8, 1], Code::UnsupportedProfile)?;
    changed(c, &pair, &[7, 0x17, 8, 1], Code::UnsupportedProfile)?;
    changed(c, &pair, &[7, 3, 8, 3], Code::UnsupportedProfile)?;
    changed(c, &pair, &[7, 1, 8, 0], Code::UnsupportedSuite)?;
    changed(c, &pair, &[7, 1, 8, 0x17], Code::UnsupportedSuite)
}

fn not_after(c: &mut Context) -> Verdict {
    let end = |time: u64| [&[6, 0x1a], &(time as u32).to_be_bytes()[..]].concat();
    let good = end(fixture::policy().not_after);
    malformed(c, &good, &[&end(TIME), &end(TIME - 1), &[6, 0]])
}

fn label(c: &mut Context) -> Verdict {
    let long = [&[9, 0x78, 33], &[b'a'; 33][..]].concat();
    malformed(c, b"\x09\x65field", &[&long, b"\x09\x65fiel\xff", b"\x09\x45field"])
}

fn epoch_limits(c: &mut Context) -> Verdict {
    malformed(c, &[10, 0x19, 0x0e, 0x10], &[&[10, 0]])?;
    malformed(c, &[11, 0x1a, 0, 0x0f, 0x42, 0x40], &[&[11, 0]])
}

fn wide_numbers(c: &mut Context) -> Verdict {
    let wide = [0x1b, 0, 0, 0, 1, 0, 0, 0, 0];
    let with = |key: u8| [&[key], &wide[..]].concat();
    malformed(c, &[10, 0x19, 0x0e, 0x10], &[&with(10)])?;
    malformed(c, &[12, 0x19, 0x02, 0x58], &[&with(12)])?;
    malformed(c, &[13, 0, 14], &[&[&with(13)[..], &[14]].concat()])
}

fn not_shortest(c: &mut Context) -> Verdict {
    malformed(c, NEXT, &[&[3, 0x18, 1, 4, 0xf5], &[0x18, 3, 1, 4, 0xf5], &[3, 0x19, 0, 1, 4, 0xf5]])
}

fn indefinite(c: &mut Context) -> Verdict {
    malformed(c, b"\x09\x65field", &[b"\x09\x7f\x65field\xff"])?;
    // The list of groups, key 5, has two.
    malformed(c, &[5, 0x82, 0xa5], &[&[5, 0x9f, 0xa5]])
}

fn key_order(c: &mut Context) -> Verdict {
    malformed(c, NEXT, &[&[3, 1, 3, 1], &[4, 0xf5, 3, 1]])
}

fn device_length(c: &mut Context) -> Verdict {
    let id = [&[1, 0x50], &[0; 16][..]].concat();
    let shorter = [&[1, 0x4f], &[0; 15][..]].concat();
    let longer = [&[1, 0x51], &[0; 17][..]].concat();
    malformed(c, &id, &[&shorter, &longer])
}

fn list_counts(c: &mut Context) -> Verdict {
    let groups = [5, 0x82, 0xa5];
    changed(c, &groups, &[5, 0x83, 0xa5], Code::ContentMalformed)?;
    let most = [5, 0x9a, 0xff, 0xff, 0xff, 0xff, 0xa5];
    changed(c, &groups, &most, Code::TooManyGroups)?;
    let pgks = [5, 0x82, 0xaf];
    changed(c, &pgks, &[5, 0x83, 0xaf], Code::ContentMalformed)?;
    let most = [5, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xaf];
    changed(c, &pgks, &most, Code::TooManyPgks)
}
