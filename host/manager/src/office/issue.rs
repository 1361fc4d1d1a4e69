//! What is made anew and signed: generations, notices, packages.

use proseal_issuer::{DesiredState, GroupKey, Notice, Package, Pgk, Signer, system_random};
use proseal_proto::content::Policy;
use proseal_proto::id::{DeviceId, Generation, GroupId, MemberId, PgkId};
use sha2::{Digest, Sha256};

use super::Work;
use crate::domain::device::{self as rule, Brought, Progress, Standing};
use crate::domain::member::{Given, former};
use crate::domain::timeline::{Span, Timeline};
use crate::domain::{Refusal, number};
use crate::failure::Failure;
use crate::store::device::Device;
use crate::store::group::{self, Group, Member, Stored};
use crate::store::package::{self, Made};
use crate::vault::Kind;

/// A group as one member is to hold it.
struct Share {
    member: Member,
    group: GroupId,
    next: Generation,
    pgks: Vec<(Span, Policy)>,
}

/// A package that goes out.
pub(crate) struct Issued {
    pub(crate) made: Made,
    /// It was made now; else it is the last one again.
    pub(crate) is_new: bool,
    /// The groups in it.
    pub(crate) groups: usize,
}

impl Work<'_> {
    /// Writes down what has become of a group's timeline: new generations get keys of
    /// their own, those that are over lose theirs.
    pub(crate) async fn settle(
        &mut self,
        group: &Group,
        timeline: &Timeline,
    ) -> Result<(), Failure> {
        let before = group::timeline(&mut self.change, group.id).await?.last;
        for span in timeline.spans.iter().filter(|span| span.generation.get() > before) {
            let key = GroupKey::generate(&mut system_random());
            let sealed_key = self.vault.seal(Kind::Pgk(group.id, span.generation), key.expose())?;
            let stored = Stored { sealed_key, policy: group.policy };
            group::insert_generation(&mut self.change, group.id, span, &stored).await?;
        }
        group::set_timeline(&mut self.change, group.id, timeline).await?;
        Ok(group::erase_keys(&mut self.change, group.id, timeline, self.now).await?)
    }

    /// The next generation's turn begins, with an overlap. It is a new one where the one
    /// that members hold already will not do: a member that was removed has it, or it is
    /// from before a time that was lost, so that radios may have gone past it.
    pub(crate) async fn rotate(&mut self, group: &Group) -> Result<Timeline, Failure> {
        let mut timeline = group::timeline(&mut self.change, group.id).await?;
        let future = timeline.future(self.now).map(|span| span.generation.get());
        let future: Vec<_> = future.collect();
        let given = group::given(&mut self.change, group.id).await?;
        let members = group::members(&mut self.change, group.id).await?;
        let members: Vec<_> = members.iter().map(|member| member.device).collect();
        let is_known_outside = !former(&future, &given, &members).is_empty();
        if group.joins_from > timeline.last || is_known_outside {
            timeline.begin_anew(&group.terms(), self.now)?;
        } else {
            timeline.rotate(&group.terms(), self.now)?;
        }
        self.settle(group, &timeline).await?;
        Ok(timeline)
    }

    /// Ends all generations of a group, gives it new ones, and signs the notice of it.
    pub(crate) async fn replace(
        &mut self,
        group: &Group,
        signer: &Signer,
    ) -> Result<Timeline, Failure> {
        let mut timeline = group::timeline(&mut self.change, group.id).await?;
        timeline.replace(&group.terms(), self.now)?;
        self.settle(group, &timeline).await?;
        self.sign_notice(group.id, &timeline, signer).await?;
        Ok(timeline)
    }

    /// A device has applied what this database never made. Whatever else was given in that
    /// time: no number of it is used again, and who joins a group gets nothing of it.
    pub(crate) async fn pass_lost_time(&mut self, device: &mut Device) -> Result<(), Failure> {
        let stated = device.statement.sequence;
        for group in group::all(&mut self.change).await? {
            let last = group::timeline(&mut self.change, group.id).await?.last;
            let last = number::past(last, stated, self.now);
            group::bar_joining(&mut self.change, group.id, last).await?;
        }
        device.sequence_given = number::past(device.sequence_given, stated, self.now);
        Ok(())
    }

    /// Signs a group's notice.
    pub(crate) async fn sign_notice(
        &mut self,
        group: GroupId,
        timeline: &Timeline,
        signer: &Signer,
    ) -> Result<(), Failure> {
        let below = Generation::new(timeline.next).map_err(|_| Refusal::NoGeneration)?;
        let notice = Notice::sign(signer, group, below, self.now);
        Ok(group::set_notice(&mut self.change, group, notice.octets()).await?)
    }

    /// The package for a device: the last one if it says what is wanted still, else a
    /// new one under a new sequence, written down before anybody has it.
    pub(crate) async fn package(
        &mut self,
        device: &Device,
        signer: &Signer,
    ) -> Result<Issued, Failure> {
        let root_digest = self.identity.root.digest();
        rule::may_seal(
            device.id,
            device.standing,
            device.rolled_back,
            &device.statement,
            &root_digest,
        )?;
        rule::may_leave(device.id, self.left(device.id).await?)?;
        let now = self.now;
        let shares = self.shares(device.id, |timeline, span| timeline.is_live(span, now)).await?;
        let is_fresh =
            shares.iter().flat_map(|s| &s.pgks).any(|(_, policy)| policy.max_unsynced_s > 0);
        let wanted = wanted(&shares, is_fresh.then_some(device.octets.as_slice()));
        let version = signer.delegation().version().get();
        let last = package::newest(&mut self.change, device.id).await?;
        let groups = shares.len();
        if let Some(made) = last.filter(|last| {
            (last.wanted, last.version) == (wanted, version) && is_news(last, device)
        }) {
            return Ok(Issued { made, is_new: false, groups });
        }
        let stated = device.statement.sequence.max(device.sequence_seen);
        let sequence = number::sequence(device.sequence_given, stated, self.now);
        let state = DesiredState {
            sequence,
            // A device whose floor is ahead counts the age of a package from there.
            time: self.now.max(device.statement.floor),
            start_nonce: is_fresh.then_some(device.statement.start_nonce),
            groups: self.opened(&shares).await?,
        };
        let sealed = Package::seal(signer, &device.statement.device, &state, &mut system_random())?;
        let made = Made {
            sequence,
            version,
            wanted,
            digest: *sealed.digest(),
            octets: sealed.octets().to_vec(),
            made_at: self.now,
        };
        package::insert(&mut self.change, device.id, &made).await?;
        for share in &shares {
            for (span, _) in &share.pgks {
                let given = Given {
                    device: device.id,
                    member: share.member.member,
                    generation: span.generation.get(),
                };
                group::give(&mut self.change, share.group, &given).await?;
            }
        }
        Ok(Issued { made, is_new: true, groups })
    }

    /// How a device stands to what it should hold.
    pub(crate) async fn progress(&mut self, device: &Device) -> Result<Progress, Failure> {
        let made = package::newest(&mut self.change, device.id).await?;
        // What has ended by itself since a package was made is no news.
        let at = made.as_ref().map_or(self.now, |made| made.made_at);
        let shares = self.shares(device.id, |timeline, span| timeline.is_wanted(span, at)).await?;
        let Some(made) = made else {
            return Ok(if shares.is_empty() { Progress::NoPackage } else { Progress::Due });
        };
        if device.standing != Standing::Lost
            && !is_same_content(&wanted(&shares, None), &made.wanted)
        {
            return Ok(Progress::Due);
        }
        let statement = &device.statement;
        if made.digest != statement.package_digest {
            return Ok(Progress::NotSeen);
        }
        let brought = shares.iter().flat_map(|share| {
            let brought = move |(span, _): &(Span, Policy)| Brought {
                group: share.group,
                generation: span.generation,
                closes: span.closes(),
            };
            share.pgks.iter().map(brought)
        });
        let brought: Vec<_> = brought.collect();
        let is_all = rule::holds(&statement.held_digest, statement.floor, &brought);
        Ok(if is_all { Progress::Applied } else { Progress::Partly })
    }

    /// How many groups a device was given keys of, and is not in any more.
    async fn left(&mut self, device: DeviceId) -> Result<usize, Failure> {
        let mut left = 0_usize;
        for group in group::all(&mut self.change).await? {
            let members = group::members(&mut self.change, group.id).await?;
            let given = group::given(&mut self.change, group.id).await?;
            let is_left = members.iter().all(|member| member.device != device)
                && given.iter().any(|given| given.device == device);
            left = left.saturating_add(usize::from(is_left));
        }
        Ok(left)
    }

    /// What a device is to hold of each of its groups: the generations that `brings` says.
    async fn shares(
        &mut self,
        device: DeviceId,
        brings: impl Fn(&Timeline, &Span) -> bool,
    ) -> Result<Vec<Share>, Failure> {
        let mut shares = Vec::new();
        for group in group::all(&mut self.change).await? {
            let members = group::members(&mut self.change, group.id).await?;
            let Some(member) = members.into_iter().find(|member| member.device == device) else {
                continue;
            };
            let timeline = group::timeline(&mut self.change, group.id).await?;
            let next = Generation::new(timeline.next).map_err(|_| Refusal::NoGeneration)?;
            let mut pgks = Vec::new();
            for span in timeline.spans.iter().filter(|span| brings(&timeline, span)) {
                if span.generation.get() >= member.joins_from {
                    let policy = group::policy_of(&mut self.change, group.id, span).await?;
                    pgks.push((*span, policy));
                }
            }
            shares.push(Share { member, group: group.id, next, pgks });
        }
        Ok(shares)
    }

    /// The same with the keys, as it is sealed.
    async fn opened(&mut self, shares: &[Share]) -> Result<Vec<proseal_issuer::Group>, Failure> {
        let mut groups = Vec::new();
        for share in shares {
            let mut pgks = Vec::new();
            for (span, policy) in &share.pgks {
                let sealed = group::sealed_key(&mut self.change, share.group, span).await?;
                let key = self.vault.open(Kind::Pgk(share.group, span.generation), &sealed)?;
                pgks.push(Pgk {
                    generation: span.generation,
                    id: span.id,
                    key: GroupKey::from_octets(&key),
                    is_root: false,
                    policy: *policy,
                });
            }
            groups.push(proseal_issuer::Group {
                group: share.group,
                member: share.member.member,
                next: share.next,
                may_send: share.member.may_send,
                pgks,
            });
        }
        Ok(groups)
    }
}

