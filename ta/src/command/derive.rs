//! `send` and `receive`.

use proseal_proto::codec::{Encode, Writer};
use proseal_proto::error::Code;
use proseal_proto::id::{EpochSalt, MemberId, PtkId};
use proseal_proto::key::{KeyPair, KeySlots};
use proseal_proto::message::{ReceiveItem, ReceiveItems, Send, SendReply};

use crate::device::{Ta, find_pgk};
use crate::kdf::{self, Epoch};
use crate::platform::Platform;
use crate::state::{Group, Pgk, State};

pub(crate) fn send<P: Platform>(ta: &mut Ta<P>, request: Send) -> Result<SendReply, Code> {
    let Send { group, generation } = request;
    let state = ta.enrolled()?;
    find_pgk(state, group, generation)?;
    if !state.group(group).is_some_and(|group| group.may_send) {
        return Err(Code::NotSender);
    }
    let (ptk_id, salt) = ta.next_epoch(group, generation)?;

    let state = ta.enrolled()?;
    let pgk = find_pgk(state, group, generation)?;
    let group = state.group(group).ok_or(Code::Internal)?;
    let mut reply = SendReply {
        generation,
        pgk_id: pgk.id,
        member: group.member,
        ptk_id,
        salt,
        suite: pgk.policy.suite,
        not_after: pgk.policy.not_after,
        epoch_s: pgk.policy.epoch_s,
        epoch_packets: pgk.policy.epoch_packets,
        keys: KeyPair::zero(),
    };
    kdf::derive(
        pgk.policy.profile,
        &pgk.key,
        &epoch(group, pgk, group.member, ptk_id, salt),
        reply.keys.slots(),
    )?;
    Ok(reply)
}

/// For each epoch asked for its keys, derived where they stand in the response.
pub(crate) fn receive<P: Platform>(
    ta: &mut Ta<P>,
    request: ReceiveItems<'_>,
    reply: &mut Writer<'_>,
) -> Result<(), Code> {
    ta.settle()?;
    let state = ta.enrolled()?;
    reply.u16(u16::try_from(request.count()).map_err(|_| Code::Internal)?)?;
    for item in request.iter() {
        match epoch_of_other(state, &item?) {
            Ok((pgk, epoch)) => {
                reply.u32(0)?;
                kdf::derive(pgk.policy.profile, &pgk.key, &epoch, KeySlots::append(reply)?)?;
            }
            Err(code) => Err::<KeyPair, _>(code).encode(reply)?,
        }
    }
    Ok(())
}

/// An epoch of another sender, and the PGK that it is derived from.
fn epoch_of_other<'s>(state: &'s State, item: &ReceiveItem) -> Result<(&'s Pgk, Epoch<'s>), Code> {
    let pgk = find_pgk(state, item.group, item.generation)?;
    let group = state.group(item.group).ok_or(Code::Internal)?;
    // Sender keys are given only by `send`, each epoch once.
    if item.sender == group.member {
        return Err(Code::OwnMember);
    }
    Ok((pgk, epoch(group, pgk, item.sender, item.ptk_id, item.salt)))
}

const fn epoch<'s>(
    group: &Group,
    pgk: &'s Pgk,
    sender: MemberId,
    ptk_id: PtkId,
    salt: EpochSalt,
) -> Epoch<'s> {
    Epoch {
        suite: pgk.policy.suite,
        group: group.id,
        generation: pgk.generation,
        pgk_id: pgk.id,
        sender,
        ptk_id,
        salt,
        label: &pgk.policy.label,
    }
}
