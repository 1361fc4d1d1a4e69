use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// A group without generations.
const EMPTY: Timeline = Timeline { spans: Vec::new(), next: 1, last: 0, last_id: PgkId(0) };
/// The most future generations: besides them a device holds the one in use and the one
/// before.
const AHEAD_MAX: usize = limit::PGKS - 2;
const T: u64 = 1_800_000_000;
const DAY: u64 = 86_400;
const TERMS: Terms = Terms { lifetime_s: 30 * DAY, overlap_s: DAY, grace_s: 3600, ahead: 1 };

fn begun(terms: &Terms) -> Timeline {
    let mut timeline = EMPTY;
    timeline.extend(terms, T).unwrap();
    timeline
}

fn numbers(timeline: &Timeline, now: u64) -> Vec<u64> {
    timeline.live(now).map(|span| span.generation.get()).collect()
}

#[test]
fn a_new_group_has_one_generation_in_use_and_those_ahead() {
    for ahead in 0..=AHEAD_MAX {
        let timeline = begun(&Terms { ahead, ..TERMS });
        assert_eq!(timeline.spans.len(), 1 + ahead);
        assert_eq!(timeline.current(T).map(|span| span.generation.get()), Some(T));
    }
}

#[test]
fn a_generation_ends_an_overlap_after_the_next_began() {
    let timeline = begun(&TERMS);
    assert_eq!(timeline.spans[1].not_before, T + TERMS.lifetime_s);
    assert_eq!(timeline.spans[0].not_after, timeline.spans[1].not_before + TERMS.overlap_s);
}

#[test]
fn a_rotation_begins_the_one_that_members_hold_already() {
    let mut timeline = begun(&TERMS);
    let now = T + 10 * DAY;
    timeline.rotate(&TERMS, now).unwrap();
    assert_eq!(numbers(&timeline, now), [T, T + 1, now]);
    let [old, new, future] = &timeline.spans[..] else { panic!("{timeline:?}") };
    assert_eq!((new.not_before, old.not_after), (now, now + TERMS.overlap_s));
    assert_eq!(future.not_before, now + TERMS.lifetime_s);
    assert_eq!(timeline.current(now), Some(new));
}

#[test]
fn to_begin_anew_withdraws_what_members_hold_of_the_future() {
    let mut timeline = begun(&Terms { ahead: 2, ..TERMS });
    timeline.begin_anew(&Terms { ahead: 2, ..TERMS }, T + DAY).unwrap();
    assert_eq!(numbers(&timeline, T + DAY), [T, T + DAY, T + DAY + 1, T + DAY + 2]);
    assert_eq!(timeline.current(T + DAY).map(|span| span.generation.get()), Some(T + DAY));
}

#[test]
fn a_rotation_never_lengthens_what_was_in_use() {
    let mut timeline = begun(&Terms { ahead: 0, ..TERMS });
    let end = timeline.spans[0].not_after;
    timeline.rotate(&TERMS, end - 60).unwrap();
    assert_eq!(timeline.spans[0].not_after, end);
}

#[test]
fn a_replacement_is_above_all_that_was_given_future_ones_too() {
    let mut timeline = begun(&Terms { ahead: 2, ..TERMS });
    timeline.replace(&TERMS, T).unwrap();
    assert_eq!(timeline.next, T + 3);
    assert_eq!(numbers(&timeline, T), [T + 3, T + 4]);
    assert_eq!(timeline.current(T).map(|span| span.generation.get()), Some(T + 3));
}

#[test]
fn a_replacement_is_also_above_what_a_lost_database_may_have_given() {
    let mut timeline = begun(&TERMS);
    // Others were made since, up to a second ago, of which this one knows nothing.
    timeline.replace(&TERMS, T + DAY).unwrap();
    assert_eq!(timeline.next, T + DAY);
}

#[test]
fn what_a_lost_database_gave_is_unknown_until_a_replacement() {
    let mut timeline = begun(&TERMS);
    assert!(!timeline.has_unknown(1));
    let bar = timeline.last + 1;
    assert!(timeline.has_unknown(bar));
    timeline.begin_anew(&TERMS, T + DAY).unwrap();
    assert!(timeline.has_unknown(bar));
    timeline.replace(&TERMS, T + DAY).unwrap();
    assert!(!timeline.has_unknown(bar));
}

#[test]
fn an_extension_is_due_before_members_are_without_a_key() {
    let timeline = begun(&TERMS);
    assert!(!timeline.is_extension_due(&TERMS, T + TERMS.lifetime_s - 1));
    assert!(timeline.is_extension_due(&TERMS, T + TERMS.lifetime_s));
    let terms = Terms { ahead: 0, ..TERMS };
    let timeline = begun(&terms);
    let due = timeline.spans[0].not_after - terms.lifetime_s / 10;
    assert!(!timeline.is_extension_due(&terms, due - 1) && timeline.is_extension_due(&terms, due));
}