/// Whether a device applies a package, or has applied this very one.
fn is_news(made: &Made, device: &Device) -> bool {
    let statement = &device.statement;
    made.sequence > statement.sequence
        || (made.sequence == statement.sequence && made.digest == statement.package_digest)
}

/// Octets of a digest that are of the content; the others are of the statement that asked.
const CONTENT: usize = 16;

/// Digest of all that a package says but its sequence and time, and of the statement that
/// `asked` for it where each one asks for news. It is of a text that is compared with
/// itself only: should the text change, that costs a sequence.
fn wanted(shares: &[Share], asked: Option<&[u8]>) -> [u8; 32] {
    type Entry = (Generation, PgkId, Policy);
    type Said = (GroupId, MemberId, Generation, bool, Vec<Entry>);
    let said = |share: &Share| -> Said {
        let pgks = share.pgks.iter().map(|(span, policy)| (span.generation, span.id, *policy));
        let Member { member, may_send, .. } = share.member;
        (share.group, member, share.next, may_send, pgks.collect())
    };
    let said: Vec<Said> = shares.iter().map(said).collect();
    let content: [u8; 32] = Sha256::digest(format!("{said:?}")).into();
    let asked: [u8; 32] = asked.map_or([0; 32], |octets| Sha256::digest(octets).into());
    let mut wanted = asked;
    for (octet, of) in wanted.iter_mut().zip(content).take(CONTENT) {
        *octet = of;
    }
    wanted
}

fn is_same_content(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.iter().zip(other).take(CONTENT).all(|(one, other)| one == other)
}
