//! What the documents leave open: a rule asks `pick`, and `every` runs it once
//! for each way that it can go.

/// The choices of one run.
#[derive(Default)]
pub(crate) struct Chance {
    /// What was picked, and of how many.
    picks: Vec<(usize, usize)>,
    at: usize,
}

impl Chance {
    /// One of `options`, another one in another run.
    pub(crate) fn pick(&mut self, options: usize) -> usize {
        assert!(options > 0, "something must be possible");
        if self.at == self.picks.len() {
            self.picks.push((0, options));
        }
        let (picked, _) = self.picks[self.at];
        self.at += 1;
        picked
    }

    /// Goes to the next run, if there is one: the last choice that can change does.
    fn turn(&mut self) -> bool {
        self.at = 0;
        while let Some((picked, options)) = self.picks.pop() {
            if picked + 1 < options {
                self.picks.push((picked + 1, options));
                return true;
            }
        }
        false
    }
}

/// The results of all runs.
pub(crate) fn every<T>(mut run: impl FnMut(&mut Chance) -> T) -> Vec<T> {
    let mut chance = Chance::default();
    let mut results = vec![run(&mut chance)];
    while chance.turn() {
        results.push(run(&mut chance));
    }
    results
}

#[test]
fn every_way_is_gone_once() {
    let ways = every(|chance| match chance.pick(2) {
        0 => vec![0],
        first => vec![first, chance.pick(3)],
    });
    assert_eq!(ways, [vec![0], vec![1, 0], vec![1, 1], vec![1, 2]]);
}
