//! The manager's content is hostile until it is verified, and again once a
//! manager is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proseal_proto::content::Content;

fuzz_target!(|data: &[u8]| {
    if let Ok(content) = Content::parse(data) {
        let mut encoded = Vec::new();
        content.encode(&mut encoded);
        // One content has one encoding; only extensions are not kept.
        assert!(encoded.len() <= data.len());
        let mut again = Vec::new();
        Content::parse(&encoded).expect("our own encoding").encode(&mut again);
        assert_eq!(encoded, again);
    }
});
