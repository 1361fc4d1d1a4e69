//! `key import` and `key list`.

use std::time::SystemTime;

use proseal_client::Client;
use proseal_proto::content::{Content, Group, Pgk, Policy};
use proseal_proto::id::DeviceId;
use proseal_proto::limit::REQUEST_MAX;
use proseal_proto::message::Status;
use proseal_proto::test_command::{Install, Scope};
use serde_json::json;
use zeroize::Zeroizing;

use super::status::{group_object, group_text};
use crate::args::Import;
use crate::failure::Failure;
use crate::key_file;
use crate::output::Report;
use crate::value::seconds;

/// How long a key is valid if nothing is said, seconds: 30 days.
const VALIDITY_S: u64 = 30 * 24 * 3600;

pub(super) fn import(client: &mut Client, import: &Import) -> Result<Report, Failure> {
    let now = seconds(SystemTime::now()).unwrap_or(0);
    let not_before = import.not_before.unwrap_or(now);
    let not_after = import.not_after.unwrap_or_else(|| not_before.saturating_add(VALIDITY_S));
    if not_after <= not_before {
        return Err(Failure::Usage("--not-after must be later than --not-before".to_owned()));
    }
    if import.next > import.generation {
        return Err(Failure::Usage("--next would end the very key that is imported".to_owned()));
    }
    let key = key_file::read(&import.key_file)?;

    let status = client.call(&Status)?;
    let pgk = Pgk {
        generation: import.generation,
        id: import.pgk_id,
        key: &key,
        is_root: import.root,
        policy: Policy {
            not_before,
            not_after,
            profile: import.profile.into(),
            suite: import.suite.into(),
            label: import.label,
            epoch_s: import.epoch_s,
            epoch_packets: import.epoch_packets,
            receive_grace_s: import.receive_grace_s,
            send_grace_s: import.send_grace_s,
            max_unsynced_s: import.max_unsynced_s,
            accept_rollback: import.accept_rollback,
        },
    };
    let content = Content {
        device: if status.device == DeviceId::NONE { DeviceId::NONE } else { status.device },
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
    };
    // Capacity for all: a buffer that moved would leave the key behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(REQUEST_MAX));
    content.encode(&mut octets);
    let reply = client.call(&Install { scope: Scope::Added, content: &octets })?;
    Ok(Report::new(
        format!(
            "PGK generation {} of group {}: {}\n",
            import.generation,
            import.group,
            match reply.outcome.name() {
                "applied" => "sealed in the TEE",
                "partly" => "left out, it is below the group's next generation",
                other => other,
            }
        ),
        json!({
            "outcome": reply.outcome.name(),
            "group": import.group.to_string(),
            "generation": import.generation.get(),
            "pgk_id": import.pgk_id.to_string(),
            "sequence": content.sequence,
        }),
    ))
}

pub(super) fn list(client: &mut Client) -> Result<Report, Failure> {
    let status = client.call(&Status)?;
    let text = if status.groups.is_empty() {
        "no keys are held; `prosectl key import --help` says how to bring one\n".to_owned()
    } else {
        status.groups.iter().map(group_text).collect::<Vec<_>>().join("\n")
    };
    let groups = status.groups.iter().map(group_object).collect::<Vec<_>>();
    Ok(Report::new(text, json!({ "groups": groups })))
}
