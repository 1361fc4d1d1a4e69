//! What crates ask of Linux to find out what the processor can: the
//! auxiliary vector (getauxval(3)). A TA has none, and the build says what it
//! may use (ta/cargo.toml); whatever is asked beyond that is answered "no".

use core::ffi::c_ulong;

#[expect(unsafe_code, reason = "the one name under which it is looked for")]
#[unsafe(no_mangle)]
extern "C" fn getauxval(_: c_ulong) -> c_ulong {
    0
}
