//! Who is calling: decided once, when the session opens.

use proseal_proto::error::Code;

/// How the client logged in (GlobalPlatform client identity).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Anyone.
    Public,
    /// Any other kind, by its GlobalPlatform number.
    Other(u32),
}

/// Admits a session or refuses it. There is one role as yet: whoever may
/// open the TEE's device may call everything.
pub const fn admit(login: Login) -> Result<(), Code> {
    match login {
        Login::Public => Ok(()),
        Login::Other(_) => Err(Code::NotPermitted),
    }
}
