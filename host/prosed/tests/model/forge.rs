//! Frames that no station sends, made with the keys of somebody who is in the group.

use proseal_proto::id::{EpochSalt, MemberId, PgkId, PtkId};
use proseal_proto::message::{self, ReceiveItem};
use prosed::admission::{Admission, Announced};
use prosed::frame::{Extension, Header, Layout, SduType};
use prosed::suite::{Keys, PacketId};

use crate::radio::Radio;
use crate::world::{generation, group};

pub(crate) fn header(sender: MemberId, ptk_id: u16, sn: u32) -> Header {
    Header {
        group: group(),
        sender,
        sdu: SduType::NonIp,
        index: PgkId(1).index(),
        ptk_id: PtkId::new(ptk_id).unwrap(),
        sn,
        extension: None,
    }
}

/// The group's admission key, from the normal world of a radio that is in it.
pub(crate) fn admission(radio: &mut Radio) -> Admission {
    let reply = radio.call(&message::Admission { group: group(), generation: generation(1) });
    Admission::new(&reply.key).unwrap()
}

/// Announces an epoch with a tag that holds.
pub(crate) fn announced(admission: &Admission, header: Header, salt: EpochSalt) -> Header {
    let Header { group, sender, index, ptk_id, .. } = header;
    let tag = admission.tag(&Announced { group, sender, index, ptk_id, salt });
    Header { extension: Some(Extension { salt, tag }), ..header }
}

/// A frame with this header and body: no keys protect it.
pub(crate) fn unprotected(header: &Header, layout: Layout, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; header.len(layout)];
    header.write(layout, &mut frame);
    frame.extend_from_slice(body);
    frame
}

/// A frame under keys that the radio's trusted application gives to receivers.
pub(crate) fn protected(
    radio: &mut Radio,
    header: &Header,
    salt: EpochSalt,
    layout: Layout,
    payload: &[u8],
) -> Vec<u8> {
    let item = ReceiveItem {
        group: group(),
        generation: generation(1),
        sender: header.sender,
        ptk_id: header.ptk_id,
        salt,
    };
    let reply = radio.call(&message::Receive { items: vec![item] });
    let keys = Keys::new(layout.suite, reply.items[0].as_ref().ok().unwrap()).unwrap();
    let body = [payload, &vec![0; layout.tail()]].concat();
    let mut frame = unprotected(header, layout, &body);
    let (head, body) = frame.split_at_mut(header.len(layout));
    keys.protect(PacketId { salt, ptk_id: header.ptk_id, sn: header.sn }, head, body);
    frame
}
