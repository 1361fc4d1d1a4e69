//! Whoever sits between the client and the TA may answer anything.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proseal_proto::codec::Encode;
use proseal_proto::command::{Command, decode_response, encode_response};
use proseal_proto::message::{Admission, Erase, Events, Receive, Send, Status, Version};
use proseal_proto::test_command::{Echo, GcmOpen, Hkdf, Hmac, Install, Marks};

/// A reply that decodes has one encoding: the octets it came from.
fn check<C: Command>(response: &[u8]) {
    if let Ok(reply) = decode_response::<C>(response) {
        let mut encoded = Vec::new();
        encode_response(&mut encoded, |w| Ok(reply.encode(w)?)).unwrap();
        assert_eq!(encoded, response);
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, response)) = data.split_first() else { return };
    match choice % 13 {
        0 => check::<Version>(response),
        1 => check::<Status>(response),
        2 => check::<Send>(response),
        3 => check::<Receive>(response),
        4 => check::<Erase>(response),
        5 => check::<Install>(response),
        6 => check::<Marks>(response),
        7 => check::<Hkdf>(response),
        8 => check::<Echo>(response),
        9 => check::<Events>(response),
        10 => check::<Admission>(response),
        11 => check::<Hmac>(response),
        _ => check::<GcmOpen>(response),
    }
});
