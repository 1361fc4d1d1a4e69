//! `key import`: a PGK goes in, in clear.

use std::time::SystemTime;

use proseal_client::{Client, Error};
use proseal_proto::content::{Content, Group, Pgk, Policy};
use proseal_proto::error::Code;
use proseal_proto::limit::REQUEST_MAX;
use proseal_proto::message::{DeviceState, Outcome, PgkStatus, Status, StatusReply};
use proseal_proto::test_command::{Install, InstallReply, Scope};
use prosectl::value::{rfc3339, seconds};
use prosectl::{Failure, Report};
use serde_json::json;
use zeroize::Zeroizing;

use crate::args::{Import, default_suite};
use crate::failure::ImportFailure;
use crate::key_file;

/// How long a key is valid if nothing is said, seconds: 30 days.
const VALIDITY_S: u64 = 30 * 24 * 3600;

/// A clock before this, seconds since 1970, was never set: 2026-01-01.
const EARLIEST: u64 = 1_767_225_600;
/// How often an import begins anew when others come in between.
const TRIES: usize = 8;

/// Reads the key and installs it beside what is held.
pub(crate) fn import(client: &mut Client, import: &Import) -> Result<Report, Failure> {
    let now = now()?;
    let not_before = import.not_before.unwrap_or(now);
    let not_after = import.not_after.unwrap_or_else(|| not_before.saturating_add(VALIDITY_S));
    if not_after <= not_before {
        return Err(Failure::Usage("--not-after must be later than --not-before".to_owned()));
    }
    if import.next > import.generation {
        return Err(Failure::Usage("--next would end the very key that is imported".to_owned()));
    }
    let grace = import.receive_grace_s.max(import.send_grace_s);
    if not_after.saturating_add(grace.into()) < now {
        return Err(Failure::Usage("the key's time and grace are over already".to_owned()));
    }
    let key = key_file::read(&import.key_file)?;
    let suite = import.suite.unwrap_or_else(|| default_suite(import.profile));
    let policy = Policy {
        not_before,
        not_after,
        profile: import.profile,
        suite,
        label: import.label,
        epoch_s: import.epoch_s,
        epoch_packets: import.epoch_packets,
        receive_grace_s: import.receive_grace_s,
        send_grace_s: import.send_grace_s,
        max_unsynced_s: import.max_unsynced_s,
        accept_rollback: import.accept_rollback,
    };
    let pgk = || Pgk {
        generation: import.generation,
        id: import.pgk_id,
        key: &key,
        is_root: import.root,
        policy,
    };
    for _ in 0..TRIES {
        let status = client.call(&Status)?;
        if status.state == DeviceState::Damaged {
            return Err(Error::Refused(Code::Damaged).into());
        }
        refuse_change(&status, import)?;
        let content = content(&status, now, import, pgk());
        // Capacity for all: a buffer that moved would leave the key behind.
        let mut octets = Zeroizing::new(Vec::with_capacity(REQUEST_MAX));
        content.encode(&mut octets);
        match client.call(&Install { scope: Scope::Added, content: &octets }) {
            Ok(InstallReply { outcome: Outcome::Applied | Outcome::Same }) => {
                return Ok(sealed(import, content.sequence));
            }
            Ok(InstallReply { outcome: Outcome::Partly }) => return Err(left_out(import).into()),
            // Another import took this sequence since the status.
            Ok(InstallReply { outcome: Outcome::Superseded })
            | Err(Error::Refused(Code::SequenceConflict)) => {}
            Err(error) => return Err(explained(error)),
        }
    }
    Err(ImportFailure::NotTaken {
        message: format!("other imports came in between, {TRIES} times"),
        hint: "try again",
    }
    .into())
}

