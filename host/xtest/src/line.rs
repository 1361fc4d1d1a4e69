//! Sessions below libteec with memory of its own, as every misuse starts
//! from: it can make a good call, and each wrong one.

use proseal_proto::limit::{REQUEST_MAX, RESPONSE_MAX};
use proseal_proto::role::Role;
use proseal_proto::test_command::UUID;

use crate::fixture;
use crate::ioctl::{Device, Memory, PAGE, PARAMS, Param, Refusal, kind, login};

/// What stands in response memory before a call.
const POISON: u8 = 0xa5;

/// The TA's UUID as the kernel takes it.
pub(crate) fn uuid() -> [u8; 16] {
    let digits: Vec<u8> = UUID.bytes().filter(|&digit| digit != b'-').collect();
    let mut octets = [0; 16];
    for (octet, pair) in octets.iter_mut().zip(digits.chunks(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).expect("a UUID has hex digits");
        *octet = (digit(0) << 4 | digit(1)) as u8;
    }
    octets
}

/// What a group's login stands on: its number, little-endian, then zeros.
pub(crate) fn group_data(gid: u32) -> [u8; 16] {
    let mut data = [0; 16];
    data[..4].copy_from_slice(&gid.to_le_bytes());
    data
}

/// Opens a session with a role; its number.
pub(crate) fn open_as(device: &Device, role: Role) -> Result<u32, Refusal> {
    let (login, data) = match role.gid() {
        None => (login::PUBLIC, [0; 16]),
        Some(gid) => (login::GROUP, group_data(gid)),
    };
    device.open_session(uuid(), login, data, [Param::NONE; PARAMS])
}

/// Open sessions with memory for a request and for a response.
pub(crate) struct Line {
    /// What it is open on.
    pub(crate) device: Device,
    /// A session for each role that has commands of its own.
    daemon: u32,
    administrator: u32,
    /// Room for more than the largest request.
    pub(crate) request: Memory,
    /// Room for more than the largest response.
    pub(crate) response: Memory,
}

impl Line {
    /// A daemon's and an administrator's session.
    pub(crate) fn open() -> Result<Self, Refusal> {
        let device = Device::open()?;
        let daemon = open_as(&device, Role::Daemon)?;
        let administrator = open_as(&device, Role::Administrator)?;
        let request = device.memory(REQUEST_MAX + PAGE)?;
        let response = device.memory(RESPONSE_MAX + PAGE)?;
        Ok(Self { device, daemon, administrator, request, response })
    }

    /// The session that a command goes through.
    pub(crate) fn session(&self, number: u32) -> u32 {
        match fixture::caller(number) {
            Role::Daemon => self.daemon,
            Role::Public | Role::Administrator => self.administrator,
        }
    }

    /// All its sessions.
    pub(crate) const fn sessions(&self) -> [u32; 2] {
        [self.daemon, self.administrator]
    }

    /// A call with room for the largest response.
    pub(crate) fn call(&self, number: u32, request: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.call_with_room(number, request, RESPONSE_MAX)
    }

    /// A call with room for `room` octets, in memory that is poisoned before.
    pub(crate) fn call_with_room(
        &self,
        number: u32,
        request: &[u8],
        room: usize,
    ) -> Result<Vec<u8>, Refusal> {
        self.call_in(self.session(number), number, request, room)
    }

    /// The same by this session.
    pub(crate) fn call_in(
        &self,
        session: u32,
        number: u32,
        request: &[u8],
        room: usize,
    ) -> Result<Vec<u8>, Refusal> {
        self.request.put(0, request);
        self.poison();
        let mut params = [
            Param::part(kind::INPUT, &self.request, 0, request.len() as u64),
            Param::part(kind::OUTPUT, &self.response, 0, room as u64),
            Param::NONE,
            Param::NONE,
        ];
        self.device.invoke(session, number, &mut params)?;
        Ok(self.response.take(0, params[1].b as usize))
    }

    /// Poisons the response memory.
    pub(crate) fn poison(&self) {
        self.response.fill(POISON);
    }

    /// Whether `room`, as it is after a call, is of the response memory.
    pub(crate) fn is_response(&self, room: &Param) -> bool {
        *room == Param::part(kind::OUTPUT, &self.response, room.a, room.b)
    }

    /// Whether the response memory is as it was, before `offset`.
    pub(crate) fn untouched_before(&self, offset: usize) -> bool {
        self.response.is_all(0, offset, POISON)
    }

    /// Whether the response memory is as it was, from `offset` on.
    pub(crate) fn untouched_from(&self, offset: usize) -> bool {
        self.response.is_all(offset, usize::MAX, POISON)
    }
}
