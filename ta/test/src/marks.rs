//! Stack and heap high-water marks: memory is painted when the TA starts, and
//! what is still painted later was never used.

use proseal_proto::test_command::MarksReply;

/// What the platform knows of its own memory.
pub trait Gauge {
    /// The marks since the TA started.
    fn marks(&self) -> MarksReply;
}

/// On the host nothing is measured.
#[cfg(feature = "sim")]
impl Gauge for proseal_ta::sim::Sim {
    fn marks(&self) -> MarksReply {
        MarksReply { stack_size: 0, stack_high: 0, heap_size: 0, heap_high: 0 }
    }
}

#[cfg(feature = "optee")]
pub use optee::paint;

#[cfg(feature = "optee")]
mod optee {
    use core::hint::black_box;
    use core::sync::atomic::{AtomicUsize, Ordering};

    use proseal_proto::test_command::MarksReply;
    use proseal_ta::optee::OpTee;

    use super::Gauge;
    use crate::memory::{HEAP, STACK};

    const PAINT: u8 = 0xa5;
    /// Stack left to whoever calls `paint`, octets.
    const ABOVE: usize = 2048;
    const PAINTED: usize = STACK as usize - ABOVE;
    /// Heap left to the allocator's own blocks, octets.
    const HEAP_SPARE: usize = 4096;

    static STACK_BOTTOM: AtomicUsize = AtomicUsize::new(0);

    #[expect(unsafe_code, reason = "declares the generated heap")]
    unsafe extern "C" {
        /// The heap, as the generated header of the TA lays it out.
        static ta_heap: [u8; HEAP as usize];
    }

    /// Paints the free stack and heap; once, when the TA starts.
    pub fn paint() {
        paint_stack();
        let mut heap = alloc::vec::Vec::new();
        if heap.try_reserve_exact(HEAP as usize - HEAP_SPARE).is_ok() {
            heap.resize(HEAP as usize - HEAP_SPARE, PAINT);
            black_box(&heap);
        }
    }

    #[inline(never)]
    fn paint_stack() {
        let painted = [PAINT; PAINTED];
        STACK_BOTTOM.store(black_box(&painted).as_ptr().addr(), Ordering::Relaxed);
    }

    impl Gauge for OpTee {
        fn marks(&self) -> MarksReply {
            MarksReply {
                stack_size: STACK,
                stack_high: STACK.saturating_sub(stack_untouched()),
                heap_size: HEAP,
                heap_high: HEAP.saturating_sub(heap_untouched()),
            }
        }
    }

    /// Painted octets from the stack's bottom up.
    fn stack_untouched() -> u32 {
        let bottom = STACK_BOTTOM.load(Ordering::Relaxed);
        let mut untouched = 0_u32;
        for offset in 0..PAINTED {
            let at = core::ptr::with_exposed_provenance::<u8>(bottom.saturating_add(offset));
            // SAFETY: `bottom` is where an array of PAINTED octets was on
            // this very stack, which is mapped as long as the TA lives.
            #[expect(unsafe_code, reason = "reads the unused part of the own stack")]
            if unsafe { at.read_volatile() } != PAINT {
                break;
            }
            untouched = untouched.saturating_add(1);
        }
        untouched
    }

    /// The longest painted run of the heap.
    fn heap_untouched() -> u32 {
        let (mut run, mut longest) = (0_u32, 0_u32);
        for offset in 0..HEAP as usize {
            // SAFETY: `offset` is within the array; the octets change under
            // other owners, hence a volatile read of the raw address.
            #[expect(unsafe_code, reason = "reads the own heap")]
            let octet = unsafe { (&raw const ta_heap).cast::<u8>().add(offset).read_volatile() };
            run = if octet == PAINT { run.saturating_add(1) } else { 0 };
            longest = longest.max(run);
        }
        longest
    }
}
