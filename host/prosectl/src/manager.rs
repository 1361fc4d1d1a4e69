//! The way to the group manager (docs/manager-api.md, device side).
//!
//! ```text
//! command -> Session (a statement over the manager's nonce in each request) -> Http (TLS)
//!                                 Place: where the manager is, and who vouches for its servers
//! ```
//!
//! Nothing is trusted on first use: a device believes servers of the one authority that its
//! token file named, and packages of the one root key that it has pinned.

mod http;
mod lines;
mod place;
mod problem;
mod session;
mod token_file;

pub(crate) use place::{FOLDER, Place, url};
pub(crate) use problem::ManagerError;
pub(crate) use session::{Session, Tell};
pub(crate) use token_file::TokenFile;
