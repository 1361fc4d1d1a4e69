//! `send`, `receive` and `admission`.

use proseal_proto::codec::{Encode, Writer};
use proseal_proto::error::Code;
use proseal_proto::id::{EpochSalt, Generation, GroupId, MemberId, PtkId};
use proseal_proto::key::{AdmissionKey, KeyPair, KeySlots};
use proseal_proto::message::{
    Admission, AdmissionReply, ReceiveItem, ReceiveItems, Send, SendReply,
};

use crate::device::{Ta, find_pgk};
use crate::kdf::{self, Epoch, Scope};
use crate::platform::Platform;
use crate::state::life::{self, Now};
use crate::state::{Group, Pgk, State};

pub(crate) fn send<P: Platform>(ta: &mut Ta<P>, request: Send) -> Result<SendReply, Code> {
    let Send { group, generation } = request;
    let now = ta.now();
    let protected = ta.platform().is_rollback_protected();
    check_send(ta.enrolled()?, group, generation, now, protected)?;
    let (ptk_id, salt) = ta.next_epoch(group, generation)?;

    let (group, pgk) = find_pgk(ta.enrolled()?, group, generation)?;
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
    let epoch = epoch(group, pgk, group.member, ptk_id, salt);
    kdf::derive(pgk.policy.profile, &pgk.key, &pgk.prepared, &epoch, reply.keys.slots())?;
    Ok(reply)
}

fn check_send(
    state: &State,
    group: GroupId,
    generation: Generation,
    now: Now,
    protected: bool,
) -> Result<(), Code> {
    let (group, pgk) = find_derivable(state, group, generation)?;
    if !group.may_send {
        return Err(Code::NotSender);
    }
    life::check_send(&pgk.policy, now)?;
    if life::is_rollback_unprotected(&pgk.policy, protected) {
        return Err(Code::RollbackUnprotected);
    }
    Ok(())
}

/// A PGK that is held, of a group that is not suspended.
fn find_derivable(
    state: &State,
    group: GroupId,
    generation: Generation,
) -> Result<(&Group, &Pgk), Code> {
    let (group, pgk) = find_pgk(state, group, generation)?;
    if group.suspended { Err(Code::Suspended) } else { Ok((group, pgk)) }
}

/// For each epoch asked for its keys, derived where they stand in the response.
pub(crate) fn receive<P: Platform>(
    ta: &mut Ta<P>,
    request: ReceiveItems<'_>,
    reply: &mut Writer<'_>,
) -> Result<(), Code> {
    ta.settle()?;
    let now = ta.now();
    let state = ta.enrolled()?;
    reply.u16(u16::try_from(request.count()).map_err(|_| Code::Internal)?)?;
    for item in request.iter() {
        // A malformed item is refused like any other: alone.
        let found = item.map_err(Code::from).and_then(|item| epoch_of_other(state, &item, now));
        match found {
            Ok((pgk, epoch)) => {
                reply.u32(0)?;
                let keys = KeySlots::append(reply)?;
                kdf::derive(pgk.policy.profile, &pgk.key, &pgk.prepared, &epoch, keys)?;
            }
            Err(code) => Err::<KeyPair, _>(code).encode(reply)?,
        }
    }
    Ok(())
}

/// An epoch of another sender, and the PGK that it is derived from.
fn epoch_of_other<'s>(
    state: &'s State,
    item: &ReceiveItem,
    now: Now,
) -> Result<(&'s Pgk, Epoch<'s>), Code> {
    let (group, pgk) = find_derivable(state, item.group, item.generation)?;
    life::check_receive(&pgk.policy, now)?;
    // Sender keys are given only by `send`, each epoch once.
    if item.sender == group.member {
        return Err(Code::OwnMember);
    }
    // Here, not by the derivation: a refusal is this item's, not the batch's.
    kdf::check_salt(pgk.policy.profile, item.salt)?;
    Ok((pgk, epoch(group, pgk, item.sender, item.ptk_id, item.salt)))
}

pub(crate) fn admission<P: Platform>(
    ta: &mut Ta<P>,
    request: Admission,
) -> Result<AdmissionReply, Code> {
    ta.settle()?;
    let now = ta.now();
    let (group, pgk) = find_derivable(ta.enrolled()?, request.group, request.generation)?;
    life::check_receive(&pgk.policy, now)?;
    let scope = Scope::new(group.id, pgk.generation, pgk.id, &pgk.policy);
    let mut key = AdmissionKey::zero();
    kdf::derive_admission(&pgk.key, &pgk.prepared, &scope, key.expose_mut())?;
    Ok(AdmissionReply { key })
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
