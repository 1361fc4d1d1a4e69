//! `statement`, `enrol` and `import`.

use proseal_proto::content::Content;
use proseal_proto::error::Code;
use proseal_proto::message::{Enrol, GetStatement, Import, ImportReply, Outcome, StatementReply};
use proseal_proto::package::{self, Body, Package, Trust};
use proseal_proto::statement::Statement;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::apply::{self, Whole};
use crate::device::{Ta, device_id};
use crate::platform::Platform;
use crate::state::State;
use crate::{VERSION, hpke, signature};

pub(crate) fn statement<P: Platform>(
    ta: &mut Ta<P>,
    request: GetStatement,
) -> Result<StatementReply, Code> {
    ta.look()?;
    // So that what has ended by the floor it tells is not in what it says is held.
    ta.checkpoint();
    make_statement(ta, request.nonce)
}

pub(crate) fn enrol<P: Platform>(ta: &mut Ta<P>, request: Enrol) -> Result<StatementReply, Code> {
    let Enrol { root_key, manager } = request;
    let body = Sha256::new().chain_update(root_key).chain_update(manager).finalize().into();
    ta.identity(&body)?;
    ta.commit(|state| {
        (state.root_key, state.manager) = (root_key, manager);
        Ok(())
    })?;
    make_statement(ta, body)
}

pub(crate) fn import<P: Platform>(
    ta: &mut Ta<P>,
    request: Import<'_>,
) -> Result<ImportReply, Code> {
    let State { root_key, manager, signer_version, .. } = *ta.enrolled()?;
    if root_key == [0; 32] {
        // In use without a manager, as only the test build's devices can be.
        return Err(Code::WrongState);
    }
    let trust = Trust { root_key: &root_key, manager: &manager, signer_version };
    let verified = package::verify(request.octets, &trust, signature::verify)?;
    let version = verified.signer_version;
    let outcome = match verified.body {
        Body::Package(package) => import_package(ta, version, &package)?,
        Body::Notice(notice) => ta.commit(|state| {
            state.signer_version = version;
            Ok(apply::apply_notice(state, &notice))
        })?,
    };
    let nonce = apply::digest(request.octets);
    Ok(ImportReply { outcome, statement: make_statement(ta, nonce)?.statement })
}

fn import_package<P: Platform>(
    ta: &mut Ta<P>,
    version: u32,
    package: &Package<'_>,
) -> Result<Outcome, Code> {
    let state = ta.enrolled()?;
    if package.device != state.device {
        return Err(Code::WrongDevice);
    }
    let digest = apply::digest(package.payload);
    if let Some(outcome) = apply::order(state, package.sequence, &digest)? {
        return Ok(outcome);
    }
    let mut sealed = Zeroizing::new(package.ciphertext().to_vec());
    let content = open(ta, package, &mut sealed)?;
    let nonce = ta.start_nonce()?;
    ta.commit_over(|state, held| {
        let content = Content::parse(content)?;
        if content.device != package.device || content.sequence != package.sequence {
            return Err(Code::HeadersDisagree);
        }
        state.signer_version = version;
        apply::apply::<Whole>(state, held, &content, digest, &nonce)
    })
}

/// Opens a package in place; its content.
fn open<'s, P: Platform>(
    ta: &mut Ta<P>,
    package: &Package<'_>,
    sealed: &'s mut [u8],
) -> Result<&'s [u8], Code> {
    let encapsulated = package.encapsulated_key();
    let keys = ta.keys()?;
    if !hpke::is_good_key(encapsulated) {
        return Err(Code::NotOpened);
    }
    let mut agreed = Zeroizing::new([0; hpke::KEY]);
    ta.agree(encapsulated, &mut agreed)?;
    let seal = hpke::Sealed {
        agreed: &agreed,
        encapsulated,
        recipient: &keys.x25519,
        info: &[],
        aad: &package.additional_data(),
    };
    hpke::open(&seal, sealed).map(|content| &*content).map_err(|_| Code::NotOpened)
}

/// What the device says of itself now. Nothing else is ever signed.
fn make_statement<P: Platform>(ta: &mut Ta<P>, nonce: [u8; 32]) -> Result<StatementReply, Code> {
    let keys = ta.identity(&nonce)?;
    let start_nonce = ta.start_nonce()?;
    let (device_state, floor) = (ta.device_state()?, ta.now().floor);
    let nothing = State::new();
    let state = ta.state().unwrap_or(&nothing);
    let statement = Statement {
        device: device_id(&keys),
        keys,
        ta_version: VERSION,
        nonce,
        start_nonce,
        floor,
        sequence: state.sequence,
        package_digest: state.digest,
        held_digest: held_digest(state),
        root_digest: digest_of_root(&state.root_key),
        state: device_state,
    };
    Ok(StatementReply { statement: statement.sign(|message| ta.sign(message))? })
}

/// Zeros if no root key is pinned.
fn digest_of_root(root_key: &[u8; 32]) -> [u8; 32] {
    if *root_key == [0; 32] { [0; 32] } else { Sha256::digest(root_key).into() }
}

fn held_digest(state: &State) -> [u8; 32] {
    let mut hash = Sha256::new();
    for group in &state.groups {
        for pgk in &group.pgks {
            hash.update(group.id.octets());
            hash.update(pgk.generation.get().to_be_bytes());
        }
    }
    hash.finalize().into()
}
