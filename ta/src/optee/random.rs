//! OP-TEE's random source, told apart from device to device and from start to start.
//!
//! Where no hardware feeds it (`CFG_WITH_SOFTWARE_PRNG`, as on QEMU), OP-TEE 4.5
//! seeds it with little but the millisecond at which it started, and what it adds
//! later comes too late: two devices that started alike have had one identity, and two
//! starts the same salts (tests/system/test_attack.py shows it). What is drawn
//! changes what is drawn next (Fortuna, Ferguson and Schneier 2003, section 4.4: a
//! new key after each request), so as much is drawn and dropped as a hash of what
//! tells them apart says. That also holds for keys that OP-TEE makes and this TA
//! never sees. It takes no entropy away; where the source is good it adds
//! nothing, and where the normal world is hostile it is no substitute for one.

use alloc::vec;

use optee_utee::{Random, Time};
use sha2::{Digest, Sha256};

/// Of a hash, so that no other is like it.
const DOMAIN: &[u8] = b"ProSeal random";
/// Octets that the source makes at a time: AES's block.
const BLOCK: usize = 16;

/// Turns the source away from where another one of the same seed would be, for this TA and for
/// what OP-TEE draws on its behalf from here on. `mark`: what a caller says that others do not;
/// both clocks are marks besides, and never times.
pub fn stir(mark: &[u8]) {
    let (mut ree, mut tee) = (Time::new(), Time::new());
    ree.ree_time();
    tee.system_time();
    let mut hash = Sha256::new_with_prefix(DOMAIN);
    for part in [ree.seconds, ree.millis, tee.seconds, tee.millis] {
        hash.update(part.to_be_bytes());
    }
    // 128 bits of it, four by each draw of 1 to 16 blocks.
    for octet in hash.chain_update(mark).finalize().into_iter().take(16) {
        for more in [octet >> 4, octet & 0xf] {
            let blocks = usize::from(more).saturating_add(1);
            Random::generate(&mut vec![0; blocks.saturating_mul(BLOCK)]);
        }
    }
}
