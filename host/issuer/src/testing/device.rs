//! A device in memory. Its opening is this library's, not the trusted
//! application's.

use ed25519_dalek::{Signer as _, SigningKey};
use hpke::aead::AesGcm128;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, Serializable};
use proseal_proto::content::{Label, Policy};
use proseal_proto::id::{DeviceId, Generation, GroupId, MemberId, PgkId};
use proseal_proto::profile::{Profile, Suite};
use zeroize::Zeroizing;

use super::Value;
use crate::cbor::{self, Entries};
use crate::cose::{Header, sealing_aad, sign1, to_be_signed};
use crate::device::DeviceKeys;
use crate::error::{CONTENT_PART, Error, Field};
use crate::kind::Kind;
use crate::package::Package;
use crate::state::{DesiredState, Group, GroupKey, Pgk};
use crate::statement::Statement;

type Private = <X25519HkdfSha256 as Kem>::PrivateKey;

/// The private half of a device's identity.
pub struct Device {
    opening: Private,
    signing: SigningKey,
    keys: DeviceKeys,
}

impl Device {
    /// From the X25519 private key (RFC 7748, 32 octets) and the Ed25519 seed (RFC 8032,
    /// 32 octets).
    ///
    /// # Panics
    /// Never: any 32 octets are private keys.
    #[must_use]
    pub fn from_secrets(x25519: &[u8; 32], ed25519: &[u8; 32]) -> Self {
        let opening = Private::from_bytes(x25519).expect("any 32 octets are a private key");
        let public: [u8; 32] = X25519HkdfSha256::sk_to_pk(&opening).to_bytes().into();
        let signing = SigningKey::from_bytes(ed25519);
        let keys = DeviceKeys::new(&public, signing.verifying_key().as_bytes());
        Self { opening, signing, keys: keys.expect("keys that were made are valid") }
    }

    /// The public keys.
    #[must_use]
    pub const fn keys(&self) -> &DeviceKeys {
        &self.keys
    }

    /// The content's octets as they were sealed. The headers' device id is not
    /// compared, so that a test can seal to a device under another's id.
    ///
    /// [`Error::NotOpened`] if it was sealed to another key or changed.
    pub fn open_octets(&self, package: &Package) -> Result<Zeroizing<Vec<u8>>, Error> {
        let sealed = &package.sealed;
        let ek = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&sealed.ek);
        let aad = sealing_aad(&sealed.header_octets);
        hpke::single_shot_open::<AesGcm128, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.opening,
            &ek.map_err(|_| Error::NotOpened)?,
            &[],
            &sealed.ciphertext,
            &aad,
        )
        .map(Zeroizing::new)
        .map_err(|_| Error::NotOpened)
    }

    /// Opens a package and reads its content.
    ///
    /// Errors: [`Error::WrongDevice`], [`Error::NotOpened`], [`Error::Malformed`],
    /// [`Error::Disagree`] if the content says another device or sequence than the
    /// headers, [`Error::State`].
    pub fn open(&self, package: &Package) -> Result<DesiredState, Error> {
        if package.device() != self.keys.id() {
            return Err(Error::WrongDevice);
        }
        let octets = self.open_octets(package)?;
        let malformed = Error::Malformed { kind: Kind::Package, part: CONTENT_PART };
        let (device, state) = read_content(&octets).ok_or(malformed)?;
        if device != package.device() {
            return Err(Error::Disagree { field: Field::Device });
        }
        if state.sequence != package.sequence() {
            return Err(Error::Disagree { field: Field::Sequence });
        }
        state.check()?;
        Ok(state)
    }

    /// Signs a statement; its keys should be this device's.
    #[must_use]
    pub fn state(&self, statement: &Statement) -> Vec<u8> {
        let header = Header::signed(Kind::Statement, None);
        sign1(&header, None, statement.payload(), |message| self.sign(message))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }
}

