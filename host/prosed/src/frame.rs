//! The frame of docs/packet.md: what stands where, and how long each part is.
//! Nothing is decided here but whether the octets are a frame.

use proseal_proto::id::{EpochSalt, GroupId, MemberId, PtkId};
use proseal_proto::profile::{Profile, Suite};

use crate::drops::DropReason;

/// The version in the four high bits of octet 0.
const VERSION: u8 = 1;
/// Set in octet 0 of a frame with the epoch extension.
const EXTENDED: u8 = 0b10;
/// The bit of octet 0 that is not in use.
const RESERVED: u8 = 0b1;

/// Octets that all kinds of frames begin with: octet 0, group, sender.
pub const COMMON: usize = 1 + 3 + 3;
/// SDU type with index, PTK Id and the low half of the sequence number: the header
/// of a one-to-many PDU (TS 36.323 clause 6.2.10).
const PDCP: usize = 1 + 2 + 2;
/// The high half of the sequence number.
const SN_HIGH: usize = 2;
/// The epoch extension: salt and admission tag.
pub const EXTENSION: usize = 8 + AdmissionTag::LEN;
/// Octets of the tag of `aead` and `integrity`.
pub const TAG: usize = 16;
/// Octets of the MAC-I of `3gpp`.
pub const MAC_I: usize = 4;
/// What must be free before a payload that is protected in place.
pub const HEADROOM: usize = COMMON + PDCP + SN_HIGH + EXTENSION;
/// What must be free behind it.
pub const TAILROOM: usize = TAG;
/// Octets of the longest object frame: one signed object of at most 15 KiB.
pub const OBJECT_MAX: usize = COMMON + proseal_proto::limit::PACKAGE_MAX;
/// Octets of the longest data frame: what one UDP datagram over IPv6 carries.
pub const DATA_MAX: usize = 65_535 - 8;

const _: () = {
    let aead = Layout { suite: Suite::Aead, salted: true };
    assert!(aead.overhead(false) == 30 && aead.overhead(true) == 46);
    let eps = Layout { suite: Suite::ThreeGpp, salted: true };
    assert!(eps.overhead(false) == 16 && eps.overhead(true) == 32);
    assert!(HEADROOM == aead.header(true) && TAILROOM == aead.tail());
};

/// What an epoch is announced with, and proves that somebody of the group did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionTag(pub [u8; Self::LEN]);

impl AdmissionTag {
    /// Octets of the tag.
    pub const LEN: usize = 8;
}

/// Type of the service data unit (TS 36.323 clause 6.3.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SduType {
    /// An IP packet.
    Ip = 0,
    /// An ARP packet.
    Arp = 1,
    /// PC5 signalling.
    Signalling = 2,
    /// Anything else: the datagrams of the local API.
    NonIp = 3,
}

impl SduType {
    const fn new(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Ip),
            1 => Some(Self::Arp),
            2 => Some(Self::Signalling),
            3 => Some(Self::NonIp),
            _ => None,
        }
    }
}

/// The parts of a data frame whose length its PGK decides: by suite, and by whether
/// the profile has epoch salts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How the frame is protected.
    pub suite: Suite,
    /// Whether its profile has epoch salts, and so an epoch extension.
    pub salted: bool,
}

impl Layout {
    /// The layout under a policy.
    #[must_use]
    pub const fn new(profile: Profile, suite: Suite) -> Self {
        Self { suite, salted: profile.has_salt() }
    }

    /// Octets before the payload.
    #[must_use]
    pub const fn header(self, extended: bool) -> usize {
        let sn = match self.suite {
            Suite::Aead | Suite::Integrity => SN_HIGH,
            Suite::ThreeGpp => 0,
        };
        let extension = if extended { EXTENSION } else { 0 };
        COMMON.saturating_add(PDCP).saturating_add(sn).saturating_add(extension)
    }

    /// Octets behind the payload.
    #[must_use]
    pub const fn tail(self) -> usize {
        match self.suite {
            Suite::Aead | Suite::Integrity => TAG,
            Suite::ThreeGpp => MAC_I,
        }
    }

    /// All octets that are not payload.
    #[must_use]
    pub const fn overhead(self, extended: bool) -> usize {
        self.header(extended).saturating_add(self.tail())
    }

    /// The last sequence number of an epoch.
    #[must_use]
    pub const fn last_sn(self) -> u32 {
        match self.suite {
            Suite::Aead | Suite::Integrity => u32::MAX,
            Suite::ThreeGpp => u16::MAX as u32,
        }
    }
}

/// The beginning of a frame, read without knowing any PGK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Protected payload.
    Data(Data),
    /// A signed object, from octet [`COMMON`] on. Its addresses mean nothing.
    Object,
}

/// What a data frame begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data {
    /// The destination group.
    pub group: GroupId,
    /// Who says that it sent it.
    pub sender: MemberId,
    /// The five low bits of the PGK Id.
    pub index: u8,
    extended: bool,
    sdu: u8,
    ptk_id: u16,
}

/// The epoch extension of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The epoch's salt.
    pub salt: EpochSalt,
    /// The admission tag.
    pub tag: AdmissionTag,
}

/// The header of a data frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The destination group.
    pub group: GroupId,
    /// Who says that it sent it.
    pub sender: MemberId,
    /// What the payload is.
    pub sdu: SduType,
    /// The five low bits of the PGK Id.
    pub index: u8,
    /// The epoch's PTK Id.
    pub ptk_id: PtkId,
    /// The sequence number, 1 or more.
    pub sn: u32,
    /// The epoch extension, if the frame has one.
    pub extension: Option<Extension>,
}