/// The local clock. The first key sets the device's lower bound of the time,
/// so that a clock that was never set would be believed for ever.
fn now() -> Result<u64, ImportFailure> {
    let now = seconds(SystemTime::now()).unwrap_or(0);
    if now < EARLIEST {
        return Err(ImportFailure::Clock {
            now: rfc3339(now).unwrap_or_default(),
            hint: "set this machine's clock: what the first key says of the time is kept for ever",
        });
    }
    Ok(now)
}

/// An import adds a key. It changes none that is held, nor the group's member
/// id and rights.
fn refuse_change(status: &StatusReply, import: &Import) -> Result<(), ImportFailure> {
    let Some(group) = status.groups.iter().find(|group| group.group == import.group) else {
        return Ok(());
    };
    if group.pgks.iter().any(|pgk| pgk.generation == import.generation) {
        let Import { generation, group, .. } = import;
        return Err(ImportFailure::Held {
            message: format!("generation {generation} of group {group} is held already"),
            hint: "a new key needs a higher generation: `prosectl-test key list` shows which are held",
        });
    }
    // Asked of the TA, `--next` would take effect all the same.
    if import.generation.get() < group.next {
        return Err(ImportFailure::NotTaken {
            message: format!(
                "generation {} of group {} has ended: only {} and above may come in",
                import.generation, import.group, group.next
            ),
            hint: "a new key needs a higher generation",
        });
    }
    // Without a key that stays there is nothing to be changed.
    let stays = |pgk: &PgkStatus| pgk.generation >= import.next;
    if (group.member, group.may_send) != (import.member, !import.receive_only)
        && group.pgks.iter().any(stays)
    {
        let rights = if group.may_send { "may send" } else { "may only receive" };
        return Err(ImportFailure::Held {
            message: format!(
                "in group {} this device is member {} and {rights}, which an import does not change",
                import.group, group.member
            ),
            hint: "say the same --member (and --receive-only or not), or end the keys that are held by --next",
        });
    }
    Ok(())
}

/// A refusal in the words of who adds a key: a package would list too many.
fn explained(error: Error) -> Failure {
    let (code, message, hint) = match error {
        Error::Refused(code @ Code::TooManyGroups) => (
            code,
            "the device is full: no room for another group",
            "a group goes when the device is erased: `prosectl-test erase`",
        ),
        Error::Refused(code @ Code::TooManyPgks) => (
            code,
            "the group is full: no room for another key",
            "end what is no longer used, by --next or `prosectl-test revoke`",
        ),
        error => return error.into(),
    };
    Failure::Refused { code, message: message.to_owned(), hint }
}

/// What adds the key to what the device holds.
fn content<'k>(status: &StatusReply, now: u64, import: &Import, pgk: Pgk<'k>) -> Content<'k> {
    Content {
        device: status.device,
        sequence: status.sequence.saturating_add(1),
        time: now.max(status.floor),
        start_nonce: Some(status.start_nonce),
        groups: vec![Group {
            group: import.group,
            member: import.member,
            next: import.next.get(),
            may_send: !import.receive_only,
            pgks: vec![pgk],
        }],
    }
}

fn sealed(import: &Import, sequence: u64) -> Report {
    Report::new(
        format!(
            "PGK generation {} of group {}: sealed in the TEE\n",
            import.generation, import.group
        ),
        json!({
            "outcome": Outcome::Applied.name(),
            "group": import.group.to_string(),
            "generation": import.generation.get(),
            "pgk_id": import.pgk_id.to_string(),
            "sequence": sequence,
        }),
    )
}

/// The TA took the content, but not the key: the group was removed once, and
/// is back without one; or the key has ended by the TA's time.
fn left_out(import: &Import) -> ImportFailure {
    ImportFailure::NotTaken {
        message: format!(
            "generation {} of group {} has ended, by its number or by its time; the group is held without it",
            import.generation, import.group
        ),
        hint: "a new key needs a higher generation, and an end to come: `prosectl-test status` shows the next one and the device's time",
    }
}

#[cfg(test)]
mod tests;
