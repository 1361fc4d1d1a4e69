//! Who is calling: decided once, when the session opens.

use proseal_proto::error::Code;
use proseal_proto::role::Role;

/// How the client logged in (GlobalPlatform client identity). Linux says who
/// it is, and OP-TEE believes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Anyone.
    Public,
    /// A member of the Linux group with this name-based UUID.
    Group([u8; 16]),
    /// Any other kind, by its GlobalPlatform number.
    Other(u32),
}

/// How Linux names group `prose`: the UUID of version 5 (RFC 9562 section 5.5)
/// of "gid=366", 870, in Linux's name space for TEE clients.
const PROSE: [u8; 16] = 0x605c_9b97_06d5_5897_becc_34da_cc30_aa86_u128.to_be_bytes();
/// Likewise group `prose-admin`: "gid=367", 871.
const PROSE_ADMIN: [u8; 16] = 0x47f1_a32f_0b31_5c5f_a49d_f4f9_4674_34d7_u128.to_be_bytes();

/// The session's role, or that its login has none.
pub fn role(login: Login) -> Result<Role, Code> {
    match login {
        Login::Public => Ok(Role::Public),
        Login::Group(PROSE) => Ok(Role::Daemon),
        Login::Group(PROSE_ADMIN) => Ok(Role::Administrator),
        Login::Group(_) | Login::Other(_) => Err(Code::NotPermitted),
    }
}
