//! The edge to OP-TEE: the platform over the GlobalPlatform Internal Core
//! API, and what the entry points of each build share. The library's one place
//! with `unsafe`.

mod hwcap;
mod identity;
mod instance;
mod panic;
mod platform;
mod random;
mod serve;

pub use identity::agree;
pub use instance::{Instance, Session};
pub use platform::OpTee;
pub use random::stir;
pub use serve::Memrefs;