/// Whom a content is for and what it says, by this library's own reader; `None` if it is
/// none. Rules of a state are another matter: [`DesiredState::check`].
#[must_use]
pub fn read_content(octets: &[u8]) -> Option<(DeviceId, DesiredState)> {
    let mut entries = Entries::of(cbor::read(octets)?)?;
    let device = DeviceId(entries.octets(1)?);
    let (sequence, time) = (entries.uint(2)?, entries.uint(3)?);
    let start_nonce = match entries.take(4) {
        Some(nonce) => Some(nonce.into_bytes().ok()?.try_into().ok()?),
        None => None,
    };
    let groups = ascending(entries.array(5)?, group, |group| group.group)?;
    entries.end_of_payload()?;
    Some((device, DesiredState { sequence, time, start_nonce, groups }))
}

fn group(value: Value) -> Option<Group> {
    let mut entries = Entries::of(value)?;
    let group = Group {
        group: GroupId::new(entries.uint(1)?.try_into().ok()?).ok()?,
        member: MemberId::new(entries.uint(2)?.try_into().ok()?).ok()?,
        next: Generation::new(entries.uint(3)?).ok()?,
        may_send: entries.bool(4)?,
        pgks: ascending(entries.array(5)?, pgk, |pgk| pgk.generation)?,
    };
    entries.end_of_payload()?;
    Some(group)
}

fn pgk(value: Value) -> Option<Pgk> {
    let mut entries = Entries::of(value)?;
    let narrow = |number: Option<u64>| u32::try_from(number?).ok();
    let pgk = Pgk {
        generation: Generation::new(entries.uint(1)?).ok()?,
        id: PgkId(entries.uint(2)?.try_into().ok()?),
        key: GroupKey::from_octets(&Zeroizing::new(entries.octets(3)?)),
        is_root: entries.bool(4)?,
        policy: Policy {
            not_before: entries.uint(5)?,
            not_after: entries.uint(6)?,
            profile: Profile::try_from(u8::try_from(entries.uint(7)?).ok()?).ok()?,
            suite: Suite::try_from(u8::try_from(entries.uint(8)?).ok()?).ok()?,
            label: Label::new(&entries.text(9)?).ok()?,
            epoch_s: narrow(entries.uint(10))?,
            epoch_packets: narrow(entries.uint(11))?,
            receive_grace_s: narrow(entries.uint(12))?,
            send_grace_s: narrow(entries.uint(13))?,
            max_unsynced_s: narrow(entries.uint(14))?,
            accept_rollback: entries.bool(15)?,
        },
    };
    entries.end_of_payload()?;
    Some(pgk)
}

/// All items, if they stand in order.
fn ascending<T, K: Ord>(
    items: Vec<Value>,
    read: impl Fn(Value) -> Option<T>,
    key: impl Fn(&T) -> K,
) -> Option<Vec<T>> {
    let items: Vec<T> = items.into_iter().map(read).collect::<Option<_>>()?;
    items.is_sorted_by(|one, next| key(one) < key(next)).then_some(items)
}

/// A random source of fixed octets, over and over: for vectors. Sealing draws 32,
/// the `ikmE` of RFC 9180 section 7.1.3.
pub struct Fixed<'a>(std::iter::Cycle<std::slice::Iter<'a, u8>>);

impl<'a> Fixed<'a> {
    /// A source that gives these octets.
    #[must_use]
    pub fn new(octets: &'a [u8]) -> Self {
        Self(octets.iter().cycle())
    }
}

impl rand_core::TryRng for Fixed<'_> {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut octets = [0; 4];
        self.try_fill_bytes(&mut octets)?;
        Ok(u32::from_le_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut octets = [0; 8];
        self.try_fill_bytes(&mut octets)?;
        Ok(u64::from_le_bytes(octets))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Self::Error> {
        to.iter_mut().zip(&mut self.0).for_each(|(to, from)| *to = *from);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Fixed<'_> {}

/// The octets that are signed over a protected header and a payload.
#[must_use]
pub fn sig_structure(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    to_be_signed(protected, payload)
}

/// The additional data that a content is sealed with under a protected header.
#[must_use]
pub fn enc_structure(protected: &[u8]) -> Vec<u8> {
    sealing_aad(protected)
}
