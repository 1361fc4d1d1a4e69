//! Histories in which the TA and the model once differed, as short as they are.

use proseal_proto::role::Role;

use crate::ask::{Ask, Heard};
use crate::content::{Content, Entry, Flaw, Nonce, Wanted};
use crate::derive::Epoch;
use crate::history::History;
use crate::life::Terms;
use crate::step::Step;

/// A content with one group and one PGK.
pub(crate) fn content(sequence: u64, generation: u64) -> Content {
    let entry = Entry {
        generation,
        pgk_id: generation as u16,
        key: [generation as u8; 32],
        is_root: false,
        profile: 1,
        suite: 1,
        label: "field".to_owned(),
        terms: Terms {
            not_before: 1000,
            not_after: 5000,
            epoch_s: 60,
            epoch_packets: 1000,
            receive_grace_s: 600,
            send_grace_s: 300,
            max_unsynced_s: 0,
            accept_rollback: false,
        },
    };
    let group =
        Wanted { group: 7, member: 1, next: generation, may_send: true, entries: vec![entry] };
    Content {
        device: [0; 16],
        sequence,
        time: 2000,
        nonce: Nonce::Absent,
        groups: vec![group],
        flaw: Flaw::None,
    }
}

fn agree(steps: &[Step]) {
    let mut history = History::new();
    for step in steps {
        history.take(step).unwrap_or_else(|difference| panic!("{step:?}: {difference}"));
    }
}

fn installed() -> Step {
    let ask = Ask::Install { whole: true, content: content(1, 1) };
    Step::Ask { role: Role::Administrator, ask }
}

fn send() -> Step {
    Step::Ask { role: Role::Daemon, ask: Ask::Send { group: 7, generation: 1 } }
}

/// The TA refused all of a batch of which one item was malformed.
#[test]
fn a_malformed_item_is_refused_alone() {
    let heard = |generation, ptk_id| Heard {
        group: 7,
        generation,
        epoch: Epoch { sender: 2, ptk_id, salt: [9; 8] },
    };
    let items = vec![heard(1, 1), heard(1, 0), heard(0, 1), heard((1 << 48) + 1, 1), heard(1, 2)];
    agree(&[installed(), Step::Ask { role: Role::Daemon, ask: Ask::Receive(items) }]);
}

/// The TA drew the salt first, and answered `internal`.
#[test]
fn exhausted_epochs_are_refused_before_anything_is_drawn() {
    let burn = Step::Burn { group: 7, generation: 1, starts: 1100 };
    agree(&[installed(), burn, Step::Random { fails: true }, send()]);
}
