//! OP-TEE authenticates the record, but a later or a broken TA may have
//! written it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proseal_ta::state::record;

fuzz_target!(|data: &[u8]| {
    if let Ok(state) = record::decode(data) {
        let encoded = record::encode(&state).expect("a state that fits");
        let unpadded = record::encode_unpadded(&state).expect("a state that fits");
        assert!(encoded.starts_with(&unpadded));
        let again = record::decode(&unpadded).expect("our own record");
        assert_eq!(*encoded, *record::encode(&again).expect("the same state"));
    }
});
