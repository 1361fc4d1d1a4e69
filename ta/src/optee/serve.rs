//! What the entry points of each build do: one request in, one response out.

use alloc::vec::Vec;

use optee_utee::property::{ClientIdentity, PropertyKey};
use optee_utee::{
    ErrorKind, LoginType, ParameterMemref, ParameterMemrefInput, ParameterMemrefOutput,
    ParameterMemrefRead, ParameterMemrefWrite, ParameterNone, Result,
};
use proseal_proto::buffer::Buffer;
use proseal_proto::command::encode_response;
use proseal_proto::error::Code;
use proseal_proto::limit::{REQUEST_MAX, RESPONSE_MAX};
use proseal_proto::message::Done;
use zeroize::Zeroizing;

use crate::session::{Login, admit};
use crate::stack;

/// The one parameter type of all commands: request in, response out. Any
/// other combination is refused before the dispatcher is reached.
pub type Memrefs<'a> =
    (ParameterMemrefInput<'a>, ParameterMemrefOutput<'a>, ParameterNone, ParameterNone);

/// Admits a session by its GlobalPlatform login.
pub fn open_session() -> Result<()> {
    let login = match ClientIdentity.get()?.login_type() {
        LoginType::Public => Login::Public,
        other => Login::Other(other.into()),
    };
    admit(login).map_err(|_| ErrorKind::AccessDenied.into())
}

/// Copies the request in, has it answered, copies the response out.
///
/// Errors: `ShortBuffer` if the response might not fit, `BadParameters` if
/// request and room share a page; everything else is a response with a code of
/// its own.
pub fn serve(
    (request, output, _, _): &mut Memrefs<'_>,
    answer: impl FnOnce(&[u8], &mut Vec<u8>),
) -> Result<()> {
    // Before anything is touched: see there.
    let room = pages(output.buffer_ptr(), output.buffer_len());
    if overlap(pages(request.buffer_ptr(), request.buffer_len()), room) {
        return Err(ErrorKind::BadParameters.into());
    }
    // Until there is a response, none of the output is one.
    let capacity = output.buffer_len();
    output.set_updated_size(0)?;

    // Room for the largest response: a buffer that moved would leave
    // keys behind, and this one wipes itself.
    let mut response = Buffer::with_room(RESPONSE_MAX);
    // The length is bounded before anything is allocated by it.
    if request.buffer_len() > REQUEST_MAX {
        encode_response::<Done>(Err(Code::Oversized), &mut response);
    } else {
        // Copied once; only the copy is looked at.
        let request = Zeroizing::new(request.read_to_vec());
        stack::wiped_after(|| answer(&request, &mut response));
    }
    if response.len() > capacity {
        return Err(ErrorKind::ShortBuffer.into());
    }
    output.set_output(response.as_slice())
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
