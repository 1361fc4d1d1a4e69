//! Groups come into being.

use super::Work;
use crate::failure::Failure;
use crate::store::generation;
use crate::store::group::{self, Group};

impl Work<'_> {
    /// Makes a group, with its first generations.
    pub(crate) async fn add_group(&mut self, group: &Group) -> Result<(), Failure> {
        let mut other = group::find(&mut self.change, group.id).await?;
        if let (None, Some(name)) = (&other, &group.name) {
            other = group::named(&mut self.change, name).await?;
        }
        if let Some(other) = other {
            return Err(Failure::Taken(format!("group {} is there already", other.called())));
        }
        group::insert(&mut self.change, group).await?;
        let mut timeline = generation::timeline(&mut self.change, group.id, self.now).await?;
        timeline.extend(&group.terms(), self.now)?;
        self.settle(group, &timeline).await?;
        self.note(&format!("group add {}", group.id)).await
    }
}
