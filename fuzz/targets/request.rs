//! The normal world is hostile: any octets may come as any command.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proseal_proto::codec::{Decode, Encode, Writer, decode_all};
use proseal_proto::limit::REQUEST_MAX;
use proseal_proto::message::{
    Admission, Erase, Events, Receive, ReceiveItems, Revoke, Send, Status, Suspend, Version,
};
use proseal_proto::test_command::{Echo, GcmOpen, Hkdf, Hmac, Install, Kdf, Marks, SetFloor};

/// What decodes has one encoding: the octets it came from.
fn check<'a, C: Decode<'a> + Encode>(body: &'a [u8]) {
    if let Ok(command) = decode_all::<C>(body) {
        let mut encoded = Vec::new();
        command.encode(&mut Writer::new(&mut encoded, REQUEST_MAX)).expect("it came in");
        assert_eq!(encoded, body);
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else { return };
    let body = &body[..body.len().min(REQUEST_MAX)];
    match choice % 18 {
        0 => check::<Version>(body),
        1 => check::<Status>(body),
        2 => check::<Send>(body),
        3 => check::<Receive>(body),
        4 => check::<Erase>(body),
        5 => check::<Install>(body),
        6 => check::<Marks>(body),
        7 => check::<Hkdf>(body),
        8 => check::<Echo>(body),
        9 => check::<ReceiveItems<'_>>(body),
        10 => check::<Suspend>(body),
        11 => check::<Revoke>(body),
        12 => check::<Events>(body),
        13 => check::<SetFloor>(body),
        14 => check::<Admission>(body),
        15 => check::<Hmac>(body),
        16 => check::<Kdf>(body),
        _ => check::<GcmOpen>(body),
    }
});
