//! What an operator names: a device or a group, by id or name.

use proseal_proto::id::DeviceId;

use super::Work;
use crate::failure::Failure;
use crate::store::device::{self, Device};
use crate::store::group::{self, Group};
use crate::value;

impl Work<'_> {
    /// A device by its id or its name.
    pub(crate) async fn device(&mut self, named: &str) -> Result<Device, Failure> {
        let devices = device::all(&mut self.change).await?;
        let id = value::fingerprint(named).ok().map(DeviceId);
        let is_it =
            |device: &Device| Some(device.id) == id || device.name.as_deref() == Some(named);
        devices.into_iter().find(is_it).ok_or_else(|| {
            Failure::Usage(format!("no device {named}: `prose-manager device list` shows all"))
        })
    }

    /// A group by its id or its name.
    pub(crate) async fn group(&mut self, named: &str) -> Result<Group, Failure> {
        let groups = group::all(&mut self.change).await?;
        let id = value::group(named).ok();
        // The id first: a name that looks like one stands in for no other group.
        let found = groups.iter().find(|group| Some(group.id) == id);
        let found = found.or(groups.iter().find(|group| group.name.as_deref() == Some(named)));
        found.cloned().ok_or_else(|| {
            Failure::Usage(format!("no group {named}: `prose-manager group list` shows all"))
        })
    }
}
