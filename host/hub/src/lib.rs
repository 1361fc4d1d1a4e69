//! The ad-hoc link of tests: what one radio sends all others get, with faults.
//!
//! ```text
//! port (QEMU's stream, or a TAP interface) -> link (fault decides, time) -> port
//!                                                  `-> pcap
//! ```
//!
//! [`fault`] and [`link`](crate::link) decide, without input or output and with the time as an
//! argument; [`port`] and [`run`] are the edge.

pub mod count;
pub mod fault;
pub mod link;
pub mod order;
pub mod pcap;
pub mod port;
pub mod run;
mod tap;
