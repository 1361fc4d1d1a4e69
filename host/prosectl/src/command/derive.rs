//! `derive`: the keys of one epoch, or the admission key. Without `--show-keys` only a check value
//! is printed, which tells equal keys from others and opens nothing.

use std::fmt::Write;
use std::time::SystemTime;

use proseal_client::{Client, Error};
use proseal_proto::error::Code;
use proseal_proto::id::{EpochSalt, Generation, GroupId};
use proseal_proto::key::{Key, KeyPair};
use proseal_proto::limit;
use proseal_proto::message::{
    Admission, DeviceState, PgkState, PgkStatus, Receive, ReceiveItem, Send, Status, StatusReply,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::failure::{Failure, Warning};
use crate::output::{self, ROOM, Report};
use crate::value::{EpochName, hex, push_hex, rfc3339, seconds};

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
        None => {
            let choice = newest(client, group)?;
            choice.warning(group).iter().for_each(output::warn);
            choice.generation
        }
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
    text.reserve(ROOM);
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
    group: GroupId,
    generation: Generation,
    epoch: EpochName,
    show_keys: bool,
) -> Result<Report, Failure> {
    let items = items(client, group, generation, &[epoch])?;
    let reply = client.call(&Receive { items: items.clone() })?;
    // One was asked for; anything else is not an answer to that.
    let (Some(item), [Ok(keys)]) = (items.first(), reply.items.as_slice()) else {
        let code = reply.items.into_iter().find_map(Result::err).unwrap_or(Code::Internal);
        return Err(items.first().map_or(Error::Refused(code).into(), |item| refusal(item, code)));
    };
    let mut text = String::with_capacity(ROOM);
    append_epoch(&mut text, item);
    append_keys(&mut text, keys, show_keys);
    let mut object = json!({ "group": group.to_string(), "generation": generation.get() });
    extend(&mut object, epoch_members(item));
    extend(&mut object, keys_object(keys, show_keys));
    Ok(Report::new(text, object))
}

/// Many epochs of one PGK, by one call. What is refused of them is told of
/// each, and by the exit code.
pub(super) fn receive_all(
    client: &mut Client,
    group: GroupId,
    generation: Generation,
    epochs: &[EpochName],
    show_keys: bool,
) -> Result<Report, Failure> {
    if epochs.len() > limit::BATCH {
        let text = format!("at most {} times --epoch: {} are given", limit::BATCH, epochs.len());
        return Err(Failure::Usage(text));
    }
    let items = items(client, group, generation, epochs)?;
    let reply = client.call(&Receive { items: items.clone() })?;
    if reply.items.len() != items.len() {
        return Err(Error::Refused(Code::Internal).into());
    }
    let mut text = String::with_capacity(ROOM);
    let mut exit_code = 0;
    let mut told = Vec::with_capacity(items.len());
    for (item, answer) in items.iter().zip(&reply.items) {
        append_epoch(&mut text, item);
        let mut object = json!({ "ok": answer.is_ok() });
        extend(&mut object, epoch_members(item));
        match answer {
            Ok(keys) => {
                append_keys(&mut text, keys, show_keys);
                extend(&mut object, keys_object(keys, show_keys));
            }
            Err(code) => {
                let failure = refusal(item, *code);
                let _ = writeln!(text, "  refused: {failure}");
                exit_code = failure.exit_code();
                let refusal = json!({ "code": failure.number(), "name": failure.name(), "message": failure.to_string() });
                if let Value::Object(members) = refusal {
                    extend(&mut object, members);
                }
            }
        }
        told.push(object);
    }
    let object = json!({
        "group": group.to_string(),
        "generation": generation.get(),
        "epochs": told,
    });
    Ok(Report::ended(exit_code, text, object))
}

/// Why an epoch was refused. All else that can be out of its range was read by
/// this program, so it is the salt.
fn refusal(item: &ReceiveItem, code: Code) -> Failure {
    match code {
        Code::OutOfRange if item.salt != EpochSalt::NONE => Failure::SaltUnused,
        code => Error::Refused(code).into(),
    }
}

/// What is asked for. An epoch without a salt is one of a profile that has
/// none; an error if this PGK's has.
fn items(
    client: &mut Client,
    group: GroupId,
    generation: Generation,
    epochs: &[EpochName],
) -> Result<Vec<ReceiveItem>, Failure> {
    if epochs.iter().any(|epoch| epoch.salt.is_none()) {
        check_unsalted(client, group, generation)?;
    }
    let item = |epoch: &EpochName| ReceiveItem {
        group,
        generation,
        sender: epoch.sender,
        ptk_id: epoch.ptk_id,
        salt: epoch.salt.unwrap_or(EpochSalt::NONE),
    };
    Ok(epochs.iter().map(item).collect())
}

