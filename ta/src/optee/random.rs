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

use optee_utee::{Random, Time};
use sha2::{Digest, Sha256};

/// Of a hash, so that no other is like it.
const DOMAIN: &[u8] = b"ProSeal random";
/// Octets that the source makes at a time: AES's block.
const BLOCK: usize = 16;

/// Turns the source away from where another one of the same seed would be: before anything is
/// drawn, also by OP-TEE for what it stores. `mark`: what a caller says that others do not;
/// both clocks are marks of this start besides, and never times.
pub fn stir(mark: &[u8]) {
    let (mut ree, mut tee) = (Time::new(), Time::new());
    ree.ree_time();
    tee.system_time();
    let mut hash = Sha256::new_with_prefix(DOMAIN);
    for part in [ree.seconds, ree.millis, tee.seconds, tee.millis] {
        hash.update(part.to_be_bytes());
    }
    // 128 bits of it, four by each draw.
    for octet in hash.chain_update(mark).finalize().into_iter().take(16) {
        drop_blocks(octet >> 4);
        drop_blocks(octet & 0xf);
    }
}

/// Draws one block and `more` (15 at most), for nobody.
fn drop_blocks(more: u8) {
    let mut dropped = [0; 16 * BLOCK];
    let len = usize::from(more).saturating_add(1).saturating_mul(BLOCK);
    if let Some(dropped) = dropped.get_mut(..len) {
        Random::generate(dropped);
    }
}
