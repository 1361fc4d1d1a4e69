//! The link itself: who gets which frame, and when. No input or output here; times are since
//! the link's start.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;
use std::time::Duration;

use crate::count::Count;
use crate::fault::{Fate, Faults, Way};

/// Frames that may be under way at once, of all ports. What comes beyond finds no room.
pub const UNDER_WAY: usize = 65_536;

/// What was made of a frame at its radio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The radio has it.
    Delivered,
    /// The radio does not take its frames.
    Full,
    /// No radio is there.
    Absent,
}

/// A frame at the end of its way.
#[derive(Debug)]
pub struct Arrival {
    /// The port that it is for.
    pub port: usize,
    /// The frame.
    pub frame: Rc<[u8]>,
}

#[derive(Debug)]
struct Port {
    way: Way,
    is_up: bool,
    count: Count,
}

/// A frame on its way to one port; what is due first is first, then what came first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct UnderWay {
    due: Duration,
    number: u64,
    port: usize,
    frame: Rc<[u8]>,
}

/// A link between some ports.
#[derive(Debug)]
pub struct Link {
    /// How bad it is from now on.
    pub faults: Faults,
    ports: Vec<Port>,
    under_way: BinaryHeap<Reverse<UnderWay>>,
    frames: u64,
}

impl Link {
    /// A link of so many ports, all up.
    #[must_use]
    pub fn new(seed: u64, ports: usize, faults: Faults) -> Self {
        let port =
            |number| Port { way: Way::new(seed, number), is_up: true, count: Count::default() };
        let ports = (0_u64..).take(ports).map(port).collect();
        Self { faults, ports, under_way: BinaryHeap::new(), frames: 0 }
    }

    /// A port's cable is pulled, or put back.
    pub fn set_up(&mut self, port: usize, is_up: bool) {
        if let Some(port) = self.ports.get_mut(port) {
            port.is_up = is_up;
        }
    }

    /// A radio sends a frame.
    pub fn offer(&mut self, now: Duration, from: usize, frame: &[u8]) {
        let frame: Rc<[u8]> = frame.into();
        let is_up = self.ports.get_mut(from).is_some_and(|port| {
            port.count.sent = port.count.sent.saturating_add(1);
            port.is_up
        });
        for (number, port) in
            self.ports.iter_mut().enumerate().filter(|(number, _)| *number != from)
        {
            port.count.offered = port.count.offered.saturating_add(1);
            // Drawn whatever becomes of it: what is down changes no other frame's fate.
            let arrivals = match port.way.fate(&self.faults) {
                _ if !is_up || !port.is_up => {
                    port.count.down = port.count.down.saturating_add(1);
                    continue;
                }
                Fate::Lost => {
                    port.count.lost = port.count.lost.saturating_add(1);
                    continue;
                }
                Fate::Once(first) => [Some(first), None],
                Fate::Twice(first, second) => {
                    port.count.doubled = port.count.doubled.saturating_add(1);
                    [Some(first), Some(second)]
                }
            };
            for after in arrivals.into_iter().flatten() {
                if self.under_way.len() >= UNDER_WAY {
                    port.count.full = port.count.full.saturating_add(1);
                    continue;
                }
                port.count.under_way = port.count.under_way.saturating_add(1);
                self.frames = self.frames.wrapping_add(1);
                let (due, frame) = (now.saturating_add(after), Rc::clone(&frame));
                self.under_way.push(Reverse(UnderWay {
                    due,
                    number: self.frames,
                    port: number,
                    frame,
                }));
            }
        }
    }

    /// The next frame that has arrived by now. The caller says by [`Link::taken`] what was made
    /// of it.
    pub fn arrived(&mut self, now: Duration) -> Option<Arrival> {
        self.next().filter(|due| *due <= now)?;
        let Reverse(UnderWay { port, frame, .. }) = self.under_way.pop()?;
        Some(Arrival { port, frame })
    }

