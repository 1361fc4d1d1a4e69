use proptest::prelude::*;

use super::*;

fn layouts() -> impl Strategy<Value = Layout> {
    prop_oneof![
        Just(Layout::new(Profile::HkdfSha256, Suite::Aead)),
        Just(Layout::new(Profile::HkdfSha256, Suite::Integrity)),
        Just(Layout::new(Profile::HkdfSha256, Suite::ThreeGpp)),
        Just(Layout::new(Profile::Ts33303, Suite::ThreeGpp)),
    ]
}

prop_compose! {
    fn headers()(
        layout in layouts(),
        group in 0_u32..1 << 24,
        sender in 0_u32..1 << 24,
        sdu in 0_u8..4,
        index in 0_u8..32,
        ptk_id in 1_u16..,
        sn in 1_u32..,
        extension in proptest::option::of(any::<([u8; 8], [u8; 8])>()),
    ) -> (Layout, Header) {
        let extension = extension.filter(|_| layout.salted);
        let extension =
            extension.map(|(salt, tag)| Extension { salt: EpochSalt(salt), tag: AdmissionTag(tag) });
        (layout, Header {
            group: GroupId::new(group).unwrap(),
            sender: MemberId::new(sender).unwrap(),
            sdu: SduType::new(sdu).unwrap(),
            index,
            ptk_id: PtkId::new(ptk_id).unwrap(),
            sn: match sn & layout.last_sn() { 0 => 1, sn => sn },
            extension,
        })
    }
}

fn read(octets: &[u8], layout: Layout) -> Result<Header, DropReason> {
    match Frame::read(octets)? {
        Frame::Data(data) => data.header(octets, layout),
        Frame::Object => panic!("a data frame read as an object"),
    }
}

proptest! {
    #[test]
    fn a_header_is_read_as_it_was_written((layout, header) in headers(), payload in 0_usize..50) {
        let len = layout.overhead(header.extension.is_some()) + payload;
        let mut octets = vec![0xee; len];
        header.write(layout, &mut octets);
        prop_assert_eq!(read(&octets, layout), Ok(header));
        prop_assert!(octets[header.len(layout)..].iter().all(|&octet| octet == 0xee));
    }

    #[test]
    fn a_frame_that_is_cut_is_too_short((layout, header) in headers(), cut in 1_usize..) {
        let len = layout.overhead(header.extension.is_some());
        let mut octets = vec![0; len];
        header.write(layout, &mut octets);
        octets.truncate(len - 1 - cut % len);
        prop_assert_eq!(read(&octets, layout), Err(DropReason::Length));
    }

    #[test]
    fn any_octets_are_a_header_or_not(octets in proptest::collection::vec(any::<u8>(), 0..80), layout in layouts()) {
        if let Ok(Frame::Data(data)) = Frame::read(&octets)
            && let Ok(header) = data.header(&octets, layout)
        {
            // One header has one encoding.
            let mut again = octets.clone();
            header.write(layout, &mut again);
            prop_assert_eq!(again, octets);
        }
    }
}

fn frame(change: impl FnOnce(&mut [u8])) -> Result<Header, DropReason> {
    let layout = Layout::new(Profile::HkdfSha256, Suite::Aead);
    let header = Header {
        group: GroupId::new(1).unwrap(),
        sender: MemberId::new(2).unwrap(),
        sdu: SduType::Ip,
        index: 0,
        ptk_id: PtkId::new(1).unwrap(),
        sn: 1,
        extension: None,
    };
    let mut octets = [0; 30];
    header.write(layout, &mut octets);
    change(&mut octets);
    match Frame::read(&octets)? {
        Frame::Data(data) => data.header(&octets, layout),
        Frame::Object => Err(DropReason::ObjectInvalid),
    }
}

#[test]
fn what_no_sender_writes_is_no_frame() {
    assert!(frame(|_| ()).is_ok());
    for first in [0x00, 0x20, 0x11, 0x16, 0x18, 0x1a, 0x1c, 0xf0] {
        assert_eq!(frame(|octets| octets[0] = first), Err(DropReason::Version), "{first:02x}");
    }
    assert_eq!(frame(|octets| octets[0] = 0x14), Err(DropReason::ObjectInvalid));
    // With its extension it has no room for the tag.
    assert_eq!(frame(|octets| octets[0] = 0x12), Err(DropReason::Length));
    for sdu in 4..8 {
        assert_eq!(frame(|octets| octets[7] = sdu << 5), Err(DropReason::Malformed));
    }
    assert_eq!(frame(|octets| octets[9] = 0), Err(DropReason::NotCiphered));
    assert_eq!(
        frame(|octets| octets[7..10].copy_from_slice(&[1, 0, 0])),
        Err(DropReason::Malformed)
    );
    assert_eq!(frame(|octets| octets[11] = 0), Err(DropReason::Malformed));
}

#[test]
fn a_profile_without_salts_has_no_extension() {
    let layout = Layout::new(Profile::Ts33303, Suite::ThreeGpp);
    let mut octets = [0; 64];
    octets[..12].copy_from_slice(&[0x12, 0, 0, 1, 0, 0, 2, 0, 0, 1, 0, 1]);
    assert_eq!(read(&octets, layout), Err(DropReason::Malformed));
    assert!(read(&octets, Layout::new(Profile::HkdfSha256, Suite::ThreeGpp)).is_ok());
}

#[test]
fn an_object_frame_is_its_object_behind_the_addresses() {
    let octets = object(GroupId::new(0x0a0b0c).unwrap(), MemberId::new(0x010203).unwrap(), b"x");
    assert_eq!(octets, [0x14, 0x0a, 0x0b, 0x0c, 1, 2, 3, b'x']);
    assert_eq!(Frame::read(&octets), Ok(Frame::Object));
    let mut longest = object(GroupId::new(0).unwrap(), MemberId::new(0).unwrap(), &[0; 15 * 1024]);
    assert_eq!(Frame::read(&longest), Ok(Frame::Object));
    longest.push(0);
    assert_eq!(Frame::read(&longest), Err(DropReason::Length));
}
