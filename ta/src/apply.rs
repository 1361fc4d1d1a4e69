//! A content takes effect on the state. Nothing here writes: the caller
//! commits the whole change, or none of it.

use alloc::vec::Vec;
use core::cmp::Ordering;

use proseal_proto::content::{self, Content, Policy};
use proseal_proto::error::Code;
use proseal_proto::id::{Generation, GroupId, PgkId};
use proseal_proto::limit;
use proseal_proto::message::{EventKind, Outcome, PgkState};
use proseal_proto::package::Notice;
use sha2::{Digest, Sha256};

use crate::kdf;
use crate::secret::GroupKey;
use crate::state::{Group, Pgk, REMOVED_MAX, RemovedGroup, State, life};

/// How far ahead of the floor a later content's time may be, seconds: ten
/// years. A forged or mistaken time must not end all keys for ever.
const TIME_AHEAD_MAX: u64 = 10 * 366 * 24 * 3600;

/// What becomes of that which a content does not list.
pub trait Scope {
    /// It goes.
    const IS_WHOLE: bool;
}

/// The content is the device's whole state, as each package is. There is no other
/// scope in the product: the one that adds to what is held is the test build's.
pub enum Whole {}

impl Scope for Whole {
    const IS_WHOLE: bool = true;
}

/// What tells a content, or the package it came in, from others: SHA-256.
#[must_use]
pub fn digest(octets: &[u8]) -> [u8; 32] {
    Sha256::digest(octets).into()
}

/// What becomes of a content that is no later than the last one; `None` of a
/// later one.
///
/// `sequence_conflict` if it has the last one's sequence and other octets.
pub fn order(state: &State, sequence: u64, digest: &[u8; 32]) -> Result<Option<Outcome>, Code> {
    match sequence.cmp(&state.sequence) {
        Ordering::Less => Ok(Some(Outcome::Superseded)),
        Ordering::Equal if *digest == state.digest => Ok(Some(Outcome::Same)),
        Ordering::Equal => Err(Code::SequenceConflict),
        Ordering::Greater => Ok(None),
    }
}

/// Applies to `state` a content that is later than the last one, and this
/// device's. It is fresh if it echoes `start_nonce`. `digest` tells it from
/// others.
/// `held` is what is held until the change is written: `state` as it is given, and
/// what time has ended.
///
/// After an error the state is half changed and must be dropped.
pub fn apply<S: Scope>(
    state: &mut State,
    held: &State,
    content: &Content<'_>,
    digest: [u8; 32],
    start_nonce: &[u8; 32],
) -> Result<Outcome, Code> {
    if state.floor != 0 && content.time > state.floor.saturating_add(TIME_AHEAD_MAX) {
        return Err(Code::TimeOutOfRange);
    }

    state.sequence = content.sequence;
    state.digest = digest;
    state.floor = state.floor.max(content.time);
    if content.start_nonce.as_ref() == Some(start_nonce) {
        // News that were held back are as old as the floor says.
        let age_s = state.floor.saturating_sub(content.time);
        state.unsynced_s = state.unsynced_s.min(u32::try_from(age_s).unwrap_or(u32::MAX));
    }
    if S::IS_WHOLE {
        remove_unlisted_groups(state, content);
    }
    let mut outcome = Outcome::Applied;
    for incoming in &content.groups {
        let mut told = Vec::new();
        let floor = state.floor;
        let before = held.group(incoming.group).map_or(&[][..], |group| &group.pgks);
        let group = enter_group(state, incoming)?;
        if !apply_group::<S>(group, before, incoming, floor, &mut told)? {
            outcome = Outcome::Partly;
        }
        for (kind, generation) in told {
            state.note(kind, incoming.group, generation);
        }
    }
    // Only now: a group that came back has left the list.
    if state.removed.len() > REMOVED_MAX {
        return Err(Code::TooManyRemoved);
    }
    refuse_clashes(state, held)?;
    // By the content's own time, or windows that it has changed.
    state.drop_ended();
    Ok(outcome)
}

