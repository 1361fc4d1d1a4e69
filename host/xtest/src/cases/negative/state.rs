//! 4000: well-formed requests that the device's state, its keys or its policy
//! forbid.

use proseal_client::Error;
use proseal_proto::content::Content;
use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, PgkId};
use proseal_proto::limit;
use proseal_proto::message::{Outcome, Receive};
use proseal_proto::test_command::Scope;

use super::{LISTENING, SEQUENCE, case, content, factory, request};
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::fixture::{self, GROUP, MEMBER, OTHER, TIME};

pub(super) const CASES: &[Case] = &[
    case(4001, "send in a group that the device is not in", send_unknown_group),
    case(4002, "send with a generation that is not held", send_unknown_generation),
    case(4003, "send in a group in which the device may only receive", send_listening),
    case(4004, "receive in a group that the device is not in gives no keys", unknown_group),
    case(4005, "receive with a generation that is not held gives no keys", unknown_generation),
    case(4006, "receive of the device's own member id gives no keys", own_member),
    case(4007, "a refused epoch of a batch gives no keys, the others do", mixed_batch),
    case(4008, "erase of another device", erase_other),
    case(4011, "a content for another device", other_device),
    case(4012, "a lower sequence", lower_sequence),
    case(4013, "another content of the same sequence", same_sequence),
    case(4014, "another key for a held generation", other_key),
    case(4015, "another PGK Id for a held generation", other_pgk_id),
    case(4016, "a root for a held key", root_for_key),
    case(4017, "a key that stands under another entry", repeated_key),
    case(4018, "a PGK Id with the low bits of another", pgk_id_clash),
    case(4019, "a time more than ten years ahead", far_time),
    case(4020, "a 17th group", too_many_groups),
    case(4021, "a fifth PGK of a group", too_many_pgks),
    case(4023, "another member id while a generation is held", other_member),
    case(4024, "one root for two generations of a group", repeated_root),
];

pub(super) const FACTORY: &[Case] = &[
    factory(4101, "a factory device does not send", factory_send),
    factory(4102, "a factory device does not receive", factory_receive),
    factory(4103, "a factory device has no other id to be erased by", erase_other),
    factory(4104, "a factory device takes no content for another device", other_device),
    factory(4105, "a factory device takes no content that is malformed", factory_malformed),
];

fn send_refused(c: &mut Context, group: u32, generation: u64, code: Code) -> Verdict {
    let sent = c.send(group, generation);
    c.refused("send", sent, code);
    Ok(())
}

fn send_unknown_group(c: &mut Context) -> Verdict {
    send_refused(c, GROUP + 2, 1, Code::UnknownGroup)
}

fn send_unknown_generation(c: &mut Context) -> Verdict {
    send_refused(c, GROUP, 3, Code::UnknownGeneration)?;
    send_refused(c, LISTENING, 2, Code::UnknownGeneration)
}

fn send_listening(c: &mut Context) -> Verdict {
    send_refused(c, LISTENING, 1, Code::NotSender)
}

/// Batches of which one of `refused` (group, generation, sender) stands between
/// good ones.
fn batch(c: &mut Context, refused: &[(u32, u64, u32, Code)]) -> Verdict {
    refused.iter().try_for_each(|&(group, generation, sender, code)| {
        let request =
            request(&Receive { items: vec![fixture::epoch(group, generation, sender, 1)] });
        c.refused_item(&request[4..], code)
    })
}

fn unknown_group(c: &mut Context) -> Verdict {
    batch(c, &[(GROUP + 2, 1, OTHER, Code::UnknownGroup)])
}

fn unknown_generation(c: &mut Context) -> Verdict {
    batch(c, &[(GROUP, 3, OTHER, Code::UnknownGeneration)])
}

fn own_member(c: &mut Context) -> Verdict {
    batch(c, &[(GROUP, 1, MEMBER, Code::OwnMember), (LISTENING, 1, MEMBER, Code::OwnMember)])
}

fn mixed_batch(c: &mut Context) -> Verdict {
    batch(
        c,
        &[
            (GROUP + 2, 1, OTHER, Code::UnknownGroup),
            (GROUP, 3, OTHER, Code::UnknownGeneration),
            (GROUP, 1, MEMBER, Code::OwnMember),
        ],
    )
}

fn erase_other(c: &mut Context) -> Verdict {
    for id in [[1; 16], [0xff; 16]] {
        let erased = c.erase(DeviceId(id));
        c.refused("erase", erased, Code::WrongDevice);
    }
    let mut nearly = [0; 16];
    nearly[15] = 1;
    let erased = c.erase(DeviceId(nearly));
    c.refused("erase by an id that differs in one bit", erased, Code::WrongDevice);
    Ok(())
}

