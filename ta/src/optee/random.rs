//! OP-TEE's random source, told apart from start to start.
//!
//! Where no hardware feeds it (`CFG_WITH_SOFTWARE_PRNG`, as on QEMU), OP-TEE 4.5
//! seeds it by little but the millisecond at which it started: two starts have
//! given the same octets (tests/system/test_attack.py found it). Every salt and
//! nonce would come twice with an older disk. So all that is drawn is masked by
//! a hash of what else tells starts apart. A mask takes no entropy away; where
//! the source is good it adds nothing, and where the normal world is hostile it
//! is no substitute for a good source.

use alloc::vec::Vec;

use optee_utee::{Random, Time};
use sha2::{Digest, Sha256};

/// Of a hash, so that no other is like it.
const DOMAIN: &[u8] = b"ProSeal random";

/// The source.
pub(super) struct Masked {
    /// Both clocks at the first use: marks of this start, and never times.
    start: Option<[u8; 16]>,
    drawn: u64,
}

impl Masked {
    pub(super) const fn new() -> Self {
        Self { start: None, drawn: 0 }
    }

    /// Fills `out`. TEE_GenerateRandom has no error: it panics the TA instead.
    pub(super) fn fill(&mut self, out: &mut [u8]) {
        Random::generate(out);
        let start = self.start.get_or_insert_with(marks);
        for block in out.chunks_mut(Sha256::output_size()) {
            self.drawn = self.drawn.wrapping_add(1);
            let mask = Sha256::new()
                .chain_update(DOMAIN)
                .chain_update(&start)
                .chain_update(self.drawn.to_be_bytes())
                .finalize();
            block.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
        }
    }
}

fn marks() -> [u8; 16] {
    let (mut ree, mut tee) = (Time::new(), Time::new());
    ree.ree_time();
    tee.system_time();
    let clocks = [ree.seconds, ree.millis, tee.seconds, tee.millis];
    let octets: Vec<u8> = clocks.iter().flat_map(|part| part.to_be_bytes()).collect();
    octets.try_into().unwrap_or([0; 16])
}
