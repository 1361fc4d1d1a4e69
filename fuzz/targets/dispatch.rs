//! Sequences of commands and faults through the TA's dispatcher, checked
//! against what the design promises.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proseal_fuzz::history::{History, Step};

fuzz_target!(init: History::live_by_packages(), |steps: Vec<Step>| {
    let mut history = History::new();
    for step in steps.iter().take(64) {
        history.take(step);
    }
    history.end();
});
