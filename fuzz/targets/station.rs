//! Sequences of frames, answers and kills at one radio, against what docs/packet.md
//! promises: nothing false, nothing twice, exact counts, the bucket kept.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proseal_fuzz::receiving::{Receiving, Step};

fuzz_target!(|steps: Vec<Step>| {
    let mut receiving = Receiving::new();
    for step in steps.iter().take(200) {
        receiving.take(step);
    }
});