    /// When the next frame arrives.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        self.under_way.peek().map(|Reverse(under_way)| under_way.due)
    }

    /// What was made of an arrival.
    pub fn taken(&mut self, port: usize, taken: Taken) {
        if let Some(Port { count, .. }) = self.ports.get_mut(port) {
            count.under_way = count.under_way.saturating_sub(1);
            let one = match taken {
                Taken::Delivered => &mut count.delivered,
                Taken::Full => &mut count.full,
                Taken::Absent => &mut count.down,
            };
            *one = one.saturating_add(1);
        }
    }

    /// The ports' counts, in their order.
    pub fn counts(&self) -> impl Iterator<Item = &Count> {
        self.ports.iter().map(|port| &port.count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn all(link: &mut Link, now: Duration) -> Vec<(usize, Vec<u8>)> {
        let mut got = Vec::new();
        while let Some(Arrival { port, frame }) = link.arrived(now) {
            link.taken(port, Taken::Delivered);
            got.push((port, frame.to_vec()));
        }
        got
    }

    #[test]
    fn all_others_get_it_and_the_sender_does_not() {
        let mut link = Link::new(1, 3, Faults::default());
        link.offer(MS, 1, b"a");
        link.offer(MS, 1, b"b");
        let got = all(&mut link, MS);
        assert_eq!(
            got,
            [(0, b"a".to_vec()), (2, b"a".to_vec()), (0, b"b".to_vec()), (2, b"b".to_vec())]
        );
    }

    #[test]
    fn a_delay_is_waited_for() {
        let mut link = Link::new(1, 2, Faults { delay: 5 * MS, ..Faults::default() });
        link.offer(MS, 0, b"a");
        assert_eq!(link.next(), Some(6 * MS));
        assert!(all(&mut link, 5 * MS).is_empty());
        assert_eq!(all(&mut link, 6 * MS).len(), 1);
    }

    #[test]
    fn a_port_that_is_down_neither_hears_nor_is_heard() {
        let mut link = Link::new(1, 3, Faults::default());
        link.set_up(2, false);
        link.offer(MS, 0, b"a");
        link.offer(MS, 2, b"b");
        assert_eq!(all(&mut link, MS), [(1, b"a".to_vec())]);
        let downs: Vec<_> = link.counts().map(|count| count.down).collect();
        assert_eq!(downs, [1, 1, 1]);
        link.set_up(2, true);
        link.offer(MS, 2, b"c");
        assert_eq!(all(&mut link, MS).len(), 2);
    }

    #[test]
    fn beyond_its_room_the_link_counts_what_it_drops() {
        let mut link = Link::new(1, 2, Faults { delay: MS, ..Faults::default() });
        for _ in 0..=UNDER_WAY {
            link.offer(MS, 0, b"a");
        }
        let [sender, receiver] = link.counts().collect::<Vec<_>>()[..] else { panic!("two ports") };
        assert_eq!((receiver.under_way, receiver.full), (UNDER_WAY as u64, 1));
        assert!(sender.adds_up() && receiver.adds_up());
    }

    proptest! {
        #[test]
        fn counts_add_up_whatever_happens(
            seed: u64,
            loss in 0.0..0.5, duplication in 0.0..0.5, reordering in 0.0..0.5,
            steps in prop::collection::vec((0_usize..4, 0_u8..6), 1..200),
        ) {
            let faults = Faults { loss, duplication, reordering, delay: MS, jitter: 3 * MS, held: 9 * MS };
            let mut link = Link::new(seed, 4, faults);
            for (at, (port, what)) in steps.iter().enumerate() {
                let now = MS * at as u32;
                match what {
                    0 => link.set_up(*port, false),
                    1 => link.set_up(*port, true),
                    _ => link.offer(now, *port, &[*what]),
                }
                while let Some(Arrival { port, .. }) = link.arrived(now) {
                    let taken = [Taken::Delivered, Taken::Full, Taken::Absent][at % 3];
                    link.taken(port, taken);
                }
                prop_assert!(link.counts().all(Count::adds_up));
            }
            all(&mut link, MS * 1000);
            prop_assert!(link.counts().all(|count| count.adds_up() && count.under_way == 0));
        }
    }
}
