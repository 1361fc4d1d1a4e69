//! What only tests ask of a platform. Stack and heap high-water marks: the free stack is painted when the TA
//! starts, and what is still painted later was never used; libutee's
//! allocator counts for itself.

use proseal_proto::test_command::MarksReply;
use proseal_ta::platform::StoreError;

/// What the platform knows of its own memory.
pub trait Gauge {
    /// The marks since the TA started.
    fn marks(&self) -> MarksReply;
}

/// What the platform does with a key of the caller as with its own.
pub trait Agree {
    /// [`Identity::agree`](proseal_ta::platform::Identity::agree) by this pair, private
    /// and public.
    fn agree_by(
        &mut self,
        pair: (&[u8; 32], &[u8; 32]),
        public: &[u8; 32],
        agreed: &mut [u8; 32],
    ) -> Result<(), StoreError>;
}

#[cfg(feature = "sim")]
impl Agree for proseal_ta::sim::Sim {
    fn agree_by(
        &mut self,
        (private, _): (&[u8; 32], &[u8; 32]),
        public: &[u8; 32],
        agreed: &mut [u8; 32],
    ) -> Result<(), StoreError> {
        proseal_ta::sim::agree(private, public, agreed);
        Ok(())
    }
}

#[cfg(feature = "optee")]
impl Agree for proseal_ta::optee::OpTee {
    fn agree_by(
        &mut self,
        (private, own): (&[u8; 32], &[u8; 32]),
        public: &[u8; 32],
        agreed: &mut [u8; 32],
    ) -> Result<(), StoreError> {
        use optee_utee::{AttributeId, AttributeMemref, TransientObject, TransientObjectType};

        let failed = |_| StoreError::Failed;
        let mut pair =
            TransientObject::allocate(TransientObjectType::X25519Keypair, 256).map_err(failed)?;
        let own = AttributeMemref::from_ref(AttributeId::X25519PublicValue, own);
        let private = AttributeMemref::from_ref(AttributeId::X25519PrivateValue, private);
        pair.populate(&[own.into(), private.into()]).map_err(failed)?;
        proseal_ta::optee::agree(&pair, public, agreed)
    }
}

/// On the host nothing is measured.
#[cfg(feature = "sim")]
impl Gauge for proseal_ta::sim::Sim {
    fn marks(&self) -> MarksReply {
        MarksReply { stack_size: 0, stack_high: 0, heap_size: 0, heap_high: 0 }
    }
}

#[cfg(feature = "optee")]
pub use optee::paint_stack;

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

    static STACK_BOTTOM: AtomicUsize = AtomicUsize::new(0);

    /// libutee's account of its heap: `struct pta_stats_alloc` of pta_stats.h.
    #[repr(C)]
    #[derive(Default)]
    struct HeapStats {
        desc: [u8; 32],
        #[cfg(heap_stats_have_squares)]
        free2_sum: u64,
        allocated: u32,
        max_allocated: u32,
        size: u32,
        num_alloc_fail: u32,
        biggest_alloc_fail: u32,
        biggest_alloc_fail_used: u32,
    }

    // SAFETY: the prototype in the devkit's malloc.h, for CFG_WITH_STATS.
    #[expect(unsafe_code, reason = "declares a function of libutee's allocator")]
    unsafe extern "C" {
        fn malloc_get_stats(stats: *mut HeapStats);
    }

    /// Paints the free stack; once, when the TA starts.
    #[inline(never)]
    pub fn paint_stack() {
        let painted = [PAINT; PAINTED];
        STACK_BOTTOM.store(black_box(&painted).as_ptr().addr(), Ordering::Relaxed);
    }

    impl Gauge for OpTee {
        fn marks(&self) -> MarksReply {
            let mut heap = HeapStats::default();
            // SAFETY: it fills in the whole structure, and keeps no pointer.
            #[expect(unsafe_code, reason = "asks libutee's allocator")]
            unsafe {
                malloc_get_stats(&raw mut heap);
            }
            MarksReply {
                stack_size: STACK,
                stack_high: STACK.saturating_sub(stack_untouched()),
                heap_size: HEAP,
                heap_high: heap.max_allocated,
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
}
