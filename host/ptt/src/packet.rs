//! What is said: 17 octets of head, then filler up to the length that a voice packet has.

/// The head's length in octets: the shortest packet.
pub(crate) const HEAD: usize = 17;

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Speech: heard, not answered.
    Voice,
    /// To be answered by whoever answers.
    Question,
    /// The question, sent back.
    Answer,
}

/// The head of a packet, integers big-endian: stream (4 octets), number in it (4), time of sending
/// in microseconds since 1970 (8), kind (1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Who speaks.
    pub(crate) stream: u32,
    /// The packet's number in its stream, from 0.
    pub(crate) number: u32,
    /// When it was sent, by the sender's clock.
    pub(crate) sent_us: u64,
    /// What it is for.
    pub(crate) kind: Kind,
}

impl Packet {
    /// The packet, filled up to `length` octets ([`HEAD`] at least).
    #[must_use]
    pub(crate) fn to_octets(self, length: usize) -> Vec<u8> {
        let mut octets = Vec::with_capacity(length.max(HEAD));
        octets.extend_from_slice(&self.stream.to_be_bytes());
        octets.extend_from_slice(&self.number.to_be_bytes());
        octets.extend_from_slice(&self.sent_us.to_be_bytes());
        octets.push(self.kind as u8);
        // Of the stream's own, so that a mixture of two packets would be seen.
        octets.resize(length.max(HEAD), self.filler());
        octets
    }

    /// The packet in these octets; none if they are no packet of ours, or not whole.
    #[must_use]
    pub(crate) fn from_octets(octets: &[u8]) -> Option<Self> {
        let (stream, rest) = octets.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (sent_us, rest) = rest.split_first_chunk()?;
        let (kind, filler) = rest.split_first()?;
        let kind = match kind {
            0 => Kind::Voice,
            1 => Kind::Question,
            2 => Kind::Answer,
            _ => return None,
        };
        let packet = Self {
            stream: u32::from_be_bytes(*stream),
            number: u32::from_be_bytes(*number),
            sent_us: u64::from_be_bytes(*sent_us),
            kind,
        };
        filler.iter().all(|&octet| octet == packet.filler()).then_some(packet)
    }

    fn filler(self) -> u8 {
        self.stream.wrapping_mul(31).wrapping_add(self.number) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOICE: Packet =
        Packet { stream: 0x0102_0304, number: 7, sent_us: 1 << 40, kind: Kind::Voice };

    #[test]
    fn a_packet_is_as_long_as_wanted_and_comes_back() {
        for kind in [Kind::Voice, Kind::Question, Kind::Answer] {
            let packet = Packet { kind, ..VOICE };
            let octets = packet.to_octets(60);
            assert_eq!(octets.len(), 60);
            assert_eq!(Packet::from_octets(&octets), Some(packet));
        }
        assert_eq!(VOICE.to_octets(0).len(), HEAD);
    }

    #[test]
    fn what_is_cut_mixed_or_strange_is_none() {
        let octets = VOICE.to_octets(60);
        for length in 0..HEAD {
            assert_eq!(Packet::from_octets(&octets[..length]), None);
        }
        for place in [HEAD - 1, HEAD, 59] {
            let mut changed = octets.clone();
            changed[place] ^= 0x40;
            assert_eq!(Packet::from_octets(&changed), None, "{place}");
        }
    }
}
