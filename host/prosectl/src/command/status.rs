//! `status`: what the device holds, at a glance.

use std::fmt::Write;

use proseal_client::Client;
use proseal_proto::id::DeviceId;
use proseal_proto::message::{
    DeviceState, GroupStatus, PgkStatus, Status, StatusReply, Version, VersionReply,
};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::Report;
use crate::value::{hex, rfc3339};

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

fn time(seconds: u64) -> Value {
    rfc3339(seconds).map_or(Value::Null, Value::String)
}

fn object(status: &StatusReply) -> Value {
    json!({
        "state": status.state.name(),
        "device": if status.device == DeviceId::NONE { Value::Null } else { json!(hex(&status.device.0)) },
        "floor": if status.floor == 0 { Value::Null } else { time(status.floor) },
        "unsynced_s": status.unsynced_s,
        "sequence": status.sequence,
        "signer_version": status.signer_version,
        "start_nonce": hex(&status.start_nonce),
        "refusals": status.refusals,
        "groups": status.groups.iter().map(group_object).collect::<Vec<_>>(),
    })
}

pub(super) fn group_object(group: &GroupStatus) -> Value {
    json!({
        "group": group.group.to_string(),
        "member": group.member.to_string(),
        "next": group.next,
        "suspended": group.suspended,
        "may_send": group.may_send,
        "pgks": group.pgks.iter().map(pgk_object).collect::<Vec<_>>(),
    })
}

fn pgk_object(pgk: &PgkStatus) -> Value {
    json!({
        "generation": pgk.generation.get(),
        "pgk_id": pgk.pgk_id.to_string(),
        "profile": pgk.profile.name(),
        "suite": pgk.suite.name(),
        "state": pgk.state.name(),
        "not_before": time(pgk.not_before),
        "not_after": time(pgk.not_after),
        "receive_grace_s": pgk.receive_grace_s,
        "send_grace_s": pgk.send_grace_s,
        "epochs_left": pgk.epochs_left,
    })
}

fn text(status: &StatusReply, version: &VersionReply, notes: &[&str]) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(out, "device: {}", status.state.name());
    if status.device != DeviceId::NONE {
        let _ = writeln!(out, "  id: {}", hex(&status.device.0));
    }
    let _ = writeln!(out, "  trusted application: {}", dotted(version.ta_version));
    if status.floor != 0 {
        let floor = rfc3339(status.floor).unwrap_or_else(|| "beyond the year 9999".to_owned());
        let _ = writeln!(out, "  time is at least: {floor}");
    }
    let _ = writeln!(out, "  sequence: {}", status.sequence);
    for note in notes {
        let _ = writeln!(out, "  note: {note}");
    }
    for group in &status.groups {
        out.push('\n');
        out.push_str(&group_text(group));
    }
    out
}

pub(super) fn group_text(group: &GroupStatus) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "group: {}", group.group);
    let _ = writeln!(out, "  member: {}", group.member);
    if !group.may_send {
        let _ = writeln!(out, "  only receives");
    }
    let _ = writeln!(out, "  next generation: {}", group.next);
    if group.suspended {
        let _ = writeln!(out, "  suspended");
    }
    for pgk in &group.pgks {
        let until = rfc3339(pgk.not_after).unwrap_or_else(|| "the end of time".to_owned());
        let _ = writeln!(
            out,
            "  pgk: generation {}, id {}, {}",
            pgk.generation,
            pgk.pgk_id,
            pgk.state.name()
        );
        let _ = writeln!(out, "    {} for {}, until {until}", pgk.profile.name(), pgk.suite.name());
        let _ = writeln!(out, "    epochs left: {}", pgk.epochs_left);
    }
    out
}
