//! A panic says where on the secure console, and nothing of what.

use core::panic::PanicInfo;

use optee_utee::trace_println;

/// `TEE_Panic` code of a Rust panic, seen in OP-TEE's log ("PSea").
const PANIC_CODE: u32 = 0x5053_6561;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // Not the message: it could hold what the TA was working on.
    if let Some(at) = info.location() {
        trace_println!("ProSeal: panic at {}:{}", at.file(), at.line());
    }
    // SAFETY: TEE_Panic takes any code and does not return.
    #[expect(unsafe_code, reason = "ends the TA")]
    unsafe {
        optee_utee_sys::TEE_Panic(PANIC_CODE);
    }
    loop {}
}
