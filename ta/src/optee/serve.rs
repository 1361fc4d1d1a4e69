//! What the entry points of each build do: one request in, one response out.

use alloc::vec::Vec;

use optee_utee::{
    ErrorKind, ParameterMemref, ParameterMemrefInput, ParameterMemrefOutput, ParameterMemrefRead,
    ParameterMemrefWrite, ParameterNone, Result,
};
use proseal_proto::buffer::Buffer;
use proseal_proto::command::RESPONSE_HEAD;
use proseal_proto::limit::{REQUEST_MAX, RESPONSE_MAX};

use crate::stack::{self, Depth};

/// The one parameter type of all commands: request in, response out. Any
/// other combination is refused before the dispatcher is reached.
pub type Memrefs<'a> =
    (ParameterMemrefInput<'a>, ParameterMemrefOutput<'a>, ParameterNone, ParameterNone);

/// Where the two messages of a call stand in the TA: memory that is kept, since
/// to ask for it at each call cost more than to derive a key. Between calls
/// nothing is in it.
pub(super) struct Messages {
    request: Buffer,
    response: Buffer,
}

impl Messages {
    /// No memory yet: nothing in start-up can fail.
    pub(super) const fn new() -> Self {
        Self { request: Buffer::new(), response: Buffer::new() }
    }

    /// Copies the request in, has it answered, copies the response out.
    ///
    /// Errors, with nothing done: `ShortBuffer` if the response might not fit,
    /// `BadParameters` if request and room share a page. Everything else is a
    /// response with a code of its own.
    pub(super) fn serve(
        &mut self,
        memrefs: &mut Memrefs<'_>,
        depth: Depth,
        answer: impl FnOnce(&[u8], usize, &mut Vec<u8>),
    ) -> Result<()> {
        let served = self.serve_and_leave(memrefs, depth, answer);
        self.request.wipe();
        self.response.wipe();
        served
    }

    fn serve_and_leave(
        &mut self,
        (request, output, _, _): &mut Memrefs<'_>,
        depth: Depth,
        answer: impl FnOnce(&[u8], usize, &mut Vec<u8>),
    ) -> Result<()> {
        // Before anything is touched: see there.
        let asked = pages(request.buffer_ptr(), request.buffer_len());
        if overlap(asked, pages(output.buffer_ptr(), output.buffer_len())) {
            return Err(ErrorKind::BadParameters.into());
        }
        // Until there is a response, none of the output is one.
        let room = output.buffer_len();
        output.set_updated_size(0)?;
        if room < RESPONSE_HEAD {
            return Err(ErrorKind::ShortBuffer.into());
        }

        // Room for the largest: a buffer that moved would leave keys behind.
        self.request.make_room(REQUEST_MAX.saturating_add(1));
        self.response.make_room(RESPONSE_MAX);
        // The length is bounded before anything is made of it: an octet more
        // than a request may have is enough for it to be refused.
        self.request.resize(request.buffer_len().min(REQUEST_MAX.saturating_add(1)), 0);
        // Copied once; only the copy is looked at.
        request.read_at(0, &mut self.request)?;
        stack::wiped_after(depth, || answer(&self.request, room, &mut self.response));
        if self.response.is_empty() {
            return Err(ErrorKind::ShortBuffer.into());
        }
        output.set_output(self.response.as_slice())
    }
}

/// Octets of a page, by which OP-TEE maps memory.
const PAGE: usize = 4096;

/// The first and the last page of a buffer.
fn pages(start: *const u8, len: usize) -> (usize, usize) {
    let last = start.addr().saturating_add(len.saturating_sub(1));
    (start.addr() / PAGE, last / PAGE)
}

/// Whether two buffers share a page. OP-TEE (4.5, and the code is older) maps
/// two parameters of one memory as one, which ends where the later of them
/// ends: of a buffer around another the rest is missing, and who touches it is
/// ended, or meets what stands there instead.
const fn overlap(one: (usize, usize), other: (usize, usize)) -> bool {
    one.0 <= other.1 && other.0 <= one.1
}
