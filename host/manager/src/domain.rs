//! What a manager may and must do, as pure decisions: no clock, no random
//! source, no database, no files. What they need comes in as arguments.

pub mod alarm;
pub mod clock;
pub mod device;
pub mod member;
pub mod number;
pub mod plan;
mod refusal;
pub mod timeline;

pub use refusal::Refusal;
