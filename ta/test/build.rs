//! Writes the TA's header and links it as OP-TEE wants.

#[cfg(feature = "optee")]
#[path = "../link.rs"]
mod link;
#[cfg(feature = "optee")]
#[path = "../memory.rs"]
mod memory;

fn main() {
    #[cfg(feature = "optee")]
    link::link(proseal_proto::test_command::UUID, memory::STACK, memory::HEAP);
    println!("cargo:rustc-check-cfg=cfg(heap_stats_have_squares)");
    #[cfg(feature = "optee")]
    tell_heap_stats();
}

/// The structure that libutee fills in grew after OP-TEE 4.5: a smaller one
/// would be written beyond its end.
#[cfg(feature = "optee")]
fn tell_heap_stats() {
    let kit = std::env::var("TA_DEV_KIT_DIR").expect("TA_DEV_KIT_DIR is set: it was linked with");
    println!("cargo:rerun-if-env-changed=TA_DEV_KIT_DIR");
    let header = format!("{kit}/include/pta_stats.h");
    println!("cargo:rerun-if-changed={header}");
    let header = std::fs::read_to_string(header).expect("the devkit has pta_stats.h");
    if header.contains(" free2_sum;") {
        println!("cargo:rustc-cfg=heap_stats_have_squares");
    }
}
