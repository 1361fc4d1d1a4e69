//! The generations of one group along the time: which begin and end when, and
//! what a rotation or a replacement makes of them.
//!
//! ```text
//!  generation  |--- lifetime ---|- overlap -|- grace -|
//!        next                   |--- lifetime ---|- overlap -| ...
//! ```

use proseal_proto::id::{Generation, PgkId};
use proseal_proto::limit;

use super::{Refusal, number};

/// What frames carry of a PGK Id: five bits.
const INDEXES: u8 = 32;

/// How the group wants its next generations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long one is the newest, seconds; 1 or more.
    pub lifetime_s: u64,
    /// How long it stays beside the one that follows, seconds.
    pub overlap_s: u64,
    /// The longer of its graces, seconds.
    pub grace_s: u64,
    /// How many future ones members hold.
    pub ahead: usize,
}

impl Terms {
    /// From when to when a generation is for, whose turn begins at `at`.
    const fn window(&self, at: u64) -> (u64, u64) {
        (at, at.saturating_add(self.lifetime_s).saturating_add(self.overlap_s))
    }
}

/// One generation's place in time, seconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which.
    pub generation: Generation,
    /// Its label on the air.
    pub id: PgkId,
    /// When its turn begins.
    pub not_before: u64,
    /// When it ends.
    pub not_after: u64,
    /// How long after that it can be used still.
    pub grace_s: u64,
    /// Its turn will not come: packages leave it out.
    pub withdrawn: bool,
    /// Its key is gone, also if a clock that was set back says that it is not over.
    pub erased: bool,
}

impl Span {
    /// The last second in which it can be used, grace and all.
    #[must_use]
    pub const fn closes(&self) -> u64 {
        self.not_after.saturating_add(self.grace_s)
    }

    /// Whether anybody might use it still.
    #[must_use]
    pub const fn is_open(&self, now: u64) -> bool {
        self.closes() >= now
    }

    /// Whether packages bring it, of a group in which all below `next` is ended.
    #[must_use]
    pub const fn is_live(&self, next: u64, now: u64) -> bool {
        self.is_wanted(next, now) && !self.erased
    }

    /// Whether a package of the time `at` would have brought it, as far as is known
    /// now; its key may be gone since.
    #[must_use]
    pub const fn is_wanted(&self, next: u64, at: u64) -> bool {
        self.generation.get() >= next && self.is_open(at) && !self.withdrawn
    }

    /// Whether its turn has begun and is not over.
    #[must_use]
    pub const fn is_in_use(&self, now: u64) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

/// A group's generations, ascending; at least those that are open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The generations, those below `next` too: their indexes are in use.
    pub spans: Vec<Span>,
    /// What is below is ended; 1 or more.
    pub next: u64,
    /// The highest generation that there ever was; 0 is none.
    pub last: u64,
    /// The PGK Id of that one.
    pub last_id: PgkId,
}

impl Timeline {
    /// What packages bring: what is neither ended nor over, ascending.
    pub fn live(&self, now: u64) -> impl Iterator<Item = &Span> {
        self.spans.iter().filter(move |span| self.is_live(span, now))
    }

    /// Whether packages bring this one.
    #[must_use]
    pub const fn is_live(&self, span: &Span, now: u64) -> bool {
        span.is_live(self.next, now)
    }

    /// Whether there may be generations from a lost time, which this database does not
    /// know, that were not ended since: `joins_from` is the group's bound for who joins.
    #[must_use]
    pub const fn has_unknown(&self, joins_from: u64) -> bool {
        joins_from > self.next
    }

    /// The newest generation whose turn it is.
    #[must_use]
    pub fn current(&self, now: u64) -> Option<&Span> {
        self.live(now).filter(|span| span.is_in_use(now)).last()
    }

    /// Whether members need further generations soon: fewer are ahead than `terms` say, or,
    /// where none are to be, the one in use ends within its overlap or a tenth of a lifetime.
    #[must_use]
    pub fn is_extension_due(&self, terms: &Terms, now: u64) -> bool {
        let Some(current) = self.current(now) else { return true };
        let soon = now.saturating_add(terms.overlap_s.max(terms.lifetime_s / 10));
        self.future(now).count() < terms.ahead || (terms.ahead == 0 && current.not_after <= soon)
    }

    /// What packages bring of generations whose turn is yet to come, ascending.
    pub fn future(&self, now: u64) -> impl Iterator<Item = &Span> {
        self.live(now).filter(move |span| span.not_before > now)
    }

