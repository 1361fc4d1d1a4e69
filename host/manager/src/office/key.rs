//! A group's keys: the next one with an overlap, or at once.

use proseal_issuer::{GroupKey, Notice, Signer, system_random};
use proseal_proto::id::{DeviceId, Generation, GroupId};

use super::Work;
use crate::domain::Refusal;
use crate::domain::timeline::Timeline;
use crate::failure::Failure;
use crate::store::generation::{self, Stored};
use crate::store::group::{self, Group};
use crate::store::manager;
use crate::vault::Kind;

/// A group whose generations were ended, and what it has now.
pub(crate) struct Ended {
    pub(crate) group: Group,
    pub(crate) timeline: Timeline,
}

impl Work<'_> {
    /// Writes down what has become of a group's timeline: new generations get keys of
    /// their own, those that are over lose theirs.
    pub(super) async fn settle(
        &mut self,
        group: &Group,
        timeline: &Timeline,
    ) -> Result<(), Failure> {
        let before = generation::timeline(&mut self.change, group.id, self.now).await?;
        self.kept.remove(&group.id);
        for span in timeline.spans.iter().filter(|span| span.generation.get() > before.last) {
            let key = GroupKey::generate(&mut system_random());
            let kind = Kind::Pgk(group.id, span.generation);
            let sealed_key = self.office.vault.seal(kind, key.expose())?;
            let stored = Stored { sealed_key, policy: group.policy };
            generation::insert(&mut self.change, group.id, span, &stored).await?;
        }
        generation::save(&mut self.change, group.id, &before, timeline).await?;
        if generation::erase_keys(&mut self.change, group.id, timeline, self.now).await? {
            self.has_erased();
        }
        Ok(manager::bump_revision(&mut self.change).await?)
    }

    /// Checks that the generation in use is the one that who asks has seen; 0 is none.
    ///
    /// Errors: [`Refusal::MovedOn`].
    pub(crate) async fn expect_in_use(
        &mut self,
        group: &Group,
        seen: Option<u64>,
    ) -> Result<(), Failure> {
        let Some(seen) = seen else { return Ok(()) };
        let timeline = generation::timeline(&mut self.change, group.id, self.now).await?;
        let present = timeline.current(self.now).map_or(0, |span| span.generation.get());
        if present != seen {
            return Err(Refusal::MovedOn { group: group.id, present }.into());
        }
        Ok(())
    }

    /// The next generation's turn begins, with an overlap. It is a new one where the one
    /// that members hold already will not do: a member that was removed has it, or it is
    /// from before a time that was lost, so that radios may have gone past it.
    pub(crate) async fn rotate(&mut self, group: &Group) -> Result<Timeline, Failure> {
        let mut timeline = generation::timeline(&mut self.change, group.id, self.now).await?;
        let is_known_outside =
            timeline.future(self.now).any(|span| span.generation.get() <= group.outside_to);
        if group.joins_from > timeline.last || is_known_outside {
            timeline.begin_anew(&group.terms(), self.now)?;
        } else {
            timeline.rotate(&group.terms(), self.now)?;
        }
        self.settle(group, &timeline).await?;
        self.note(format!("key rotate {}", group.id));
        Ok(timeline)
    }

    /// Adds future generations, as many as the group wants; whether any were missing.
    pub(crate) async fn extend(&mut self, group: &Group) -> Result<(Timeline, bool), Failure> {
        let mut timeline = generation::timeline(&mut self.change, group.id, self.now).await?;
        let last = timeline.last;
        timeline.extend(&group.terms(), self.now)?;
        let is_changed = timeline.last != last;
        if is_changed {
            self.settle(group, &timeline).await?;
            self.note(format!("key rotate {} --extend", group.id));
        }
        Ok((timeline, is_changed))
    }

    /// Ends all generations of a group, gives it new ones, and signs the notice of it.
    pub(super) async fn replace(
        &mut self,
        group: &Group,
        signer: &Signer,
    ) -> Result<Timeline, Failure> {
        let mut timeline = generation::timeline(&mut self.change, group.id, self.now).await?;
        timeline.replace(&group.terms(), self.now)?;
        self.settle(group, &timeline).await?;
        self.sign_notice(group.id, timeline.next, signer).await?;
        Ok(timeline)
    }

    /// The same as an operator's act.
    pub(crate) async fn replace_keys(&mut self, group: &Group) -> Result<Timeline, Failure> {
        let signer = self.signer().await?;
        let timeline = self.replace(group, &signer).await?;
        self.note(format!("key replace {}: below {}", group.id, timeline.next));
        Ok(timeline)
    }

    /// All that a device holds of a group ends; the others get a new key.
    pub(crate) async fn exclude(
        &mut self,
        group: &Group,
        device: DeviceId,
    ) -> Result<Timeline, Failure> {
        self.take_out(group.id, device).await?;
        let signer = self.signer().await?;
        let timeline = self.replace(group, &signer).await?;
        self.note(format!("exclude {device} from {}: below {}", group.id, timeline.next));
        Ok(timeline)
    }

    /// A new signer takes over, and signs a notice of every group: also where nothing was
    /// ended, since radios refuse the old signer once they have heard the new one.
    pub(crate) async fn renew_signer(
        &mut self,
        stored: &manager::Signer,
        signer: &Signer,
    ) -> Result<Vec<GroupId>, Failure> {
        manager::set_signer(&mut self.change, stored).await?;
        self.has_erased();
        manager::bump_revision(&mut self.change).await?;
        let mut notices = Vec::new();
        for group in group::all(&mut self.change).await? {
            self.sign_notice(group.id, group.next, signer).await?;
            notices.push(group.id);
        }
        self.note(format!("signer renew: version {}", stored.version));
        Ok(notices)
    }

    /// Signs a group's notice: what is below `next` is ended.
    async fn sign_notice(
        &mut self,
        group: GroupId,
        next: u64,
        signer: &Signer,
    ) -> Result<(), Failure> {
        let below = Generation::new(next).map_err(|_| Refusal::NoGeneration)?;
        let notice = Notice::sign(signer, group, below, self.now);
        Ok(group::set_notice(&mut self.change, group, notice.octets()).await?)
    }
}
