//! Groups come into being, and their next generations are to be otherwise.

use proseal_proto::id::GroupId;

use super::Work;
use crate::domain::plan::Plan;
use crate::failure::Failure;
use crate::store::generation;
use crate::store::group::{self, Group};

impl Work<'_> {
    /// Makes a group, with its first generations.
    ///
    /// Errors: [`Failure::Usage`] for a plan that makes no sense, [`Failure::Taken`].
    pub(crate) async fn add_group(
        &mut self,
        id: GroupId,
        name: Option<String>,
        plan: &Plan,
    ) -> Result<Group, Failure> {
        let mut other = group::find(&mut self.change, id).await?;
        if let (None, Some(name)) = (&other, &name) {
            other = group::named(&mut self.change, name).await?;
        }
        if let Some(other) = other {
            return Err(Failure::Taken(format!("group {} is there already", other.called())));
        }
        let group = Group {
            id,
            name,
            policy: plan.policy().map_err(Failure::Usage)?,
            lifetime_s: plan.lifetime_s,
            overlap_s: plan.overlap_s,
            ahead: usize::from(plan.ahead),
            joins_from: 1,
            next: 1,
            outside_to: 0,
            joining: plan.joining,
            notice: None,
        };
        group::insert(&mut self.change, &group).await?;
        let mut timeline = generation::timeline(&mut self.change, id, self.now).await?;
        timeline.extend(&group.terms(), self.now)?;
        self.settle(&group, &timeline).await?;
        self.note(format!("group add {id}"));
        Ok(group)
    }

    /// From now on a group's next generations are as `plan` says; those that there are stay
    /// as they were.
    ///
    /// Errors: [`Failure::Usage`] for a plan that makes no sense.
    pub(crate) async fn change_group(
        &mut self,
        group: &Group,
        plan: &Plan,
    ) -> Result<Group, Failure> {
        let changed = Group {
            policy: plan.policy().map_err(Failure::Usage)?,
            lifetime_s: plan.lifetime_s,
            overlap_s: plan.overlap_s,
            ahead: usize::from(plan.ahead),
            joining: plan.joining,
            ..group.clone()
        };
        group::update(&mut self.change, &changed).await?;
        self.note(format!("group set {}: {plan:?}", group.id));
        Ok(changed)
    }
}