/// Applies a notice to `state`: what it ends is ended, and stays so. A group that
/// this device has never been in is none of its business.
pub fn apply_notice(state: &mut State, notice: &Notice) -> Outcome {
    let below = notice.below.get();
    if let Some(removed) = state.removed.iter_mut().find(|removed| removed.id == notice.group) {
        return raise(&mut removed.next, below);
    }
    let Some(group) = state.group_mut(notice.group) else { return Outcome::Same };
    let outcome = raise(&mut group.next, below);
    if revoke(group, below) || outcome == Outcome::Applied {
        state.note(EventKind::Revoked, notice.group, below);
        return Outcome::Applied;
    }
    outcome
}

fn raise(next: &mut u64, below: u64) -> Outcome {
    let outcome = match below.cmp(next) {
        Ordering::Less => Outcome::Superseded,
        Ordering::Equal => Outcome::Same,
        Ordering::Greater => Outcome::Applied,
    };
    *next = below.max(*next);
    outcome
}

/// Drops the groups that the content does not list, but not their numbers.
fn remove_unlisted_groups(state: &mut State, content: &Content<'_>) {
    let listed = |group: &Group| content.groups.iter().any(|g| g.group == group.id);
    let (kept, gone): (Vec<_>, Vec<_>) = state.groups.drain(..).partition(listed);
    state.groups = kept;
    for group in gone {
        state.note(EventKind::Removed, group.id, group.next);
        state.removed.push(RemovedGroup {
            id: group.id,
            next: group.next,
            suspended: group.suspended,
        });
    }
    state.removed.sort_unstable_by_key(|group| group.id);
}

/// The state's group for `incoming`, with what is remembered if it is back.
fn enter_group<'s>(
    state: &'s mut State,
    incoming: &content::Group<'_>,
) -> Result<&'s mut Group, Code> {
    let at = match state.groups.binary_search_by_key(&incoming.group, |group| group.id) {
        Ok(at) => at,
        Err(at) => {
            if state.groups.len() >= limit::GROUPS {
                return Err(Code::TooManyGroups);
            }
            let known = state.removed.iter().find(|group| group.id == incoming.group).copied();
            state.removed.retain(|group| group.id != incoming.group);
            state.groups.insert(
                at,
                Group {
                    id: incoming.group,
                    member: incoming.member,
                    next: known.map_or(1, |group| group.next),
                    suspended: known.is_some_and(|group| group.suspended),
                    may_send: incoming.may_send,
                    pgks: Vec::new(),
                },
            );
            at
        }
    };
    state.groups.get_mut(at).ok_or(Code::Internal)
}

/// Applies one group, which held the PGKs of `before`; `false` if entries were
/// left out. What is to be told of it goes to `told`.
fn apply_group<S: Scope>(
    group: &mut Group,
    before: &[Pgk],
    incoming: &content::Group<'_>,
    floor: u64,
    told: &mut Vec<(EventKind, u64)>,
) -> Result<bool, Code> {
    group.may_send = incoming.may_send;
    // `next` comes before the list: what is below it is gone.
    if revoke(group, incoming.next) {
        told.push((EventKind::Revoked, incoming.next));
    }
    group.next = group.next.max(incoming.next);
    if S::IS_WHOLE {
        group.pgks.retain(|held| {
            let is_listed = incoming.pgks.iter().any(|p| p.generation == held.generation);
            if !is_listed {
                told.push((EventKind::Removed, held.generation.get()));
            }
            is_listed
        });
    }
    // Under another id the device's own epochs so far would be anyone's, and
    // `receive` would give their keys a second time.
    if group.member != incoming.member && !group.pgks.is_empty() {
        return Err(Code::MemberConflict);
    }
    group.member = incoming.member;
    let mut whole = true;
    for entry in &incoming.pgks {
        whole &= apply_pgk(group, before, entry, floor, told)?;
    }
    if let Some(highest) = incoming.pgks.last() {
        group.next = group.next.max(highest.generation.successor());
    }
    Ok(whole)
}

/// Erases what is below a generation; whether there was anything.
pub fn revoke(group: &mut Group, below: u64) -> bool {
    let before = group.pgks.len();
    group.pgks.retain(|pgk| pgk.generation.get() >= below);
    group.pgks.len() != before
}