#[test]
fn too_many_rotations_at_once_are_refused_with_when_it_goes_on() {
    let mut timeline = begun(&TERMS);
    timeline.rotate(&TERMS, T + 1).unwrap();
    timeline.rotate(&TERMS, T + 2).unwrap();
    let closes = T + 1 + TERMS.overlap_s + TERMS.grace_s;
    assert_eq!(
        timeline.clone().rotate(&TERMS, T + 3),
        Err(Refusal::TooManyOpen { open: 5, closes })
    );
    assert_eq!(timeline.rotate(&TERMS, closes + 1), Ok(()));
}

#[test]
fn an_index_of_an_ended_generation_rests_while_there_are_others() {
    let mut timeline = begun(&TERMS);
    for n in 1..16 {
        timeline.replace(&TERMS, T + n).unwrap();
    }
    let indexes: HashSet<_> = timeline.spans.iter().map(|span| span.id.index()).collect();
    assert_eq!((timeline.spans.len(), indexes.len()), (32, 32));
}

#[test]
fn a_replacement_is_possible_also_when_all_indexes_are_taken() {
    let mut timeline = begun(&TERMS);
    for n in 1..100 {
        timeline.replace(&TERMS, T + n).unwrap();
        let live: Vec<_> = timeline.live(T + n).map(|span| span.id.index()).collect();
        assert_eq!(live.iter().collect::<HashSet<_>>().len(), live.len());
    }
}

#[test]
fn after_the_last_generation_there_is_none() {
    let mut timeline = Timeline { last: proseal_proto::limit::GENERATION, ..EMPTY };
    assert_eq!(timeline.extend(&TERMS, T), Err(Refusal::NoGeneration));
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Rotate,
    Extend,
    Anew,
    Replace,
}

fn acts() -> impl Strategy<Value = Vec<(Act, u64)>> {
    let act =
        prop_oneof![Just(Act::Rotate), Just(Act::Extend), Just(Act::Anew), Just(Act::Replace)];
    let pause = prop_oneof![0_u64..3, 0..DAY, 0..40 * DAY];
    prop::collection::vec((act, pause), 1..40)
}

proptest! {
    /// What must hold whatever an operator does, and when.
    #[test]
    fn a_timeline_keeps_its_promises(
        acts in acts(),
        ahead in 0..=AHEAD_MAX,
        overlap_s in prop_oneof![Just(0), 0..2 * DAY],
    ) {
        let terms = Terms { ahead, overlap_s, ..TERMS };
        let mut timeline = begun(&terms);
        let (mut now, mut was_full) = (T, false);
        for (act, pause) in acts {
            now += pause;
            let before = timeline.clone();
            let done = match act {
                Act::Rotate => timeline.rotate(&terms, now),
                Act::Extend => timeline.extend(&terms, now),
                Act::Anew => timeline.begin_anew(&terms, now),
                Act::Replace => timeline.replace(&terms, now),
            };
            if done.is_err() {
                // The caller's transaction is not committed.
                timeline = before;
                continue;
            }
            // Numbers only grow, and none is used twice.
            prop_assert!(timeline.spans.is_sorted_by(|a, b| a.generation < b.generation));
            prop_assert!(timeline.last >= before.last && timeline.next >= before.next);
            // What is there stays what it is.
            for (old, new) in before.spans.iter().zip(&timeline.spans) {
                prop_assert_eq!((old.generation, old.id), (new.generation, new.id));
                prop_assert!(new.not_before < new.not_after);
                // What was in use is never used longer than was said.
                if old.not_before <= now {
                    prop_assert!(new.not_after <= old.not_after);
                    prop_assert_eq!(old.not_before, new.not_before);
                }
            }
            // An index names one of those that packages bring, and of all that are open
            // as long as there are enough.
            let indexes = |spans: &[&Span]| {
                spans.iter().map(|span| span.id.index()).collect::<HashSet<_>>().len()
            };
            let live: Vec<_> = timeline.live(now).collect();
            prop_assert_eq!(indexes(&live), live.len());
            let open: Vec<_> = timeline.spans.iter().filter(|span| span.is_open(now)).collect();
            was_full |= open.len() > usize::from(INDEXES);
            prop_assert!(was_full || indexes(&open) == open.len());
            // There is always one in use, as many ahead as were asked for, and room.
            prop_assert!(timeline.current(now).is_some());
            let future = timeline.live(now).filter(|span| span.not_before > now).count();
            prop_assert!(future >= ahead);
            prop_assert!(timeline.live(now).count() <= limit::PGKS);
            if let Act::Anew = act {
                let current = timeline.current(now).map(|span| span.generation.get());
                prop_assert!(current > Some(before.last));
            }
            if let Act::Replace = act {
                prop_assert!(timeline.next > before.last);
                prop_assert!(timeline.live(now).all(|span| span.generation.get() > before.last));
            }
        }
    }
}
