//! The stack after a command. Moves, spilled registers and the inner states
//! of HMAC and SHA-256 leave octets of the PGK, the PRK, IK and CK in frames
//! that are gone, where no `Drop` reaches them.

use core::mem::MaybeUninit;

use zeroize::Zeroize;

/// How deep a command goes, and so how much is wiped below its caller: more than
/// any of its kind uses.
///
/// After the first command of a kind the wipe alone sets the stack's high-water
/// mark. A command that goes deeper by an octet raises it, and regression_1008 of
/// prose-xtest fails. (A panic goes deeper, and ends the TA.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What all that derive do.
    Usual,
    /// What checks signatures, or has one made.
    Signed,
}

/// The frames on the deepest way (a write of the state because time has passed) add
/// up to 5,264, by the disassembly of the test build, and to 4,848 in the portable
/// one.
const USUAL: usize = 6 * 1024;
/// An `import` was measured at 9,136.
const SIGNED: usize = 10 * 1024;

/// What one store wipes: libutee's memset, which a slice of octets would come
/// to, stores one octet at a time.
type Unit = u128;

/// Does `work`, which goes this deep, then wipes the stack that it used.
pub fn wiped_after<T>(depth: Depth, work: impl FnOnce() -> T) -> T {
    let value = apart(work);
    match depth {
        Depth::Usual => wipe::<{ USUAL / size_of::<Unit>() }>(),
        Depth::Signed => wipe::<{ SIGNED / size_of::<Unit>() }>(),
    }
    value
}

/// A frame of its own: what is inlined stays below [`wiped_after`]'s.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Covers what [`apart`] used, since both begin where the caller's frame ends.
#[inline(never)]
fn wipe<const UNITS: usize>() {
    let mut below = [const { MaybeUninit::<Unit>::uninit() }; UNITS];
    for unit in &mut below {
        unit.zeroize();
    }
}
