//! `send` and `receive`.

use proseal_proto::error::Code;
use proseal_proto::id::{EpochSalt, MemberId, PtkId};
use proseal_proto::key::KeyPair;
use proseal_proto::message::{Receive, ReceiveItem, ReceiveReply, Send, SendReply};

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
    derive_epoch(group, pgk, group.member, ptk_id, salt, &mut reply.keys)?;
    Ok(reply)
}

pub(crate) fn receive<P: Platform>(ta: &mut Ta<P>, request: Receive) -> Result<ReceiveReply, Code> {
    ta.settle()?;
    let state = ta.enrolled()?;
    let items = request.items.iter().map(|item| receive_one(state, item)).collect();
    Ok(ReceiveReply { items })
}

fn receive_one(state: &State, item: &ReceiveItem) -> Result<KeyPair, Code> {
    let pgk = find_pgk(state, item.group, item.generation)?;
    let group = state.group(item.group).ok_or(Code::Internal)?;
    // Sender keys are given only by `send`, each epoch once.
    if item.sender == group.member {
        return Err(Code::OwnMember);
    }
    let mut keys = KeyPair::zero();
    derive_epoch(group, pgk, item.sender, item.ptk_id, item.salt, &mut keys)?;
    Ok(keys)
}

fn derive_epoch(
    group: &Group,
    pgk: &Pgk,
    sender: MemberId,
    ptk_id: PtkId,
    salt: EpochSalt,
    keys: &mut KeyPair,
) -> Result<(), Code> {
    let epoch = Epoch {
        suite: pgk.policy.suite,
        group: group.id,
        generation: pgk.generation,
        pgk_id: pgk.id,
        sender,
        ptk_id,
        salt,
        label: &pgk.policy.label,
    };
    kdf::derive(pgk.policy.profile, &pgk.key, &epoch, keys)
}