/// The next content, changed, must be refused whatever its scope.
fn refused_change(c: &mut Context, change: impl Fn(&mut Content<'_>), code: Code) -> Verdict {
    let mut next = content();
    next.sequence = SEQUENCE + 1;
    change(&mut next);
    for scope in [Scope::Whole, Scope::Added] {
        let outcome = c.install(scope, &next);
        c.refused("install", outcome, code);
    }
    Ok(())
}

fn other_device(c: &mut Context) -> Verdict {
    refused_change(c, |content| content.device = DeviceId([1; 16]), Code::WrongDevice)
}

fn lower_sequence(c: &mut Context) -> Verdict {
    let mut old = content();
    old.sequence = SEQUENCE - 1;
    old.groups.clear();
    let outcome = c.install(Scope::Whole, &old);
    let outcome = c.ok("install", outcome)?;
    c.equal("outcome", outcome, Outcome::Superseded);
    Ok(())
}

fn same_sequence(c: &mut Context) -> Verdict {
    let change = |content: &mut Content<'_>| {
        content.sequence = SEQUENCE;
        content.groups.clear();
    };
    refused_change(c, change, Code::SequenceConflict)
}

fn other_key(c: &mut Context) -> Verdict {
    let change = |content: &mut Content<'_>| content.groups[0].pgks[0].key = fixture::key(99);
    refused_change(c, change, Code::GenerationConflict)
}

fn other_pgk_id(c: &mut Context) -> Verdict {
    let change = |content: &mut Content<'_>| content.groups[0].pgks[0].id = PgkId(0x11);
    refused_change(c, change, Code::GenerationConflict)
}

fn other_member(c: &mut Context) -> Verdict {
    let change = |content: &mut Content<'_>| content.groups[0].member = fixture::member(OTHER);
    refused_change(c, change, Code::MemberConflict)
}

fn root_for_key(c: &mut Context) -> Verdict {
    let change = |content: &mut Content<'_>| content.groups[0].pgks[0].is_root = true;
    refused_change(c, change, Code::GenerationConflict)
}

fn repeated_key(c: &mut Context) -> Verdict {
    let change = |content: &mut Content<'_>| {
        content.groups[0].pgks.push(fixture::pgk(3, 2));
    };
    refused_change(c, change, Code::KeyRepeated)
}

fn pgk_id_clash(c: &mut Context) -> Verdict {
    let change = |content: &mut Content<'_>| {
        let mut pgk = fixture::pgk(3, 9);
        pgk.id = PgkId(0xe1);
        content.groups[0].pgks.push(pgk);
    };
    refused_change(c, change, Code::PgkIdClash)
}

fn far_time(c: &mut Context) -> Verdict {
    // Ten years, counted as if each were a leap year, and an hour for the time that passes meanwhile.
    let far = TIME + 10 * 366 * 24 * 3600 + 3600;
    refused_change(c, |content| content.time = far, Code::TimeOutOfRange)?;
    refused_change(c, |content| content.time = u64::MAX, Code::TimeOutOfRange)
}

fn too_many_groups(c: &mut Context) -> Verdict {
    let change = |content: &mut Content<'_>| {
        let more =
            (2..=limit::GROUPS).map(|at| fixture::group(fixture::numbered_group(at), vec![]));
        content.groups.extend(more);
    };
    refused_change(c, change, Code::TooManyGroups)
}

fn too_many_pgks(c: &mut Context) -> Verdict {
    let change = |content: &mut Content<'_>| {
        let more = (3..=5).map(|generation| fixture::pgk(generation, 10 + generation as usize));
        content.groups[0].pgks.extend(more);
    };
    refused_change(c, change, Code::TooManyPgks)
}

fn repeated_root(c: &mut Context) -> Verdict {
    let change = |content: &mut Content<'_>| {
        for generation in [3, 4] {
            let mut root = fixture::pgk(generation, 9);
            root.is_root = true;
            content.groups[0].pgks.push(root);
        }
    };
    refused_change(c, change, Code::KeyRepeated)
}

fn factory_send(c: &mut Context) -> Verdict {
    send_refused(c, GROUP, 1, Code::WrongState)
}

fn factory_receive(c: &mut Context) -> Verdict {
    let received = c.receive(vec![fixture::epoch(GROUP, 1, OTHER, 1)]);
    c.refused("receive", received, Code::WrongState);
    Ok(())
}

fn factory_malformed(c: &mut Context) -> Verdict {
    let whole = fixture::encoded(&content());
    for octets in [&[][..], &[0xa0], &whole[1..], &whole[..whole.len() - 1]] {
        let outcome: Result<Outcome, Error> = c.install_octets(Scope::Whole, octets);
        c.refused("install", outcome, Code::ContentMalformed);
    }
    Ok(())
}
