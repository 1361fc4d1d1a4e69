//! The stack after a command. Moves, spilled registers and the inner states
//! of HMAC and SHA-256 leave octets of the PGK, the PRK, IK and CK in frames
//! that are gone, where no `Drop` reaches them.

use core::mem::MaybeUninit;

use zeroize::Zeroize;

/// How deep a command goes, and so how much is wiped below its caller: more than
/// any of its kind uses.
///
/// In the test build the wipe alone sets the stack's high-water mark after the first
/// command of a kind. A command that goes deeper by an octet raises it, and
/// regression_1008 of prose-xtest fails. The product is compiled apart and paints
/// nothing: tests/system/test_stack.py adds up the frames of its ELF. (A panic goes
/// deeper, and ends the TA.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What all that derive do.
    Usual,
    /// What checks signatures, or has one made.
    Signed,
}

/// The frames on the deepest way (the state is read before it is changed) add up to
/// 6,112 in the product, by its disassembly, and to 6,240 with libutee 4.10; to 5,152
/// and 5,280 in the test build.
const USUAL: usize = 7 * 1024;
/// Those of an `import`, down to its signature, add up to 10,128 in the product and to
/// 9,168 in the test build, with either.
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
