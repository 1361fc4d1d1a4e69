//! Many short histories, and the shortest form of one that fails.

use std::collections::BTreeMap;
use std::env;
use std::str::FromStr;

use proseal_proto::error::Code;
use proseal_proto::message::{EventKind, Outcome};

use crate::draw::Draw;
use crate::history::History;
use crate::random::Random;
use crate::step::Step;

const SEED: u64 = 20_260_801;
const STEPS: usize = 100_000;

#[test]
fn the_ta_and_the_model_agree_on_every_answer() {
    let seed = from_env("PROSEAL_MODEL_SEED", SEED);
    let steps = from_env("PROSEAL_MODEL_STEPS", STEPS);
    println!("seed {seed}, {steps} steps");
    let mut seeds = Random::new(seed);
    let (mut taken, mut histories) = (0, 0);
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    while taken < steps {
        let mut draw = Draw::new(seeds.next());
        let length = 50 + seeds.below(351) as usize;
        let mut history = History::new();
        let mut steps = Vec::new();
        for at in 0..length {
            steps.push(if at == 0 { draw.protection() } else { draw.step(&history) });
            if let Err(difference) = history.take(steps.last().expect("just drawn")) {
                fail(seed, taken + steps.len(), &steps, &difference);
            }
        }
        taken += length;
        histories += 1;
        for (what, times) in history.seen {
            *seen.entry(what).or_default() += times;
        }
    }
    println!("{taken} steps in {histories} histories");
    for (what, times) in &seen {
        println!("{times:8} {what}");
    }
    if taken >= STEPS {
        let unseen: Vec<String> =
            everything().into_iter().filter(|what| !seen.contains_key(what)).collect();
        assert!(unseen.is_empty(), "never answered, so nothing is said of it: {unseen:?}");
    }
}

/// What a long run has to meet.
fn everything() -> Vec<String> {
    // Whose member it is is said of an item, never of a whole command. The model has
    // no packages: from `malformed` on, the codes are those of what is signed.
    let signed = Code::Malformed.number()..=Code::NotOpened.number();
    let refusals = Code::ALL
        .iter()
        .filter(|code| **code != Code::OwnMember && !signed.contains(&code.number()));
    let refusals = refusals.map(|code| format!("refusal {code}"));
    let items = [
        Code::UnknownGroup,
        Code::UnknownGeneration,
        Code::Suspended,
        Code::GenerationEnded,
        Code::OwnMember,
        Code::OutOfRange,
    ];
    let items = items.into_iter().map(|code| format!("an item {code}"));
    let events = EventKind::ALL.iter().map(|kind| format!("event {}", kind.name()));
    let states = ["held", "receive-only", "ended"].into_iter().map(|name| format!("a PGK {name}"));
    let outcomes = [Outcome::Applied, Outcome::Partly, Outcome::Same, Outcome::Superseded];
    let outcomes = outcomes.into_iter().map(|outcome| format!("outcome {}", outcome.name()));
    let keys = ["an admission key", "an epoch without a salt"].map(str::to_owned);
    refusals.chain(keys).chain(items).chain(events).chain(states).chain(outcomes).collect()
}

fn from_env<T: FromStr>(name: &str, otherwise: T) -> T {
    env::var(name).ok().map_or(otherwise, |value| value.parse().ok().expect("a number"))
}

/// Ends the test with as few steps as still fail.
fn fail(seed: u64, step: usize, steps: &[Step], difference: &str) -> ! {
    let few = fewest(steps.to_vec(), difference);
    let mut history = History::new();
    let told = few.iter().map(|step| {
        let difference = history.take(step).err().unwrap_or_default();
        format!("  {step:?}\n    {} {difference}\n", history.told)
    });
    panic!(
        "seed {seed}, step {step}: the TA's answer is not the model's.\n{difference}\n\n\
         The fewest steps that fail:\n{}",
        told.collect::<String>()
    )
}

/// Whether these steps fail in the same way, going by its first line.
fn fails(steps: &[Step], difference: &str) -> bool {
    let mut history = History::new();
    let failure = steps.iter().find_map(|step| history.take(step).err());
    failure.is_some_and(|failure| failure.lines().next() == difference.lines().next())
}

/// Leaves out what can be left out: ever smaller pieces.
fn fewest(mut steps: Vec<Step>, difference: &str) -> Vec<Step> {
    let mut piece = steps.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..steps.len().min(at + piece));
            if fails(&fewer, difference) {
                steps = fewer;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    steps
}
