//! The real TEE.

use std::time::Duration;

use optee_teec::{Context, ErrorKind, Operation, ParamNone, ParamTmpRef, Uuid};
use proseal_client::Client;
use proseal_client::tee::Tee;
use proseal_client::timed::Timed;
use proseal_proto::limit::RESPONSE_MAX;
use proseal_proto::test_command::UUID;

/// What any one call may take.
const CALL_LIMIT: Duration = Duration::from_secs(20);

/// The test build of the TA.
#[derive(Clone)]
pub(crate) struct Target;

impl Target {
    /// It is opened with the first call.
    pub(crate) const fn new() -> Self {
        Self
    }

    /// A client with a session of its own.
    pub(crate) fn client(&self) -> Client {
        Client::new(Timed::new(Tee::new(UUID), CALL_LIMIT))
    }

    /// Octets as they are to the TA, and its octets back.
    ///
    /// Errors: the `TEEC_Result`, for what does not reach the dispatcher.
    pub(crate) fn raw(&self, number: u32, request: &[u8]) -> Result<Vec<u8>, u32> {
        invoke(number, request).map_err(|error| error.raw_code())
    }
}

fn invoke(number: u32, request: &[u8]) -> optee_teec::Result<Vec<u8>> {
    let mut response = vec![0; RESPONSE_MAX];
    let mut operation = Operation::new(
        0,
        ParamTmpRef::new_input(request),
        ParamTmpRef::new_output(&mut response),
        ParamNone,
        ParamNone,
    );
    let uuid = Uuid::parse_str(UUID).map_err(|_| ErrorKind::BadParameters)?;
    Context::new()?.open_session(uuid)?.invoke_command(number, &mut operation)?;
    let written = operation.parameters().1.updated_size();
    response.truncate(written);
    Ok(response)
}
