//! `derive`: the keys of one epoch, or the admission key. Without `--show-keys` only a check value
//! is printed, which tells equal keys from others and opens nothing.

use std::fmt::Write;
use std::time::SystemTime;

use proseal_client::{Client, Error};
use proseal_proto::error::Code;
use proseal_proto::id::{EpochSalt, Generation, GroupId};
use proseal_proto::key::{Key, KeyPair};
use proseal_proto::message::{
    Admission, DeviceState, PgkState, PgkStatus, Receive, ReceiveItem, Send, Status, StatusReply,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::output::{ROOM, Report};
use crate::value::{hex, push_hex, rfc3339, seconds};

/// Start of what the check value hashes: it is no other hash of the key.
const CHECK_DOMAIN: &[u8] = b"prosectl check value";

pub(super) fn send(
    client: &mut Client,
    group: GroupId,
    generation: Option<Generation>,
    show_keys: bool,
) -> Result<Report, Failure> {
    let generation = match generation {
        Some(generation) => generation,
        None => newest(client, group)?,
    };
    let epoch = client.call(&Send { group, generation })?;
    let mut text = format!(
        "new epoch of member {} in group {group}\n  generation: {generation}\n  pgk id: {}\n  ptk id: {}\n  salt: {}\n  suite: {}\n",
        epoch.member,
        epoch.pgk_id,
        epoch.ptk_id,
        hex(&epoch.salt.0),
        epoch.suite.name(),
    );
    append_keys(&mut text, &epoch.keys, show_keys);
    let mut object = json!({
        "group": group.to_string(),
        "generation": generation.get(),
        "pgk_id": epoch.pgk_id.to_string(),
        "member": epoch.member.to_string(),
        "ptk_id": epoch.ptk_id.to_string(),
        "salt": hex(&epoch.salt.0),
        "suite": epoch.suite.name(),
        "not_after": rfc3339(epoch.not_after),
        "epoch_s": epoch.epoch_s,
        "epoch_packets": epoch.epoch_packets,
    });
    extend(&mut object, keys_object(&epoch.keys, show_keys));
    Ok(Report::new(text, object))
}

pub(super) fn receive(
    client: &mut Client,
    item: ReceiveItem,
    show_keys: bool,
) -> Result<Report, Failure> {
    let reply = client.call(&Receive { items: vec![item] })?;
    // One was asked for; anything else is not an answer to that.
    let keys =
        reply.items.into_iter().next().unwrap_or(Err(Code::Internal)).map_err(Error::Refused)?;
    let mut text = format!(
        "epoch of member {} in group {}\n  generation: {}\n  ptk id: {}\n  salt: {}\n",
        item.sender,
        item.group,
        item.generation,
        item.ptk_id,
        hex(&item.salt.0),
    );
    append_keys(&mut text, &keys, show_keys);
    let mut object = json!({
        "group": item.group.to_string(),
        "generation": item.generation.get(),
        "sender": item.sender.to_string(),
        "ptk_id": item.ptk_id.to_string(),
        "salt": hex(&item.salt.0),
    });
    extend(&mut object, keys_object(&keys, show_keys));
    Ok(Report::new(text, object))
}

/// The salt of epochs of a profile that has none; an error if this PGK's has.
pub(super) fn no_salt(
    client: &mut Client,
    group: GroupId,
    generation: Generation,
) -> Result<EpochSalt, Failure> {
    let pgks = pgks(&client.call(&Status)?, group)?;
    let pgk = pgks.iter().find(|pgk| pgk.generation == generation);
    let profile = pgk.ok_or(Error::Refused(Code::UnknownGeneration))?.profile;
    if profile.has_salt() {
        let text = format!("--salt is needed: profile {} has one in each epoch", profile.name());
        return Err(Failure::Usage(text));
    }
    Ok(EpochSalt::NONE)
}

pub(super) fn admission(
    client: &mut Client,
    group: GroupId,
    generation: Generation,
    show_keys: bool,
) -> Result<Report, Failure> {
    let key = client.call(&Admission { group, generation })?.key;
    let mut text = format!("admission key of group {group}\n  generation: {generation}\n");
    append_key(&mut text, "key", &key, show_keys);
    let mut object = json!({ "group": group.to_string(), "generation": generation.get() });
    extend(&mut object, key_members("key", &key, show_keys));
    Ok(Report::new(text, object))
}

/// The newest generation that may be sent with and whose time has come, by the
/// later of the TA's time and the local clock; else the newest that is held.
fn newest(client: &mut Client, group: GroupId) -> Result<Generation, Error> {
    let status = client.call(&Status)?;
    let now = seconds(SystemTime::now()).unwrap_or(0).max(status.floor);
    let pgks = pgks(&status, group)?;
    let sends = |pgk: &&PgkStatus| {
        pgk.state == PgkState::Held && pgk.not_before <= now && !pgk.rollback_unprotected
    };
    let newest = pgks.iter().filter(sends).max_by_key(|pgk| pgk.generation);
    let newest = newest.or_else(|| pgks.iter().max_by_key(|pgk| pgk.generation));
    Ok(newest.ok_or(Error::Refused(Code::UnknownGeneration))?.generation)
}

/// What is held of a group.
fn pgks(status: &StatusReply, group: GroupId) -> Result<Vec<PgkStatus>, Error> {
    match status.state {
        DeviceState::Factory => return Err(Error::Refused(Code::WrongState)),
        DeviceState::Damaged => return Err(Error::Refused(Code::Damaged)),
        DeviceState::Enrolled => {}
    }
    let held = status.groups.iter().find(|held| held.group == group);
    Ok(held.ok_or(Error::Refused(Code::UnknownGroup))?.pgks.clone())
}

/// The first 4 octets of SHA-256 over the key, as hexadecimal.
fn check<const LEN: usize>(key: &Key<LEN>) -> String {
    let digest = Sha256::new().chain_update(CHECK_DOMAIN).chain_update(key.expose()).finalize();
    hex(digest.get(..4).unwrap_or_default())
}

fn append_keys(text: &mut String, keys: &KeyPair, show_keys: bool) {
    append_key(text, "ik", &keys.ik, show_keys);
    append_key(text, "ck", &keys.ck, show_keys);
}

fn append_key<const LEN: usize>(text: &mut String, name: &str, key: &Key<LEN>, show: bool) {
    text.reserve(ROOM);
    let _ = writeln!(text, "  {name} check: {}", check(key));
    if show {
        let _ = write!(text, "  {name}: ");
        push_hex(text, key.expose());
        text.push('\n');
    }
}

fn keys_object(keys: &KeyPair, show_keys: bool) -> Map<String, Value> {
    let mut object = key_members("ik", &keys.ik, show_keys);
    object.extend(key_members("ck", &keys.ck, show_keys));
    object
}

fn key_members<const LEN: usize>(name: &str, key: &Key<LEN>, show: bool) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert(format!("{name}_check"), json!(check(key)));
    if show {
        object.insert(name.to_owned(), Value::String(hex(key.expose())));
    }
    object
}

fn extend(object: &mut Value, members: Map<String, Value>) {
    if let Value::Object(object) = object {
        object.extend(members);
    }
}
