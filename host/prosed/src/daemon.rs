//! The daemon around the protocol: sockets, files, the TEE's thread. Each part has one
//! job; `run` wires them.

pub(crate) mod api;
pub(crate) mod config;
pub(crate) mod disk;
pub(crate) mod link;
pub(crate) mod metrics;
pub(crate) mod notify;
pub(crate) mod process;
pub(crate) mod run;
pub(crate) mod tee;
pub(crate) mod tun;
pub(crate) mod wake;
