//! The stack after a command. Moves, spilled registers and the inner states
//! of HMAC and SHA-256 leave octets of the PGK, the PRK, IK and CK in frames
//! that are gone, where no `Drop` reaches them.

use core::mem::MaybeUninit;

use zeroize::Zeroize;

/// Octets wiped below the caller: more than any command uses. The frames on the
/// deepest way through one (a write of the state because time has passed) add
/// up to 5,264, by the disassembly of the test build, and to 4,848 in the
/// portable one; a panic goes deeper, and ends the TA.
///
/// After the first command the wipe alone sets the stack's high-water mark. A
/// command that goes deeper by an octet raises it, and regression_1008 of
/// prose-xtest fails.
const DEPTH: usize = 6 * 1024;
/// What one store wipes: libutee's memset, which a slice of octets would come
/// to, stores one octet at a time.
type Unit = u128;

/// Does `work`, then wipes the stack that it used.
pub fn wiped_after<T>(work: impl FnOnce() -> T) -> T {
    let value = apart(work);
    wipe();
    value
}

/// A frame of its own: what is inlined stays below [`wiped_after`]'s.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Covers what [`apart`] used, since both begin where the caller's frame ends.
#[inline(never)]
fn wipe() {
    let mut below = [const { MaybeUninit::<Unit>::uninit() }; DEPTH / size_of::<Unit>()];
    for unit in &mut below {
        unit.zeroize();
    }
}
