//! The manager of the device that is measured. Its keys are drawn here and
//! end with the run.

use proseal_client::Client;
use proseal_issuer::{
    Delegation, DeviceKeys, ManagerId, Package, RootKey, Signer, SignerKey, SignerVersion,
    Statement, system_random,
};
use proseal_proto::id::DeviceId;
use proseal_proto::message::{Enrol, GetStatement};

use crate::{Result, content};

const MANAGER: ManagerId = ManagerId([0xbe; 16]);
const NONCE: [u8; 32] = [0x0e; 32];

/// Who signs the device's packages.
pub(crate) struct Manager {
    signer: Signer,
    device: DeviceKeys,
}

impl Manager {
    /// Enrols a factory device.
    pub(crate) fn enrol(client: &mut Client) -> Result<Self> {
        let (root, key) =
            (RootKey::generate(&mut system_random()), SignerKey::generate(&mut system_random()));
        let delegation = Delegation::sign(&root, key.public(), SignerVersion::new(1)?, MANAGER);
        let reply = client.call(&GetStatement { nonce: NONCE })?;
        let device = Statement::verify_answer(&reply.statement, &NONCE)?.device;
        client.call(&Enrol { root_key: *root.public().octets(), manager: MANAGER.0 })?;
        Ok(Self { signer: Signer::new(key, delegation)?, device })
    }

    /// Whom packages are for.
    pub(crate) fn device(&self) -> DeviceId {
        self.device.id()
    }

    /// A package with this sequence and [`content::state`].
    pub(crate) fn package(&self, sequence: u64) -> Result<Vec<u8>> {
        let state = content::state(sequence);
        let package = Package::seal(&self.signer, &self.device, &state, &mut system_random())?;
        Ok(package.octets().to_vec())
    }
}
