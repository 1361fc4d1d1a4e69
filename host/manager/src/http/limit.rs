//! How often a peer may ask: token buckets in a table of fixed size. Peers that share a
//! place in it share a bucket; a key that nobody knows decides who does.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Places: 16,384 of 24 octets.
const PLACES: usize = 1 << 14;

/// How often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// Requests in a second, in the long run.
    pub(crate) per_s: u32,
    /// Requests at once.
    pub(crate) burst: u32,
}

#[derive(Clone, Copy)]
struct Bucket {
    /// When it was full last, or would have been.
    full_at: Option<Instant>,
}

/// The table.
pub(crate) struct Limiter {
    rate: Rate,
    key: RandomState,
    buckets: Vec<Mutex<Bucket>>,
}

impl Limiter {
    pub(crate) fn new(rate: Rate) -> Self {
        let empty = || Mutex::new(Bucket { full_at: None });
        Self { rate, key: RandomState::new(), buckets: (0..PLACES).map(|_| empty()).collect() }
    }

    /// Whether a peer may ask at `now`.
    pub(crate) fn admits(&self, peer: IpAddr, now: Instant) -> bool {
        let place = self.key.hash_one(network(peer)) as usize % PLACES;
        let Some(bucket) = self.buckets.get(place) else { return false };
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        // A bucket that is taken from is full so much later.
        let one = Duration::from_secs(1).checked_div(self.rate.per_s).unwrap_or(Duration::MAX);
        let full_at = bucket.full_at.map_or(now, |at| at.max(now));
        let taken = full_at.saturating_duration_since(now);
        if taken.saturating_add(one) > one.saturating_mul(self.rate.burst) {
            return false;
        }
        bucket.full_at = full_at.checked_add(one);
        true
    }
}

/// Who has one address of IPv6 has as many as he likes in its /64.
fn network(peer: IpAddr) -> [u8; 8] {
    match peer.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            [0, 0, 0, 0, a, b, c, d]
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            let halves = [a.to_be_bytes(), b.to_be_bytes(), c.to_be_bytes(), d.to_be_bytes()];
            let mut octets = [0; 8];
            for (octet, of) in octets.iter_mut().zip(halves.as_flattened()) {
                *octet = *of;
            }
            octets
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_as_many_as_the_rate_says() {
        let limiter = Limiter::new(Rate { per_s: 10, burst: 5 });
        let (peer, start) = (IpAddr::from([192, 0, 2, 1]), Instant::now());
        let admitted = |at| (0..20).filter(|_| limiter.admits(peer, at)).count();
        assert_eq!(admitted(start), 5);
        assert_eq!(admitted(start + Duration::from_millis(200)), 2);
        assert_eq!(admitted(start + Duration::from_secs(60)), 5);
    }

    #[test]
    fn peers_of_one_network_are_one_and_others_are_others() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::2"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
