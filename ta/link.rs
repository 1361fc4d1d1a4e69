// How every trusted application of ours is built: its header, its flags, its
// link. For build.rs of each TA package. (Included by path, hence no inner doc.)

use optee_utee_build::{Builder, LinkerType, TaConfig};

/// Writes the header of the TA `uuid` and links it as OP-TEE wants; `stack`
/// and `heap` are octets.
pub(crate) fn link(uuid: &str, stack: u32, heap: u32) {
    // One instance for all sessions, kept while none is open:
    // TA_FLAG_SINGLE_INSTANCE | TA_FLAG_MULTI_SESSION | TA_FLAG_INSTANCE_KEEP_ALIVE.
    // Never TA_FLAG_CONCURRENT: the instance has no locks.
    const FLAGS: u32 = 1 << 2 | 1 << 3 | 1 << 4;

    let config = TaConfig::new_default_with_cargo_env(uuid)
        .expect("the UUID, version and description of the TA")
        .ta_flags(FLAGS)
        .ta_stack_size(stack)
        .ta_data_size(heap)
        .trace_level(1);
    // The linker is aarch64-linux-gnu-gcc: .cargo/config.toml says so.
    Builder::new(config)
        .linker_type(LinkerType::Cc)
        .build()
        .expect("TA_DEV_KIT_DIR must be OP-TEE's devkit: `make image` sets it");
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    shadow_shared_libraries(&out);
    edit_linker_script(&format!("{out}/ta.lds"));
}

/// A TA has no shared libraries. Empty archives stand before libc.so and
/// libgcc_s.so, which crates ask for without need: a real need fails to link.
fn shadow_shared_libraries(out: &str) {
    for library in ["libc.a", "libgcc_s.a"] {
        std::fs::write(format!("{out}/{library}"), "!<arch>\n").expect("OUT_DIR is writable");
    }
    println!("cargo:rustc-link-search=native={out}");
}

/// Edits of the linker script that optee-utee-build has written: behind which
/// words, what.
const EDITS: [(&str, &str); 2] = [
    // A TA does not unwind; the tables were a sixth of its size.
    ("SECTIONS {", "/DISCARD/ : { *(.eh_frame_hdr .eh_frame .gcc_except_table*) }"),
    // What a command runs through stands together and is not sorted by alignment:
    // a call finds the processor's translations empty, so each page costs.
    (
        "__text_start = .;",
        "*(SORT_NONE(.text.*proseal*) SORT_NONE(.text.*hkdf*) SORT_NONE(.text.*hmac*) \
         SORT_NONE(.text.*sha2*) SORT_NONE(.text.*digest*) SORT_NONE(.text.*block_buffer*))",
    ),
];

fn edit_linker_script(path: &str) {
    let mut script = std::fs::read_to_string(path).expect("the linker script was just written");
    for (place, text) in EDITS {
        assert!(script.contains(place), "{path} is not a linker script: is `cc` there?");
        if !script.contains(text) {
            script = script.replacen(place, &format!("{place}\n {text}"), 1);
        }
    }
    std::fs::write(path, script).expect("OUT_DIR is writable");
    println!("cargo:rustc-link-arg=-Wl,--no-eh-frame-hdr");
}