/// Applies one PGK; `false` if it is below the group's `next`, or has ended.
fn apply_pgk(
    group: &mut Group,
    before: &[Pgk],
    entry: &content::Pgk<'_>,
    floor: u64,
    told: &mut Vec<(EventKind, u64)>,
) -> Result<bool, Code> {
    match group.pgks.binary_search_by_key(&entry.generation, |pgk| pgk.generation) {
        Ok(at) => {
            let held = group.pgks.get_mut(at).ok_or(Code::Internal)?;
            if !same_key(group.id, held, entry)? {
                return Err(Code::GenerationConflict);
            }
            held.policy = entry.policy;
        }
        Err(at) => {
            if entry.generation.get() < group.next
                || life::state_at(&entry.policy, floor) == PgkState::Ended
            {
                return Ok(false);
            }
            kdf::check_supported(&entry.policy, entry.is_root)?;
            if group.pgks.len() >= limit::PGKS {
                return Err(Code::TooManyPgks);
            }
            refuse_root_of_another(group, before, entry)?;
            group.pgks.insert(
                at,
                Pgk {
                    generation: entry.generation,
                    id: entry.id,
                    key: pgk_of(group.id, entry)?,
                    prepared: kdf::Prepared::new(),
                    is_root: entry.is_root,
                    policy: entry.policy,
                    reserved: 0,
                },
            );
            told.push((EventKind::Installed, entry.generation.get()));
        }
    }
    Ok(true)
}

/// The PGK of an entry: what it holds, or what its root gives.
fn pgk_of(group: GroupId, entry: &content::Pgk<'_>) -> Result<GroupKey, Code> {
    if !entry.is_root {
        return Ok(GroupKey::copied_from(entry.key));
    }
    let root = GroupKey::copied_from(entry.key);
    from_root(&root, group, entry.generation, entry.id, &entry.policy)
}

fn from_root(
    root: &GroupKey,
    group: GroupId,
    generation: Generation,
    id: PgkId,
    policy: &Policy,
) -> Result<GroupKey, Code> {
    let scope = kdf::Scope::new(group, generation, id, policy);
    let mut pgk = GroupKey::zero();
    kdf::derive_from_root(root, &scope, pgk.expose_mut())?;
    Ok(pgk)
}

/// Refuses the root of another generation of the group, also of one that goes
/// by this very content. Roots are not kept, so it is asked whether this one
/// would have given that generation's PGK.
fn refuse_root_of_another(
    group: &Group,
    before: &[Pgk],
    entry: &content::Pgk<'_>,
) -> Result<(), Code> {
    if !entry.is_root {
        return Ok(());
    }
    let root = GroupKey::copied_from(entry.key);
    for known in before.iter().chain(&group.pgks).filter(|known| known.is_root) {
        let other = from_root(&root, group.id, known.generation, known.id, &known.policy)?;
        if known.key.same_as(other.expose()) {
            return Err(Code::KeyRepeated);
        }
    }
    Ok(())
}

/// A held generation may change its windows and limits, and nothing else.
fn same_key(group: GroupId, held: &Pgk, entry: &content::Pgk<'_>) -> Result<bool, Code> {
    Ok(held.id == entry.id
        && held.is_root == entry.is_root
        && held.policy.profile == entry.policy.profile
        && held.policy.suite == entry.policy.suite
        && held.policy.label == entry.policy.label
        && held.key.same_as(pgk_of(group, entry)?.expose()))
}

/// Refuses two PGKs of a group with one index on the air, and equal keys
/// under any two entries: derived keys would be tied where nobody expects it.
/// What is new is also compared with what is held until now, since keys that
/// leave by this very content would come back under another name.
fn refuse_clashes(state: &State, held: &State) -> Result<(), Code> {
    for (i, (group, pgk)) in entries(state).enumerate() {
        for (other_group, other) in entries(state).take(i) {
            if group == other_group && pgk.id.index() == other.id.index() {
                return Err(Code::PgkIdClash);
            }
            if pgk.key.same_as(other.key.expose()) {
                return Err(Code::KeyRepeated);
            }
        }
        let stays = held.group(group).is_some_and(|group| group.pgk(pgk.generation).is_some());
        if !stays && entries(held).any(|(_, other)| pgk.key.same_as(other.key.expose())) {
            return Err(Code::KeyRepeated);
        }
    }
    Ok(())
}

/// Each PGK, with its group.
fn entries(state: &State) -> impl Iterator<Item = (GroupId, &Pgk)> {
    state.groups.iter().flat_map(|group| group.pgks.iter().map(move |pgk| (group.id, pgk)))
}
