//! `status`: what the device holds, at a glance.

mod warning;

use std::fmt::Write;
use std::time::Duration;

use proseal_client::Client;
use proseal_proto::id::DeviceId;
use proseal_proto::message::{
    DeviceState, GroupStatus, PgkState, PgkStatus, Status, StatusReply, Version, VersionReply,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::output::Report;
use crate::value::{grouped, hex, rfc3339};

pub(super) fn run(client: &mut Client) -> Result<Report, Failure> {
    let version = client.call(&Version)?;
    let status = client.call(&Status)?;
    let notes = notes(&version, &status);
    let mut object = object(&status);
    object["ta"] = version_object(&version);
    object["notes"] = json!(notes);
    Ok(Report::new(text(&status, &version, &notes), object))
}

/// 10203 is 1.2.3.
pub(super) fn dotted(version: u32) -> String {
    format!("{}.{}.{}", version / 10_000, version / 100 % 100, version % 100)
}

fn version_object(version: &VersionReply) -> Value {
    json!({
        "version": dotted(version.ta_version),
        "proto": version.proto,
        "build": if version.build == VersionReply::TEST_BUILD { "test" } else { "product" },
        "limits": {
            "groups": version.groups,
            "pgks": version.pgks,
            "batch": version.batch,
            "request": version.request_max,
            "response": version.response_max,
        },
        "rollback_protection": version.rollback_protection,
    })
}

/// What this device is not, said before anyone relies on it.
fn notes(version: &VersionReply, status: &StatusReply) -> Vec<&'static str> {
    let mut notes = Vec::new();
    if status.state == DeviceState::Damaged {
        notes.push(
            "the state is damaged, nothing is derived: erase it (`prosectl erase`), bring the keys again",
        );
    }
    if version.build == VersionReply::TEST_BUILD {
        notes.push("test build: keys can be installed in clear");
    }
    if version.rollback_protection < VersionReply::ROLLBACK_PROTECTED {
        notes.push("storage can be rolled back: an old image brings back old numbers");
    }
    if on_qemu() {
        notes.push("QEMU: sealing key and random source are for demonstration, not secret");
    }
    notes
}

/// Whether the machine's device tree is that of QEMU's `virt`.
fn on_qemu() -> bool {
    std::fs::read("/proc/device-tree/compatible")
        .is_ok_and(|compatible| compatible.starts_with(b"linux,dummy-virt"))
}

pub(super) fn time(seconds: u64) -> Value {
    rfc3339(seconds).map_or(Value::Null, Value::String)
}

fn object(status: &StatusReply) -> Value {
    let groups = status.groups.iter().map(|group| group_object(status, group));
    json!({
        "state": status.state.name(),
        "device": if status.device == DeviceId::NONE { Value::Null } else { json!(hex(&status.device.0)) },
        "floor": if status.floor == 0 { Value::Null } else { time(status.floor) },
        "unsynced_s": status.unsynced_s,
        "sequence": status.sequence,
        "manager": manager(status).map(|(manager, _)| manager),
        "root_digest": manager(status).map(|(_, digest)| hex(&digest)),
        "signer_version": status.signer_version,
        "start_nonce": hex(&status.start_nonce),
        "refusals": status.refusals,
        "groups": groups.collect::<Vec<_>>(),
    })
}

/// The device's manager and his root key's fingerprint, if it has one.
fn manager(status: &StatusReply) -> Option<(String, [u8; 32])> {
    let has_one = status.root_key != [0; 32];
    has_one.then(|| (hex(&status.manager), Sha256::digest(status.root_key).into()))
}

pub(super) fn group_object(status: &StatusReply, group: &GroupStatus) -> Value {
    let pgks = group.pgks.iter().map(|pgk| pgk_object(status, group, pgk));
    json!({
        "group": group.group.to_string(),
        "member": group.member.to_string(),
        "next": group.next,
        "suspended": group.suspended,
        "may_send": group.may_send,
        "pgks": pgks.collect::<Vec<_>>(),
    })
}

fn pgk_object(status: &StatusReply, group: &GroupStatus, pgk: &PgkStatus) -> Value {
    json!({
        "generation": pgk.generation.get(),
        "pgk_id": pgk.pgk_id.to_string(),
        "profile": pgk.profile.name(),
        "suite": pgk.suite.name(),
        "state": pgk.state.name(),
        "not_before": time(pgk.not_before),
        "not_after": time(pgk.not_after),
        "left_s": left_s(status, pgk),
        "receive_grace_s": pgk.receive_grace_s,
        "send_grace_s": pgk.send_grace_s,
        "max_unsynced_s": pgk.max_unsynced_s,
        "rollback_unprotected": pgk.rollback_unprotected,
        "ptk_id": last_used(pgk),
        "epochs_left": pgk.epochs_left,
        "warnings": warning::of_pgk(status, group, pgk),
    })
}

