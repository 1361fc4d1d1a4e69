//! `prose-bench`: what calls to the TA cost, measured in the guest. Raw
//! samples are one JSON object on stdout, progress is on stderr; medians,
//! ratios and goals are the business of `tests/bench`, which runs it. It erases
//! the device: it calls the test build of the TA, and no other.
//!
//! A program of its own, not a part of prose-xtest: it links libckteec, has
//! no verdicts, and must not carry the runner's threads into what it times. The one
//! thread that it has waits, but while a derive meets an import.
//!
//! ```text
//! prose-bench first     opens one session, the first since the boot
//! prose-bench run       all calls, round-robin, then what they write
//! ```

mod calls;
mod content;
mod dice;
mod manager;
mod pkcs11;
mod supplicant;
mod waiter;

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use proseal_client::tee::Tee;
use proseal_client::{Application, Opener};
use proseal_proto::role::Role;
use proseal_proto::test_command::UUID;
use serde_json::json;

use crate::calls::{Call, Calls};
use crate::dice::Dice;
use crate::supplicant::Supplicant;

/// Rounds of one run; the short calls are made once in each.
const ROUNDS: usize = 1000;
/// The long ones are made once in so many.
const ROUNDS_A_LONG_CALL: usize = 10;
/// Calls of each kind over which the octets written are counted.
const COUNTED_DERIVES: usize = 1000;
const COUNTED_STORES: usize = 10;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Nanoseconds of each call, by its name.
type Samples = BTreeMap<&'static str, Vec<u64>>;

fn main() -> ExitCode {
    let done = match std::env::args().nth(1).as_deref() {
        Some("first") => first(),
        Some("run") => run(),
        _ => Err("usage: prose-bench first|run".into()),
    };
    match done {
        Ok(object) => {
            println!("{object}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("prose-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The first session since the boot: the TA is loaded.
fn first() -> Result<serde_json::Value> {
    let start = Instant::now();
    let _session = Tee::new(Application::new(UUID)).open(Role::Daemon)?;
    Ok(json!({ "samples_ns": { "session_open_first": [nanoseconds(start)] } }))
}

fn run() -> Result<serde_json::Value> {
    let mut calls = Calls::prepare()?;
    let (mut samples, mut dice) = (Samples::new(), Dice::new());
    for round in 0..ROUNDS {
        for call in order(round, &mut dice) {
            calls.make(call.warm_up())?;
            let taken = calls.make(call)?;
            samples.entry(call.name()).or_default().push(taken);
        }
        if (round + 1) % (ROUNDS / 10) == 0 {
            eprintln!("    round {} of {ROUNDS}", round + 1);
        }
    }
    Ok(json!({
        "samples_ns": samples,
        "written": {
            "derive": counted(&mut calls, Call::Derive, COUNTED_DERIVES)?,
            "store_write": counted(&mut calls, Call::StoreWrite, COUNTED_STORES)?,
        },
    }))
}

/// The calls of a round, shuffled: whatever disturbs this machine in a rhythm
/// meets each of them as often.
fn order(round: usize, dice: &mut Dice) -> Vec<Call> {
    let mut calls = Call::SHORT.to_vec();
    if round.is_multiple_of(ROUNDS_A_LONG_CALL) {
        calls.extend(Call::LONG);
    }
    for last in (1..calls.len()).rev() {
        calls.swap(last, dice.below(last + 1));
    }
    calls
}

/// Makes one call many times; what tee-supplicant has written meanwhile.
fn counted(calls: &mut Calls, call: Call, times: usize) -> Result<serde_json::Value> {
    let supplicant = Supplicant::find()?;
    let before = supplicant.written()?;
    for _ in 0..times {
        calls.make(call)?;
    }
    Ok(json!({ "calls": times, "bytes": supplicant.written()? - before }))
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
