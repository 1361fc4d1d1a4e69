//! No PTK Id of a PGK is given out twice, whatever fails and whenever the TA
//! restarts.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proseal_proto::error::Code;
use proseal_proto::test_command::Scope;
use proseal_ta::sim::Fault;

use crate::fixture::{Device, generations};

/// PTK Ids reserved with one write.
const BLOCK: u16 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A new epoch of this generation, if it is held.
    Send(u64),
    /// A content with this generation and the one below.
    Install(u64, Scope),
    Restart,
    Fault(Fault),
    RandomFails(bool),
}

/// A device, and the highest PTK Id that each generation has given out.
struct Watched {
    device: Device,
    sequence: u64,
    last: BTreeMap<u64, u16>,
}

impl Watched {
    fn new() -> Self {
        Self { device: Device::new(), sequence: 0, last: BTreeMap::new() }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Restart => self.device.restart(),
            Step::Fault(fault) => self.device.fault(fault),
            Step::RandomFails(fails) => self.device.medium().random_fails = fails,
            Step::Install(generation, scope) => {
                self.sequence += 1;
                let mut content = generations(self.sequence, &[generation, generation + 1]);
                content.groups[0].next = 1;
                let _ = self.device.install(scope, &content);
            }
            Step::Send(generation) => {
                if let Ok(id) = self.device.ptk_id(generation) {
                    let last = self.last.insert(generation, id);
                    assert!(last < Some(id), "{id} after {last:?} of generation {generation}");
                }
            }
        }
    }
}

/// Two generations, with enough epochs of each to need several blocks.
fn script() -> Vec<Step> {
    let mut script = vec![Step::Install(1, Scope::Whole)];
    script.extend([Step::Send(1); 3]);
    script.push(Step::Install(2, Scope::Added));
    script.extend([Step::Send(2); 66]);
    script.extend([Step::Send(1); 2]);
    script.push(Step::Install(2, Scope::Whole));
    script.extend([Step::Send(2); 2]);
    script
}

#[test]
fn no_id_comes_twice_whichever_step_fails_and_wherever_it_restarts() {
    let script = script();
    for fault in [Fault::None, Fault::WriteFails, Fault::WriteLies, Fault::Full] {
        for failing in 0..script.len() {
            // A restart right after the failure, later, or while it lasts.
            for (cleared, restart) in [(1, 1), (1, 2), (2, 1), (2, 3)] {
                let mut watched = Watched::new();
                for (at, step) in script.iter().enumerate() {
                    if at == failing {
                        watched.take(Step::Fault(fault));
                    }
                    if at == failing + cleared {
                        watched.take(Step::Fault(Fault::None));
                    }
                    if at == failing + restart {
                        watched.take(Step::Restart);
                    }
                    watched.take(*step);
                }
            }
        }
    }
}

#[test]
fn a_restart_costs_at_most_a_block() {
    let mut device = Device::enrolled();
    assert_eq!(device.ptk_id(1), Ok(1));
    device.restart();
    assert_eq!(device.ptk_id(1), Ok(BLOCK + 1));
    device.restart();
    assert_eq!(device.ptk_id(1), Ok(2 * BLOCK + 1));
}

#[test]
fn a_restart_without_a_send_costs_nothing() {
    let mut device = Device::enrolled();
    assert_eq!(device.ptk_id(1), Ok(1));
    for _ in 0..5 {
        device.restart();
        assert_eq!(device.receives(1), Ok(()));
    }
    assert_eq!(device.ptk_id(1), Ok(BLOCK + 1));
}

#[test]
fn only_the_first_epoch_of_a_block_writes() {
    let mut device = Device::enrolled();
    let before = device.medium().writes;
    for id in 1..=BLOCK {
        assert_eq!(device.ptk_id(1), Ok(id));
    }
    assert_eq!(device.medium().writes, before + 1);
    assert_eq!(device.ptk_id(1), Ok(BLOCK + 1));
    assert_eq!(device.medium().writes, before + 2);
}

#[test]
fn a_block_that_could_not_be_reserved_gives_no_id() {
    let mut device = Device::enrolled();
    for fault in [Fault::WriteFails, Fault::WriteLies] {
        device.fault(fault);
        assert_eq!(device.ptk_id(1), Err(Code::StoreFailed));
        device.fault(Fault::None);
    }
    assert_eq!(device.ptk_id(1), Ok(1), "none was given, so none is lost");
}

#[test]
fn all_65535_ids_are_given_and_then_none() {
    let mut device = Device::enrolled();
    for id in 1..=u16::MAX {
        assert_eq!(device.ptk_id(1), Ok(id));
    }
    assert_eq!(device.ptk_id(1), Err(Code::EpochsExhausted));
    assert_eq!(device.status().groups[0].pgks[0].epochs_left, 0);
    device.restart();
    assert_eq!(device.ptk_id(1), Err(Code::EpochsExhausted));
    assert_eq!(device.receives(1), Ok(()), "receiving goes on");
}

fn step() -> impl Strategy<Value = Step> {
    let faults = vec![Fault::None, Fault::WriteFails, Fault::WriteLies, Fault::Full];
    prop_oneof![
        8 => (1..8_u64).prop_map(Step::Send),
        3 => (1..7_u64, any::<bool>()).prop_map(|(generation, whole)| {
            Step::Install(generation, if whole { Scope::Whole } else { Scope::Added })
        }),
        2 => Just(Step::Restart),
        2 => select(faults).prop_map(Step::Fault),
        2 => Just(Step::Fault(Fault::None)),
        1 => any::<bool>().prop_map(Step::RandomFails),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_id_comes_twice_in_any_history(steps in vec(step(), 1..150)) {
        let mut watched = Watched::new();
        watched.take(Step::Install(1, Scope::Whole));
        for step in steps {
            watched.take(step);
        }
    }

    #[test]
    fn what_was_answered_holds_after_a_restart(steps in vec(step(), 1..60)) {
        let mut watched = Watched::new();
        watched.take(Step::Install(1, Scope::Whole));
        for step in steps {
            watched.take(step);
        }
        watched.take(Step::Fault(Fault::None));
        watched.take(Step::RandomFails(false));
        // Settles: the medium now surely has what the device says.
        let _ = watched.device.receives(1);
        let before = watched.device.held();
        watched.device.restart();
        prop_assert_eq!(watched.device.held(), before);
    }
}
