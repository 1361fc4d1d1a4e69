//! States that no device would take are not sealed.

use proseal_issuer::{DesiredState, Error, Package, StateError};
use proseal_proto::content::Label;
use proseal_proto::id::PgkId;
use proseal_proto::profile::{Profile, Suite};

use crate::fixture::{device, generation, group, group_id, pgk, random, signer, state, trust};

/// Why the good state with one change is not sealed.
fn refused(change: impl FnOnce(&mut DesiredState)) -> StateError {
    let mut state = state();
    assert_eq!(state.check(), Ok(()));
    change(&mut state);
    match Package::seal(&signer(), device().keys(), &state, &mut random()) {
        Err(Error::State(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_bound_has_its_error() {
    let (g, one, two) = (group_id(0x0a_0b0c), generation(1), generation(2));
    let policy = |change: fn(&mut proseal_proto::content::Policy)| {
        move |s: &mut DesiredState| change(&mut s.groups[0].pgks[0].policy)
    };
    assert_eq!(refused(|s| s.sequence = 0), StateError::NoSequence);
    assert_eq!(
        refused(|s| s.groups = (0..17).map(|id| group(id, vec![])).collect()),
        StateError::TooManyGroups { count: 17 }
    );
    assert_eq!(
        refused(|s| s.groups.push(group(0x0a_0b0c, vec![]))),
        StateError::GroupTwice { group: g }
    );
    assert_eq!(
        refused(|s| s.groups[0].pgks = (1..6).map(|n| pgk(n.into(), n, n)).collect()),
        StateError::TooManyPgks { group: g, count: 5 }
    );
    assert_eq!(
        refused(|s| s.groups[0].pgks[1].generation = one),
        StateError::GenerationTwice { group: g, generation: one }
    );
    assert_eq!(
        refused(|s| s.groups[0].next = two),
        StateError::BelowNext { group: g, generation: one, next: two }
    );
    assert_eq!(
        refused(policy(|p| p.not_after = p.not_before)),
        StateError::Window { group: g, generation: one }
    );
    let empty = StateError::EmptyEpoch { group: g, generation: one };
    assert_eq!(refused(policy(|p| p.epoch_s = 0)), empty);
    assert_eq!(refused(policy(|p| p.epoch_packets = 0)), empty);
    assert_eq!(
        refused(policy(|p| p.profile = Profile::Ts33303)),
        StateError::Suite { profile: Profile::Ts33303, suite: Suite::Aead }
    );
    assert_eq!(
        refused(policy(|p| {
            (p.profile, p.suite) = (Profile::Ts33303, Suite::ThreeGpp);
            p.label = Label::new("x").unwrap();
        })),
        StateError::LabelUnused { profile: Profile::Ts33303 }
    );
    assert_eq!(
        refused(|s| s.groups[0].pgks[1].id = PgkId(0x21)),
        StateError::IndexClash { group: g, one: PgkId(1), other: PgkId(0x21) }
    );
    assert_eq!(
        refused(|s| s.groups.push(group(1, vec![pgk(5, 5, 0xa2)]))),
        StateError::KeyRepeated { group: group_id(1), generation: generation(5) }
    );
}

#[test]
fn a_root_serves_several_groups_and_one_generation_of_each() {
    let root = |number, id| {
        let mut pgk = pgk(number, id, 0xee);
        pgk.is_root = true;
        pgk
    };
    let mut both = state();
    both.groups = vec![group(2, vec![root(1, 1)]), group(1, vec![root(1, 1)])];
    let package = Package::seal(&signer(), device().keys(), &both, &mut random()).unwrap();
    let opened = device().open(&Package::verify(package.octets(), &trust()).unwrap()).unwrap();
    let order: Vec<_> = opened.groups.iter().map(|group| group.group).collect();
    assert_eq!(order, [group_id(1), group_id(2)], "groups are sealed in order");
    let error = refused(|s| s.groups = vec![group(1, vec![root(1, 1), root(2, 2)])]);
    assert_eq!(error.name(), "key_repeated");
    let mut plain = root(1, 1);
    plain.is_root = false;
    let error = refused(|s| s.groups = vec![group(1, vec![root(1, 1)]), group(2, vec![plain])]);
    assert_eq!(error.name(), "key_repeated");
}
