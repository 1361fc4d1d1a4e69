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
        let by_id = match value::fingerprint(named) {
            Ok(id) => device::find(&mut self.change, DeviceId(id)).await?,
            Err(_) => None,
        };
        let found = match by_id {
            Some(device) => Some(device),
            None => device::named(&mut self.change, named).await?,
        };
        let is_it = |device: &Device| {
            value::fingerprint(named) == Ok(device.id.0) || device.name.as_deref() == Some(named)
        };
        found.filter(is_it).ok_or_else(|| Failure::Unknown { what: "device", named: named.into() })
    }

    /// A group by its id or its name.
    pub(crate) async fn group(&mut self, named: &str) -> Result<Group, Failure> {
        // The id first: a name that looks like one stands in for no other group.
        let by_id = match value::group(named) {
            Ok(id) => group::find(&mut self.change, id).await?,
            Err(_) => None,
        };
        let found = match by_id {
            Some(group) => Some(group),
            None => group::named(&mut self.change, named).await?,
        };
        let is_it = |group: &Group| {
            value::group(named) == Ok(group.id) || group.name.as_deref() == Some(named)
        };
        found.filter(is_it).ok_or_else(|| Failure::Unknown { what: "group", named: named.into() })
    }
}
