//! Any program of this machine may say anything to the local API.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prosed::frame::DATA_MAX;
use prosed::varlink::{Method, read};

fuzz_target!(|data: &[u8]| match read(data) {
    Ok(call) => {
        if let Method::Send(_, payload) = &call.method {
            assert!(payload.len() <= data.len().max(DATA_MAX));
        }
    }
    // A refusal is one whole message.
    Err(Some(reply)) => {
        assert_eq!(reply.iter().position(|&octet| octet == 0), Some(reply.len() - 1));
    }
    Err(None) => {}
});
