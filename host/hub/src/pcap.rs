//! What passes, as a pcap file of Ethernet frames (draft-ietf-opsawg-pcap, microseconds).

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MAGIC: u32 = 0xa1b2_c3d4;
const VERSION: [u16; 2] = [2, 4];
const SNAP_LENGTH: u32 = 65_535;
const LINKTYPE_ETHERNET: u32 = 1;

/// A capture file that is being written.
pub struct Capture<W: Write> {
    to: W,
}

impl<W: Write> Capture<W> {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// What `to` refuses.
    pub fn start(mut to: W) -> io::Result<Self> {
        to.write_all(&MAGIC.to_le_bytes())?;
        for number in VERSION {
            to.write_all(&number.to_le_bytes())?;
        }
        // Time zone and accuracy: always zero.
        to.write_all(&[0; 8])?;
        to.write_all(&SNAP_LENGTH.to_le_bytes())?;
        to.write_all(&LINKTYPE_ETHERNET.to_le_bytes())?;
        Ok(Self { to })
    }

    /// Adds a frame that was seen at this time.
    ///
    /// # Errors
    ///
    /// What the file refuses.
    pub fn frame(&mut self, at: SystemTime, octets: &[u8]) -> io::Result<()> {
        let at = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let seconds = at.as_secs() as u32;
        let length = octets.len() as u32;
        for number in [seconds, at.subsec_micros(), length, length] {
            self.to.write_all(&number.to_le_bytes())?;
        }
        self.to.write_all(octets)
    }

    /// Writes out what is held back.
    ///
    /// # Errors
    ///
    /// What the file refuses.
    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_as_the_format_says() {
        let mut file = Vec::new();
        let mut capture = Capture::start(&mut file).unwrap();
        let at = UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_002);
        capture.frame(at, &[0xaa; 14]).unwrap();
        let expected = [
            &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0][..],
            &[0; 8],
            &[0xff, 0xff, 0, 0, 1, 0, 0, 0],
            &1_700_000_000_u32.to_le_bytes(),
            &[2, 0, 0, 0, 14, 0, 0, 0, 14, 0, 0, 0],
            &[0xaa; 14],
        ];
        assert_eq!(file, expected.concat());
    }
}