impl Frame {
    /// Reads what stands before the part that depends on the PGK.
    pub fn read(octets: &[u8]) -> Result<Self, DropReason> {
        let Some((&[first, g0, g1, g2, m0, m1, m2], rest)) = octets.split_first_chunk::<COMMON>()
        else {
            return Err(DropReason::Length);
        };
        if first >> 4 != VERSION || first & RESERVED != 0 {
            return Err(DropReason::Version);
        }
        let extended = first & EXTENDED != 0;
        match (first >> 2 & 0b11, extended) {
            (0, _) => {}
            (1, false) if octets.len() > OBJECT_MAX => return Err(DropReason::Length),
            (1, false) => return Ok(Self::Object),
            _ => return Err(DropReason::Version),
        }
        if octets.len() > DATA_MAX {
            return Err(DropReason::Length);
        }
        let Some(&[pdcp, p0, p1]) = rest.first_chunk::<3>() else { return Err(DropReason::Length) };
        let (group, sender) =
            (GroupId::from_octets([g0, g1, g2]), MemberId::from_octets([m0, m1, m2]));
        let ptk_id = u16::from_be_bytes([p0, p1]);
        Ok(Self::Data(Data { group, sender, index: pdcp & 0x1f, extended, sdu: pdcp >> 5, ptk_id }))
    }
}

impl Data {
    /// Reads the rest of the header, and checks that there is room for a tag.
    pub fn header(&self, octets: &[u8], layout: Layout) -> Result<Header, DropReason> {
        if octets.len() < layout.overhead(self.extended) {
            return Err(DropReason::Length);
        }
        if self.ptk_id == 0 && self.index == 0 {
            return Err(DropReason::NotCiphered);
        }
        let malformed = DropReason::Malformed;
        if self.extended && !layout.salted {
            return Err(malformed);
        }
        let sdu = SduType::new(self.sdu).ok_or(malformed)?;
        let ptk_id = PtkId::new(self.ptk_id).map_err(|_| malformed)?;
        let rest = octets.get(COMMON.saturating_add(3)..).unwrap_or_default();
        let (&low, rest) = rest.split_first_chunk::<2>().ok_or(DropReason::Length)?;
        let (high, rest) = match layout.suite {
            Suite::Aead | Suite::Integrity => {
                let (&high, rest) =
                    rest.split_first_chunk::<SN_HIGH>().ok_or(DropReason::Length)?;
                (high, rest)
            }
            Suite::ThreeGpp => ([0; SN_HIGH], rest),
        };
        let sn = u32::from(u16::from_be_bytes(high)) << 16 | u32::from(u16::from_be_bytes(low));
        if sn == 0 {
            return Err(malformed);
        }
        let extension = match self.extended {
            true => {
                let (&salt, rest) = rest.split_first_chunk().ok_or(DropReason::Length)?;
                let &tag = rest.first_chunk().ok_or(DropReason::Length)?;
                Some(Extension { salt: EpochSalt(salt), tag: AdmissionTag(tag) })
            }
            false => None,
        };
        let (group, sender, index) = (self.group, self.sender, self.index);
        Ok(Header { group, sender, sdu, index, ptk_id, sn, extension })
    }
}

/// Octet 0 of a data frame.
pub(crate) const fn first_octet(extended: bool) -> u8 {
    VERSION << 4 | if extended { EXTENDED } else { 0 }
}

impl Header {
    /// Octets of the header under a layout.
    #[must_use]
    pub const fn len(&self, layout: Layout) -> usize {
        layout.header(self.extension.is_some())
    }

    /// Writes the header to the front of `octets`, which has room for it.
    pub fn write(&self, layout: Layout, octets: &mut [u8]) {
        let [p0, p1] = self.ptk_id.get().to_be_bytes();
        let [h0, h1, l0, l1] = self.sn.to_be_bytes();
        let [g0, g1, g2] = self.group.octets();
        let [m0, m1, m2] = self.sender.octets();
        let first = first_octet(self.extension.is_some());
        let pdcp = (self.sdu as u8) << 5 | self.index & 0x1f;
        let fixed = [first, g0, g1, g2, m0, m1, m2, pdcp, p0, p1, l0, l1];
        let Some((front, mut rest)) = octets.split_first_chunk_mut() else { return };
        *front = fixed;
        if matches!(layout.suite, Suite::Aead | Suite::Integrity) {
            let Some((high, behind)) = rest.split_first_chunk_mut() else { return };
            *high = [h0, h1];
            rest = behind;
        }
        if let Some(extension) = &self.extension {
            let Some((salt, behind)) = rest.split_first_chunk_mut() else { return };
            *salt = extension.salt.0;
            if let Some(tag) = behind.first_chunk_mut() {
                *tag = extension.tag.0;
            }
        }
    }
}

/// An object frame; `group` and `sender` say where it came by, and mean nothing.
#[must_use]
pub fn object(group: GroupId, sender: MemberId, object: &[u8]) -> Vec<u8> {
    let [g0, g1, g2] = group.octets();
    let [m0, m1, m2] = sender.octets();
    [&[VERSION << 4 | 1 << 2, g0, g1, g2, m0, m1, m2], object].concat()
}

#[cfg(test)]
mod tests;
