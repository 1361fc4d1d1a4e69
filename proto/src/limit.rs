//! Bounds that both sides rely on. Each has its reason; `version` reports
//! those that a caller meets.

/// Largest request in octets. A package for [`GROUPS`] groups fits with room
/// to spare, and the mapping of shared memory costs time by the page.
pub const REQUEST_MAX: usize = 16 * 1024;

/// Largest response in octets; each command states its own, smaller one.
pub const RESPONSE_MAX: usize = 8 * 1024;

/// Groups a device can be a member of at one time: more than an officer's radio
/// listens to at once, and with [`PGKS`] each the whole state fits three of the
/// store's blocks, which are written with every change.
pub const GROUPS: usize = 16;

/// PGKs held for one group: the last, the current, the next, and one more so
/// that a rotation can be planned ahead while the last one drains.
pub const PGKS: usize = 4;

/// Key pairs derived by one `receive`: the whole answer stays under
/// [`RESPONSE_MAX`], the work under a few hundred microseconds.
pub const BATCH: usize = 64;

/// Octets of an operator label (T4 of the formats: its length is one octet,
/// and the whole HKDF info stays on the TA's stack).
pub const LABEL: usize = 32;

/// Highest generation and highest `next`: 2^48.
pub const GENERATION: u64 = 1 << 48;

/// Events in one answer: with all fields about as long as a batch of ten keys.
pub const EVENTS_REPLY: usize = 32;

/// Octets of a package: one object frame on the link, and less than
/// [`REQUEST_MAX`].
pub const PACKAGE_MAX: usize = 15 * 1024;

/// Octets of a delegation: fixed fields, and room for extensions.
pub const DELEGATION_MAX: usize = 256;

/// Octets of a notice, likewise.
pub const NOTICE_MAX: usize = 512;
