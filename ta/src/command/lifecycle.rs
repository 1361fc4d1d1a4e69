//! `erase`.

use proseal_proto::error::Code;
use proseal_proto::message::{Done, Erase};

use crate::device::Ta;
use crate::platform::Platform;

pub(crate) fn erase<P: Platform>(ta: &mut Ta<P>, request: Erase) -> Result<Done, Code> {
    ta.erase(request.device)?;
    Ok(Done)
}