    /// The next generation's turn begins: a future one that members hold already, or a
    /// new one. What was in use ends after the overlap, if it does not end before.
    ///
    /// Errors: as [`extend`](Self::extend).
    pub fn rotate(&mut self, terms: &Terms, now: u64) -> Result<(), Refusal> {
        let (next, end) = (self.next, now.saturating_add(terms.overlap_s));
        let mut begins = None;
        let stays =
            |span: &&mut Span| span.generation.get() >= next && !span.withdrawn && !span.erased;
        for span in self.spans.iter_mut().filter(stays) {
            if span.not_before <= now {
                // What begins this second is not left without a window.
                let least = span.not_before.saturating_add(1);
                span.not_after = span.not_after.min(end.max(least));
            } else {
                // The first of those to come begins now, the others each a lifetime later.
                let at = begins.map_or(now, |last: u64| last.saturating_add(terms.lifetime_s));
                (span.not_before, span.not_after) = terms.window(at);
                begins = Some(at);
            }
        }
        if begins.is_none() {
            self.push(terms, now, now)?;
        }
        self.extend(terms, now)
    }

    /// A generation that nobody has begins now, beside an overlap of what was in use; the
    /// future ones that members hold are withdrawn. For a member that may have none of
    /// those.
    ///
    /// Errors: as [`extend`](Self::extend).
    pub fn begin_anew(&mut self, terms: &Terms, now: u64) -> Result<(), Refusal> {
        for span in self.spans.iter_mut().filter(|span| span.not_before > now) {
            span.withdrawn = true;
        }
        self.rotate(terms, now)
    }

    /// Adds future generations until there are as many as `terms` say, and one in
    /// use if there is none.
    ///
    /// Errors: [`Refusal::TooManyOpen`], [`Refusal::NoGeneration`].
    pub fn extend(&mut self, terms: &Terms, now: u64) -> Result<(), Refusal> {
        if self.current(now).is_none() {
            self.push(terms, now, now)?;
        }
        while self.future(now).count() < terms.ahead {
            let last = self.live(now).map(|span| span.not_before).max().unwrap_or(now);
            // Whoever is late has the next one begin soon, but never in the past.
            let at = last.saturating_add(terms.lifetime_s).max(now.saturating_add(1));
            self.push(terms, now, at)?;
        }
        let open = self.live(now).count();
        if open > limit::PGKS {
            let closes = self.live(now).map(Span::closes).min().unwrap_or(now);
            return Err(Refusal::TooManyOpen { open, closes });
        }
        Ok(())
    }

    /// Ends all that there is, also what a database that was put back from a backup
    /// does not know any more, and begins anew. The new `next` is what a notice says.
    ///
    /// Errors: as [`extend`](Self::extend).
    pub fn replace(&mut self, terms: &Terms, now: u64) -> Result<(), Refusal> {
        self.next = self.number(now);
        self.extend(terms, now)
    }

    /// The number of the next generation.
    fn number(&self, now: u64) -> u64 {
        number::next(self.last, now).max(self.next)
    }

    fn push(&mut self, terms: &Terms, now: u64, at: u64) -> Result<(), Refusal> {
        let number = self.number(now);
        let generation = Generation::new(number).map_err(|_| Refusal::NoGeneration)?;
        let id = self.free_id(now);
        let (not_before, not_after) = terms.window(at);
        let grace_s = terms.grace_s;
        let (withdrawn, erased) = (false, false);
        let span = Span { generation, id, not_before, not_after, grace_s, withdrawn, erased };
        self.spans.push(span);
        (self.last, self.last_id) = (number, id);
        Ok(())
    }

    /// The PGK Id after the last one whose index no open generation has, ended by
    /// number or not: who has not heard of the end sends under it still. In a circle, so
    /// that an index rests as long as it can: clocks of members may be behind.
    ///
    /// When all are taken (many exclusions within a lifetime), one that packages do not
    /// bring any more: that costs packets of who has not heard, and an exclusion has to be
    /// possible.
    fn free_id(&self, now: u64) -> PgkId {
        let ids = (1..=INDEXES).map(|step| PgkId(self.last_id.0.wrapping_add(step)));
        let is_free =
            |id: &PgkId| !self.spans.iter().any(|s| s.is_open(now) && s.id.index() == id.index());
        let is_left = |id: &PgkId| !self.live(now).any(|s| s.id.index() == id.index());
        let next = PgkId(self.last_id.0.wrapping_add(1));
        ids.clone().find(is_free).or_else(|| ids.clone().find(is_left)).unwrap_or(next)
    }
}

#[cfg(test)]
mod tests;