/// The last PTK Id that counts as used, if any: given out, or reserved before
/// this start of the TA.
fn last_used(pgk: &PgkStatus) -> Option<String> {
    Some(u16::MAX - pgk.epochs_left).filter(|&last| last > 0).map(|last| format!("{last:04x}"))
}

/// Seconds until the key's state changes, at most; `None` while no time is known.
fn left_s(status: &StatusReply, pgk: &PgkStatus) -> Option<u64> {
    let grace = match pgk.state {
        PgkState::Held if status.floor <= pgk.not_after => 0,
        PgkState::Held => pgk.send_grace_s,
        PgkState::ReceiveOnly | PgkState::Ended => pgk.receive_grace_s,
    };
    let until = pgk.not_after.saturating_add(grace.into());
    (status.floor != 0).then(|| until.saturating_sub(status.floor))
}

fn text(status: &StatusReply, version: &VersionReply, notes: &[&str]) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(out, "device: {}", status.state.name());
    if status.device != DeviceId::NONE {
        let _ = writeln!(out, "  id: {}", hex(&status.device.0));
    }
    if let Some((manager, digest)) = manager(status) {
        let short = grouped(digest.first_chunk::<8>().unwrap_or(&[0; 8]));
        let _ = writeln!(out, "  manager: {manager}, root key {short} ...");
    }
    let _ = writeln!(out, "  trusted application: {}", dotted(version.ta_version));
    if status.floor != 0 {
        let floor = rfc3339(status.floor).unwrap_or_else(|| "beyond the year 9999".to_owned());
        let _ = writeln!(out, "  time is at least: {floor}");
    }
    if status.state == DeviceState::Enrolled {
        let _ = writeln!(out, "  last news: {} ago", duration(status.unsynced_s.into()));
    }
    let _ = writeln!(out, "  sequence: {}", status.sequence);
    for note in notes {
        let _ = writeln!(out, "  note: {note}");
    }
    for group in &status.groups {
        out.push('\n');
        out.push_str(&group_text(status, group));
    }
    out
}

pub(super) fn group_text(status: &StatusReply, group: &GroupStatus) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "group: {}", group.group);
    let _ = writeln!(out, "  member: {}", group.member);
    if !group.may_send {
        let _ = writeln!(out, "  only receives");
    }
    let _ = writeln!(out, "  next generation: {}", group.next);
    if group.suspended {
        let _ = writeln!(out, "  warning: suspended, nothing is derived");
    }
    for pgk in &group.pgks {
        out.push('\n');
        out.push_str(&pgk_text(status, group, pgk));
    }
    out
}

fn pgk_text(status: &StatusReply, group: &GroupStatus, pgk: &PgkStatus) -> String {
    let mut out = String::new();
    let written = |seconds| rfc3339(seconds).unwrap_or_else(|| "the end of time".to_owned());
    let _ = writeln!(out, "  pgk: generation {}, id {}", pgk.generation, pgk.pgk_id);
    let left = match left_s(status, pgk) {
        Some(left) if pgk.state != PgkState::Ended => format!(", {} left", duration(left)),
        _ => String::new(),
    };
    let _ = writeln!(out, "    state: {}{left}", pgk.state.name());
    let _ = writeln!(out, "    valid: {} to {}", written(pgk.not_before), written(pgk.not_after));
    let _ = writeln!(out, "    derivation: {} for {}", pgk.profile.name(), pgk.suite.name());
    let used = last_used(pgk).map_or("none".to_owned(), |last| format!("up to {last}"));
    let _ = writeln!(out, "    epochs: {used} used, {} left", pgk.epochs_left);
    for warning in warning::of_pgk(status, group, pgk) {
        let _ = writeln!(out, "    warning: {warning}");
    }
    out
}

/// A span in its two largest units, such as "29days 3h".
fn duration(seconds: u64) -> String {
    let text = humantime::format_duration(Duration::from_secs(seconds)).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        assert_eq!(duration(0), "0s");
        assert_eq!(duration(59), "59s");
        assert_eq!(duration(2 * 86_400 + 3 * 3600 + 5), "2days 3h");
    }
}
