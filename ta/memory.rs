// The memory of the product and of its test build, octets. docs/storage.md has the
// measured high-water marks behind these figures. (Included by path, by build.rs
// too, hence no inner doc.)

/// Stack.
pub(crate) const STACK: u32 = 20 * 1024;
/// Heap.
pub(crate) const HEAP: u32 = 160 * 1024;
