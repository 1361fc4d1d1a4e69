//! What groups have of generations, read once in a transaction: all who join a group or report
//! in one batch ask for the same.

use std::collections::HashMap;
use std::sync::Arc;

use proseal_proto::id::GroupId;

use super::Work;
use crate::failure::Failure;
use crate::store::generation::{self, Entry};

/// By group: since when, and what there was. It holds until a timeline is written, or
/// that is undone.
pub(super) type Kept = HashMap<GroupId, (u64, Arc<[Entry]>)>;

impl Work<'_> {
    /// A group's generations, ascending: at least all that are open at `since` or have a key
    /// still.
    pub(super) async fn entries(
        &mut self,
        group: GroupId,
        since: u64,
    ) -> Result<Arc<[Entry]>, Failure> {
        let kept = self.kept.get(&group).filter(|(read_since, _)| *read_since <= since);
        if let Some((_, entries)) = kept {
            return Ok(Arc::clone(entries));
        }
        let entries: Arc<[_]> = generation::entries(&mut self.change, group, since).await?.into();
        self.kept.insert(group, (since, Arc::clone(&entries)));
        Ok(entries)
    }
}