fn check_unsalted(
    client: &mut Client,
    group: GroupId,
    generation: Generation,
) -> Result<(), Failure> {
    let pgks = pgks(&client.call(&Status)?, group)?;
    let pgk = pgks.iter().find(|pgk| pgk.generation == generation);
    let profile = pgk.ok_or(Error::Refused(Code::UnknownGeneration))?.profile;
    if profile.has_salt() {
        let text = format!("a salt is needed: profile {} has one in each epoch", profile.name());
        return Err(Failure::Usage(text));
    }
    Ok(())
}

fn append_epoch(text: &mut String, item: &ReceiveItem) {
    let _ = writeln!(
        text,
        "epoch of member {} in group {}\n  generation: {}\n  ptk id: {}\n  salt: {}",
        item.sender,
        item.group,
        item.generation,
        item.ptk_id,
        hex(&item.salt.0),
    );
}

fn epoch_members(item: &ReceiveItem) -> Map<String, Value> {
    Map::from_iter([
        ("sender".to_owned(), json!(item.sender.to_string())),
        ("ptk_id".to_owned(), json!(item.ptk_id.to_string())),
        ("salt".to_owned(), json!(hex(&item.salt.0))),
    ])
}

pub(super) fn admission(
    client: &mut Client,
    group: GroupId,
    generation: Generation,
    show_keys: bool,
) -> Result<Report, Failure> {
    let key = client.call(&Admission { group, generation })?.key;
    let mut text = format!("admission key of group {group}\n  generation: {generation}\n");
    text.reserve(ROOM);
    append_key(&mut text, "key", &key, show_keys);
    let mut object = json!({ "group": group.to_string(), "generation": generation.get() });
    extend(&mut object, key_members("key", &key, show_keys));
    Ok(Report::new(text, object))
}

/// The generation to send with, if none is named.
struct Choice {
    generation: Generation,
    /// Newer ones whose time has come too, in which nothing but the missing
    /// protection from rollback is in the way.
    passed_over: Vec<Generation>,
}

impl Choice {
    /// A key that was brought for sending is not left unused without a word.
    fn warning(&self, group: GroupId) -> Option<Warning> {
        let Self { generation, passed_over } = self;
        if passed_over.is_empty() {
            return None;
        }
        let passed_over: Vec<_> = passed_over.iter().map(Generation::to_string).collect();
        Some(Warning {
            fact: format!(
                "generation {} of group {group} is passed over, and {generation} is sent with",
                passed_over.join(", ")
            ),
            cause: Error::Refused(Code::RollbackUnprotected),
        })
    }
}

fn newest(client: &mut Client, group: GroupId) -> Result<Choice, Error> {
    let status = client.call(&Status)?;
    let now = seconds(SystemTime::now()).unwrap_or(0).max(status.floor);
    choose(&pgks(&status, group)?, now).ok_or(Error::Refused(Code::UnknownGeneration))
}

