//! Whatever comes from the link: a header has one encoding, and what is no frame is
//! dropped for a reason.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proseal_proto::profile::Profile;
use prosed::frame::{Frame, Layout};
use prosed::highwater::file;
use prosed::object::Objects;
use prosed::station::Station;
use prosed::time::Time;

fuzz_target!(|data: &[u8]| {
    if let Ok(Frame::Data(begin)) = Frame::read(data) {
        for profile in Profile::ALL {
            for suite in profile.suites() {
                let layout = Layout::new(*profile, *suite);
                let Ok(header) = begin.header(data, layout) else { continue };
                assert!(header.sn != 0 && header.sn <= layout.last_sn());
                assert!(header.len(layout) + layout.tail() <= data.len());
                let mut again = data.to_vec();
                header.write(layout, &mut again);
                assert_eq!(again, data);
            }
        }
    }
    // A radio of no group delivers nothing, and counts it.
    let mut station = Station::default();
    let now = Time { up: std::time::Duration::ZERO, clock: 0, floor: 0 };
    let mut octets = data.to_vec();
    station.receive(now, &mut octets);
    assert_eq!(station.counters().drops.total(), 1);
    assert!(Objects::default().receive(now.up, data).is_err());
    if let Ok(marks) = file::decode(data) {
        assert_eq!(file::encode(marks), data);
    }
});
