//! Who is calling: a role, which a session takes by its GlobalPlatform login
//! and keeps. A group login keeps Linux users apart and is worth nothing
//! against root.

/// What a session may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Anyone who may open the TEE's device (`TEE_LOGIN_PUBLIC`).
    Public,
    /// The ProSe daemon (`TEE_LOGIN_GROUP` of group `prose`).
    Daemon,
    /// Who provisions the device (`TEE_LOGIN_GROUP` of group `prose-admin`).
    Administrator,
}

impl Role {
    /// All roles.
    pub const ALL: &'static [Self] = &[Self::Public, Self::Daemon, Self::Administrator];

    /// The Linux group that gives this role, by number: the TA knows it, so it
    /// is the same on every device. `None`: it takes none.
    #[must_use]
    pub const fn gid(self) -> Option<u32> {
        match self {
            Self::Public => None,
            Self::Daemon => Some(870),
            Self::Administrator => Some(871),
        }
    }

    /// The group's name, or what stands in for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Daemon => "prose",
            Self::Administrator => "prose-admin",
        }
    }
}