/// The newest generation that may be sent with and whose time has come, by the
/// later of the TA's time and the local clock; else the newest that is held.
fn choose(pgks: &[PgkStatus], now: u64) -> Option<Choice> {
    let in_time = |pgk: &&PgkStatus| pgk.state == PgkState::Held && pgk.not_before <= now;
    let sends = pgks.iter().filter(in_time).filter(|pgk| !pgk.rollback_unprotected);
    let Some(newest) = sends.map(|pgk| pgk.generation).max() else {
        let generation = pgks.iter().map(|pgk| pgk.generation).max()?;
        return Some(Choice { generation, passed_over: Vec::new() });
    };
    let newer = pgks.iter().filter(in_time).filter(|pgk| pgk.generation > newest);
    Some(Choice { generation: newest, passed_over: newer.map(|pgk| pgk.generation).collect() })
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

#[cfg(test)]
mod tests {
    use proseal_client::sim::Machine;
    use proseal_proto::content::{Content, Group, Label, Pgk, Policy};
    use proseal_proto::id::{DeviceId, MemberId, PgkId, PtkId};
    use proseal_proto::profile::{Profile, Suite};
    use proseal_proto::test_command::{Install, Scope};

    use super::*;

    const NOW: u64 = 1_767_225_600;

    const GROUP: GroupId = GroupId::from_octets([0x0a, 0x0b, 0x0c]);

    /// A device that holds generation 1 of a profile without a salt.
    fn unsalted() -> Client {
        let policy = Policy {
            not_before: NOW,
            not_after: NOW + 60,
            profile: Profile::Ts33303,
            suite: Suite::ThreeGpp,
            label: Label::EMPTY,
            epoch_s: 1,
            epoch_packets: 1,
            receive_grace_s: 0,
            send_grace_s: 0,
            max_unsynced_s: 0,
            accept_rollback: false,
        };
        let pgk = Pgk {
            generation: Generation::FIRST,
            id: PgkId(1),
            key: &[7; 32],
            is_root: false,
            policy,
        };
        let member = MemberId::from_octets([0, 0, 1]);
        let group = Group { group: GROUP, member, next: 1, may_send: true, pgks: vec![pgk] };
        let content = Content {
            device: DeviceId::NONE,
            sequence: 1,
            time: NOW,
            start_nonce: None,
            groups: vec![group],
        };
        let mut octets = Vec::new();
        content.encode(&mut octets);
        let mut client = Client::new(Machine::start_test_build(Default::default(), 1));
        client.call(&Install { scope: Scope::Whole, content: &octets }).ok().unwrap();
        client
    }

    fn epoch(salt: Option<EpochSalt>) -> EpochName {
        EpochName { sender: MemberId::from_octets([0, 0, 2]), ptk_id: PtkId::new(1).unwrap(), salt }
    }

    #[test]
    fn a_salt_that_the_profile_has_none_of_is_named() {
        let mut client = unsalted();
        let salted = epoch(Some(EpochSalt([9; 8])));
        let told = "a salt is given, and the PGK's profile has none";
        let failure = receive(&mut client, GROUP, Generation::FIRST, salted, false).err().unwrap();
        assert_eq!((failure.to_string().as_str(), failure.exit_code()), (told, 3));
        assert_eq!((failure.name(), failure.number()), ("out_of_range", 0x106));
        assert!(failure.hint().contains("leave the salt out"));

        let all = [salted, epoch(None), epoch(Some(EpochSalt::NONE))];
        let report = receive_all(&mut client, GROUP, Generation::FIRST, &all, false).ok().unwrap();
        assert_eq!(report.exit_code(), 3);
        let text = report.text();
        assert_eq!(text.matches("refused").count(), 1);
        assert!(text.contains(&format!("  refused: {told}\n")), "{text}");
    }

    fn held(generation: u64) -> PgkStatus {
        PgkStatus {
            generation: Generation::new(generation).unwrap(),
            pgk_id: PgkId(generation as u8),
            profile: Profile::HkdfSha256,
            suite: Suite::ThreeGpp,
            state: PgkState::Held,
            not_before: NOW,
            not_after: NOW + 60,
            receive_grace_s: 0,
            send_grace_s: 0,
            max_unsynced_s: 0,
            rollback_unprotected: false,
            epochs_left: u16::MAX,
        }
    }

    fn unprotected(generation: u64) -> PgkStatus {
        PgkStatus { profile: Profile::Ts33303, rollback_unprotected: true, ..held(generation) }
    }

    #[test]
    fn what_is_newer_and_not_sent_with_is_named_where_only_rollback_is_in_the_way() {
        let later = PgkStatus { not_before: NOW + 1, ..held(9) };
        let receive_only = PgkStatus { state: PgkState::ReceiveOnly, ..unprotected(8) };
        for (pgks, chosen, passed_over) in [
            (vec![held(1), held(2)], 2, vec![]),
            (vec![held(1), unprotected(2)], 1, vec![2]),
            (vec![held(1), unprotected(2), unprotected(3)], 1, vec![2, 3]),
            // Not newer, not its turn yet, not for sending anyway.
            (vec![unprotected(1), held(2), receive_only, later], 2, vec![]),
            // What is not sent with is refused by the TA, by this very name.
            (vec![unprotected(1), unprotected(2)], 2, vec![]),
            (vec![receive_only, later], 9, vec![]),
        ] {
            let choice = choose(&pgks, NOW).unwrap();
            let generations = choice.passed_over.iter().map(|generation| generation.get());
            assert_eq!(
                (choice.generation.get(), generations.collect::<Vec<_>>()),
                (chosen, passed_over)
            );
        }
        assert!(choose(&[], NOW).is_none());
    }

    #[test]
    fn the_warning_says_which_why_and_what_to_do() {
        let choice = choose(&[held(1), unprotected(2), unprotected(3)], NOW).unwrap();
        let warning = choice.warning(GROUP).unwrap();
        assert_eq!(
            warning.to_string(),
            "generation 2, 3 of group 0a0b0c is passed over, and 1 is sent with: without an \
             epoch salt, sending is for storage that cannot be rolled back"
        );
        assert!(warning.hint().contains("whose policy accepts it"));
        assert!(choose(&[held(1)], NOW).unwrap().warning(GROUP).is_none());
    }
}
