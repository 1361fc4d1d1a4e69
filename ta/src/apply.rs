//! A content takes effect on the state. Nothing here writes: the caller
//! commits the whole change, or none of it.

use alloc::vec::Vec;

use proseal_proto::content::{self, Content};
use proseal_proto::error::Code;
use proseal_proto::limit;
use proseal_proto::test_command::{Outcome, Scope};
use sha2::{Digest, Sha256};

use crate::kdf;
use crate::secret::GroupKey;
use crate::state::{Group, Pgk, REMOVED_MAX, RemovedGroup, State};

/// How far ahead of the floor a later content's time may be, seconds: ten
/// years. A forged or mistaken time must not end all keys for ever.
const TIME_AHEAD_MAX: u64 = 10 * 366 * 24 * 3600;

/// Parses `input` and applies it to `state`.
///
/// After an error the state is half changed and must be dropped.
pub fn apply(state: &mut State, input: &[u8], scope: Scope) -> Result<Outcome, Code> {
    let content = Content::parse(input)?;
    if content.device != state.device {
        return Err(Code::WrongDevice);
    }
    let digest: [u8; 32] = Sha256::digest(input).into();
    if content.sequence < state.sequence {
        return Ok(Outcome::Superseded);
    }
    if content.sequence == state.sequence {
        return if digest == state.digest {
            Ok(Outcome::Same)
        } else {
            Err(Code::SequenceConflict)
        };
    }
    if state.floor != 0 && content.time > state.floor.saturating_add(TIME_AHEAD_MAX) {
        return Err(Code::TimeOutOfRange);
    }

    if scope == Scope::Whole {
        remove_unlisted(state, &content);
    }
    let mut outcome = Outcome::Applied;
    for incoming in &content.groups {
        if !apply_group(enter_group(state, incoming)?, incoming, scope)? {
            outcome = Outcome::Partly;
        }
    }
    // Only now: a group that came back has left the list.
    if state.removed.len() > REMOVED_MAX {
        return Err(Code::TooManyRemoved);
    }
    refuse_clashes(state)?;
    state.sequence = content.sequence;
    state.digest = digest;
    state.floor = state.floor.max(content.time);
    Ok(outcome)
}

/// Drops the groups that the content does not list, but not their numbers.
fn remove_unlisted(state: &mut State, content: &Content<'_>) {
    let listed = |group: &Group| content.groups.iter().any(|g| g.group == group.id);
    let (kept, gone): (Vec<_>, Vec<_>) = state.groups.drain(..).partition(listed);
    state.groups = kept;
    state.removed.extend(gone.into_iter().map(|group| RemovedGroup {
        id: group.id,
        next: group.next,
        suspended: group.suspended,
    }));
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

/// Applies one group; `false` if entries below its `next` were left out.
fn apply_group(
    group: &mut Group,
    incoming: &content::Group<'_>,
    scope: Scope,
) -> Result<bool, Code> {
    group.may_send = incoming.may_send;
    // `next` comes before the list: what is below it is gone.
    group.next = group.next.max(incoming.next);
    group.pgks.retain(|pgk| pgk.generation.get() >= incoming.next);
    if scope == Scope::Whole {
        group.pgks.retain(|held| incoming.pgks.iter().any(|p| p.generation == held.generation));
    }
    // Under another id the device's own epochs so far would be anyone's, and
    // `receive` would give their keys a second time.
    if group.member != incoming.member && !group.pgks.is_empty() {
        return Err(Code::MemberConflict);
    }
    group.member = incoming.member;
    let mut whole = true;
    for entry in &incoming.pgks {
        whole &= apply_pgk(group, entry)?;
    }
    if let Some(highest) = incoming.pgks.last() {
        group.next = group.next.max(highest.generation.successor());
    }
    Ok(whole)
}

/// Applies one PGK; `false` if it is below the group's `next`.
fn apply_pgk(group: &mut Group, entry: &content::Pgk<'_>) -> Result<bool, Code> {
    match group.pgks.binary_search_by_key(&entry.generation, |pgk| pgk.generation) {
        Ok(at) => {
            let held = group.pgks.get_mut(at).ok_or(Code::Internal)?;
            if !same_key(held, entry) {
                return Err(Code::GenerationConflict);
            }
            held.policy = entry.policy;
        }
        Err(at) => {
            if entry.generation.get() < group.next {
                return Ok(false);
            }
            if entry.is_root {
                return Err(Code::UnsupportedRoot);
            }
            kdf::check_supported(entry.policy.profile, entry.policy.suite)?;
            if group.pgks.len() >= limit::PGKS {
                return Err(Code::TooManyPgks);
            }
            group.pgks.insert(
                at,
                Pgk {
                    generation: entry.generation,
                    id: entry.id,
                    key: GroupKey::copied_from(entry.key),
                    is_root: entry.is_root,
                    policy: entry.policy,
                    reserved: 0,
                },
            );
        }
    }
    Ok(true)
}

/// A held generation may change its windows and limits, and nothing else.
fn same_key(held: &Pgk, entry: &content::Pgk<'_>) -> bool {
    held.key.same_as(entry.key)
        && held.id == entry.id
        && held.is_root == entry.is_root
        && held.policy.profile == entry.policy.profile
        && held.policy.suite == entry.policy.suite
        && held.policy.label == entry.policy.label
}

/// Refuses two PGKs of a group with one index on the air, and equal keys
/// under any two entries: derived keys would be tied where nobody expects it.
fn refuse_clashes(state: &State) -> Result<(), Code> {
    let entries = || state.groups.iter().flat_map(|g| g.pgks.iter().map(move |pgk| (g.id, pgk)));
    for (i, (group, pgk)) in entries().enumerate() {
        for (other_group, other) in entries().take(i) {
            if group == other_group && pgk.id.index() == other.id.index() {
                return Err(Code::PgkIdClash);
            }
            if pgk.key.same_as(other.key.expose()) {
                return Err(Code::KeyRepeated);
            }
        }
    }
    Ok(())
}
