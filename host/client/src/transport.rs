//! The one small trait under the client.

use proseal_proto::buffer::Buffer;
use proseal_proto::role::Role;

use crate::error::Fault;

/// An open session that carries requests and brings back responses.
pub trait Transport {
    /// Sends one request; the response, at most `response_max` octets, goes to
    /// `response`, which is empty and has room for it. Both may hold keys:
    /// every buffer on the way wipes itself.
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        response_max: usize,
        response: &mut Buffer,
    ) -> Result<(), Fault>;
}

/// Opens sessions.
pub trait Opener {
    /// Whether this process may take a role. Only the TA decides what a role
    /// may do; this is for choosing among several.
    fn may(&self, role: Role) -> bool;

    /// Opens a new session with this role.
    fn open(&self, role: Role) -> Result<Box<dyn Transport>, Fault>;
}
