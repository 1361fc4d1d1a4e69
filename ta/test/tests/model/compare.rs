//! Whether an answer is the right one: everything in it, exactly.

use std::fmt::Debug;

use proseal_proto::PROTO_VERSION;
use proseal_proto::key::KeyPair;
use proseal_proto::limit::{BATCH, GROUPS, PGKS, REQUEST_MAX, RESPONSE_MAX};
use proseal_proto::message::{SendReply, StatusReply, VersionReply};

use crate::ask::{Expected, Sent, Start};
use crate::derive::{self, Epoch, Keys};
use crate::device::Actual;

/// An error says what differs.
pub(crate) fn compare(expected: &Expected, actual: &Actual, start: &Start) -> Result<(), String> {
    match (expected, actual) {
        (Expected::Refused(codes), Actual::Refused(code)) if codes.contains(code) => Ok(()),
        (Expected::Version(level), Actual::Version(reply)) => version(*level, reply),
        (Expected::Status(right), Actual::Status(reply)) => status(right, reply, start),
        (Expected::Sent(right), Actual::Sent(reply)) => sent(right, reply),
        (Expected::Received(right), Actual::Received(reply)) => {
            equal("items", &right.len(), &reply.items.len())?;
            right.iter().zip(&reply.items).try_for_each(|(right, item)| match (right, item) {
                (Ok(right), Ok(pair)) => keys(right, pair),
                (Err(right), Err(code)) => equal("an item's code", right, code),
                (Ok(_), Err(code)) => Err(format!("an item is refused: {code}")),
                (Err(code), Ok(_)) => Err(format!("an item has keys, not {code}")),
            })
        }
        (Expected::Admission(right), Actual::Admission(reply)) => {
            equal("the admission key", right, reply.key.expose())
        }
        (Expected::Events(right), Actual::Events(reply)) => {
            right
                .events
                .iter()
                .zip(&reply.events)
                .try_for_each(|(right, event)| equal("an event", right, event))?;
            let both = right.events.len().min(reply.events.len());
            equal("the last events", &right.events[both..], &reply.events[both..])?;
            equal("the next event", &right.next, &reply.next)
        }
        (Expected::Outcome(right), Actual::Outcome(outcome)) => equal("outcome", right, outcome),
        (Expected::Done, Actual::Done) | (Expected::Nothing, Actual::Nothing) => Ok(()),
        (Expected::Echo, Actual::Echo(reply)) => {
            let (head, tail) = reply.octets.split_at(26);
            let right = head.iter().all(|&octet| octet == 7) && tail.iter().all(|&o| o == 0);
            equal("echo", &true, &right)
        }
        (expected, actual) => Err(format!("{} instead of {expected:?}", name(actual))),
    }
}

fn version(rollback_protection: u16, reply: &VersionReply) -> Result<(), String> {
    let right = VersionReply {
        proto: PROTO_VERSION,
        ta_version: reply.ta_version,
        build: VersionReply::TEST_BUILD,
        groups: GROUPS as u16,
        pgks: PGKS as u16,
        batch: BATCH as u16,
        request_max: REQUEST_MAX as u32,
        response_max: RESPONSE_MAX as u32,
        rollback_protection,
    };
    equal("version", &right, reply)
}

fn status(right: &StatusReply, reply: &StatusReply, start: &Start) -> Result<(), String> {
    if let Some(nonce) = start.nonce {
        equal("start nonce", &nonce, &reply.start_nonce)?;
    }
    let right =
        StatusReply { start_nonce: reply.start_nonce, refusals: start.refusals, ..right.clone() };
    equal("status", &right, reply)
}

fn sent(right: &Sent, reply: &SendReply) -> Result<(), String> {
    let Sent { member, ptk_id, pgk } = right;
    let (policy, terms) = (&pgk.policy, &pgk.terms);
    equal("generation", &policy.generation, &reply.generation.get())?;
    equal("PGK Id", &policy.pgk_id, &reply.pgk_id.0)?;
    equal("member", &member.to_be_bytes()[1..], &reply.member.octets()[..])?;
    equal("PTK Id", ptk_id, &reply.ptk_id.get())?;
    equal("suite", &policy.suite, &reply.suite.number())?;
    equal("not after", &terms.not_after, &reply.not_after)?;
    equal("longest epoch", &terms.epoch_s, &reply.epoch_s)?;
    equal("most packets", &terms.epoch_packets, &reply.epoch_packets)?;
    equal("a salt", &policy.has_salt(), &(reply.salt.0 != [0; 8]))?;
    let epoch = Epoch { sender: *member, ptk_id: *ptk_id, salt: reply.salt.0 };
    keys(&derive::keys(&pgk.key, policy, &epoch), &reply.keys)
}

fn keys((ik, ck): &Keys, pair: &KeyPair) -> Result<(), String> {
    equal("IK", ik, pair.ik.expose())?;
    equal("CK", ck, pair.ck.expose())
}

fn equal<T: PartialEq + Debug + ?Sized>(what: &str, right: &T, actual: &T) -> Result<(), String> {
    if right == actual {
        Ok(())
    } else {
        Err(format!("{what} differs (- is right, + was answered):\n{}", lines(right, actual)))
    }
}

/// The lines that differ, as far as each stands in the other's place.
fn lines(right: &(impl Debug + ?Sized), actual: &(impl Debug + ?Sized)) -> String {
    let all = format!("- {right:?}\n+ {actual:?}");
    let (right, actual) = (format!("{right:#?}"), format!("{actual:#?}"));
    if right.lines().count() != actual.lines().count() {
        return all;
    }
    let pairs = right.lines().zip(actual.lines()).filter(|(right, actual)| right != actual);
    pairs.map(|(right, actual)| format!("- {right}\n+ {actual}\n")).collect()
}

/// What it is, in few words.
pub(crate) fn name(actual: &Actual) -> String {
    match actual {
        Actual::Nothing => "no response".to_owned(),
        Actual::Refused(code) => format!("refusal {code}"),
        Actual::Version(_) => "a version".to_owned(),
        Actual::Status(_) => "a status".to_owned(),
        Actual::Sent(_) => "an epoch to send with".to_owned(),
        Actual::Received(_) => "keys to receive with".to_owned(),
        Actual::Admission(_) => "an admission key".to_owned(),
        Actual::Events(_) => "events".to_owned(),
        Actual::Outcome(outcome) => format!("outcome {}", outcome.name()),
        Actual::Done => "done".to_owned(),
        Actual::Echo(_) => "an echo".to_owned(),
    }
}

/// What is in it, by kind: for the count of what was seen.
pub(crate) fn contents(actual: &Actual) -> Vec<String> {
    let mut contents = vec![name(actual)];
    match actual {
        Actual::Sent(reply) if reply.salt.0 == [0; 8] => {
            contents.push("an epoch without a salt".to_owned());
        }
        Actual::Received(reply) => {
            let items = reply.items.iter().map(|item| match item {
                Ok(_) => "an item with keys".to_owned(),
                Err(code) => format!("an item {code}"),
            });
            contents.extend(items);
        }
        Actual::Events(reply) => {
            contents
                .extend(reply.events.iter().map(|event| format!("event {}", event.kind.name())));
        }
        Actual::Status(reply) => {
            contents.push(format!("device {}", reply.state.name()));
            let pgks = reply.groups.iter().flat_map(|group| &group.pgks);
            contents.extend(pgks.map(|pgk| format!("a PGK {}", pgk.state.name())));
        }
        _ => {}
    }
    contents
}
