//! docs/vectors/packet.json is what this code makes and opens. The file says which
//! independent program made it.

use proseal_proto::id::{EpochSalt, Generation, GroupId, MemberId, PgkId, PtkId};
use proseal_proto::key::{AdmissionKey, KeyPair};
use proseal_proto::profile::{Profile, Suite};
use prosed::admission::{Admission, Announced};
use prosed::drops::DropReason;
use prosed::frame::{self, Extension, Frame, Header, Layout, SduType};
use prosed::highwater::Mark;
use prosed::highwater::file::{self, Owner};
use prosed::suite::{Keys, PacketId};
use serde_json::Value;

const VECTORS: &str = include_str!("../../../docs/vectors/packet.json");

fn list(name: &str, fewest: usize) -> Vec<Value> {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    assert!(file["source"].as_str().unwrap().contains("tests/packet_reference.py"));
    let list = file[name].as_array().unwrap().clone();
    assert!(list.len() >= fewest, "some vectors are gone");
    list
}

fn octets(vector: &Value, name: &str) -> Vec<u8> {
    let text = vector[name].as_str().unwrap();
    let digits = (0..text.len()).step_by(2);
    digits.map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn array<const N: usize>(vector: &Value, name: &str) -> [u8; N] {
    octets(vector, name).try_into().unwrap()
}

fn number(vector: &Value, name: &str) -> u64 {
    vector[name].as_u64().unwrap()
}

/// What both sides know of a vector's epoch.
struct Known {
    layout: Layout,
    group: GroupId,
    sender: MemberId,
    pgk_id: PgkId,
    ptk_id: PtkId,
    salt: EpochSalt,
    admission: Option<Admission>,
    keys: Keys,
}

fn known(vector: &Value) -> Known {
    let by_name = |name: &str| vector[name].as_str().unwrap().to_owned();
    let (profile, suite) = (by_name("profile"), by_name("suite"));
    let profile = *Profile::ALL.iter().find(|one| one.name() == profile).unwrap();
    let suite = *Suite::ALL.iter().find(|one| one.name() == suite).unwrap();
    let mut pair = KeyPair::zero();
    let (ik, ck) = (octets(vector, "ik"), octets(vector, "ck"));
    pair.ik.expose_mut()[..ik.len()].copy_from_slice(&ik);
    pair.ck.expose_mut()[..ck.len()].copy_from_slice(&ck);
    let admission = vector.get("admission").map(|_| {
        let mut key = AdmissionKey::zero();
        *key.expose_mut() = array(vector, "admission");
        Admission::new(&key).unwrap()
    });
    Known {
        layout: Layout::new(profile, suite),
        group: GroupId::from_octets(array(vector, "group")),
        sender: MemberId::from_octets(array(vector, "sender")),
        pgk_id: PgkId(array::<1>(vector, "pgk_id")[0]),
        ptk_id: PtkId::new(u16::from_be_bytes(array(vector, "ptk_id"))).unwrap(),
        salt: EpochSalt(array(vector, "salt")),
        admission,
        keys: Keys::new(suite, &pair).unwrap(),
    }
}

fn sdu(number: u64) -> SduType {
    let all = [SduType::Ip, SduType::Arp, SduType::Signalling, SduType::NonIp];
    all[usize::try_from(number).unwrap()]
}

fn announced(known: &Known, header: &Header, salt: EpochSalt) -> Announced {
    let Header { group, sender, index, ptk_id, .. } = *header;
    assert_eq!(header.group, known.group);
    Announced { group, sender, index, ptk_id, salt }
}

/// Opens a frame of the epoch, or says why not.
fn open(known: &Known, frame: &[u8]) -> Result<(Header, Vec<u8>), DropReason> {
    let Frame::Data(data) = Frame::read(frame)? else { return Err(DropReason::ObjectInvalid) };
    if data.group != known.group {
        return Err(DropReason::UnknownGroup);
    }
    if data.index != known.pgk_id.index() {
        return Err(DropReason::UnknownIndex);
    }
    let header = data.header(frame, known.layout)?;
    if let Some(extension) = &header.extension {
        let admission = known.admission.as_ref().unwrap();
        if !admission.admits(&announced(known, &header, extension.salt), &extension.tag) {
            return Err(DropReason::Admission);
        }
    }
    let packet = PacketId { salt: known.salt, ptk_id: header.ptk_id, sn: header.sn };
    let mut frame = frame.to_vec();
    let (head, body) = frame.split_at_mut(header.len(known.layout));
    known.keys.unprotect(packet, head, body).map_err(|_| DropReason::NotAuthentic)?;
    let payload = &body[..body.len() - known.layout.tail()];
    Ok((header, payload.to_vec()))
}

#[test]
fn frames_are_made_as_the_file_says() {
    for vector in list("frames", 20) {
        let known = known(&vector);
        let mut header = Header {
            group: known.group,
            sender: known.sender,
            sdu: sdu(number(&vector, "sdu")),
            index: known.pgk_id.index(),
            ptk_id: known.ptk_id,
            sn: number(&vector, "sn").try_into().unwrap(),
            extension: None,
        };
        if vector["extension"].as_bool().unwrap() {
            let tag =
                known.admission.as_ref().unwrap().tag(&announced(&known, &header, known.salt));
            header.extension = Some(Extension { salt: known.salt, tag });
        }
        let payload = octets(&vector, "payload");
        let split = header.len(known.layout);
        let mut frame = vec![0; split];
        header.write(known.layout, &mut frame);
        frame.extend_from_slice(&payload);
        frame.resize(frame.len() + known.layout.tail(), 0);
        let packet = PacketId { salt: known.salt, ptk_id: known.ptk_id, sn: header.sn };
        let (head, body) = frame.split_at_mut(split);
        known.keys.protect(packet, head, body);
        assert_eq!(frame, octets(&vector, "octets"), "{}", vector["comment"]);
        assert_eq!(open(&known, &frame), Ok((header, payload)), "{}", vector["comment"]);
    }
}

#[test]
fn what_is_no_frame_of_the_epoch_is_dropped_for_the_reason_that_the_file_says() {
    let frames = list("frames", 20);
    for vector in list("dropped", 30) {
        let known = known(&frames[usize::try_from(number(&vector, "frame")).unwrap()]);
        let reason = open(&known, &octets(&vector, "octets")).map(drop).unwrap_err();
        assert_eq!(reason.name(), vector["reason"].as_str().unwrap(), "{}", vector["comment"]);
    }
}

#[test]
fn objects_are_framed_as_the_file_says() {
    for vector in list("objects", 1) {
        let group = GroupId::from_octets(array(&vector, "group"));
        let sender = MemberId::from_octets(array(&vector, "sender"));
        let framed = frame::object(group, sender, &octets(&vector, "object"));
        assert_eq!(framed, octets(&vector, "octets"));
        assert_eq!(Frame::read(&framed), Ok(Frame::Object));
    }
}

#[test]
fn the_high_water_file_is_what_the_file_says() {
    for vector in list("high_water", 2) {
        let marks = vector["records"].as_array().unwrap().iter().map(|record| {
            let owner = Owner {
                group: GroupId::from_octets(array(record, "group")),
                generation: Generation::new(number(record, "generation")).unwrap(),
                sender: MemberId::from_octets(array(record, "sender")),
            };
            let mark = Mark {
                ptk_id: PtkId::new(u16::from_be_bytes(array(record, "ptk_id"))).unwrap(),
                salt: EpochSalt(array(record, "salt")),
                ceiling: number(record, "ceiling").try_into().unwrap(),
            };
            (owner, mark)
        });
        let marks: Vec<_> = marks.collect();
        let made = file::encode(marks.clone());
        assert_eq!(made, octets(&vector, "octets"), "{}", vector["comment"]);
        assert_eq!(file::decode(&made).unwrap(), marks);
    }
}
