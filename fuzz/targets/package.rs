//! Packages and notices as they come from anyone: every form is read, whoever has
//! signed it. All signatures hold here, or the decoder behind them would not be met.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proseal_proto::error::Code;
use proseal_proto::limit;
use proseal_proto::package::{Body, Trust, verify};

/// The manager of docs/vectors/package.json, from which the seeds are.
const MANAGER: [u8; 16] = *b"\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf";

fuzz_target!(|data: &[u8]| {
    let trust = Trust { root_key: &[0; 32], manager: &MANAGER, signer_version: 1 };
    match verify(data, &trust, |_, _, _| true) {
        Ok(verified) => {
            assert!(verified.signer_version >= trust.signer_version);
            // Nobody has signed it then.
            assert!(matches!(verify(data, &trust, |_, _, _| false), Err(Code::UntrustedSigner)));
            if let Body::Package(package) = verified.body {
                assert!(package.sequence > 0);
                // "Encrypt0", three heads and a protected header.
                assert!(package.additional_data().len() < data.len());
                assert!(package.ciphertext().len() < package.payload.len());
            }
        }
        Err(code) => {
            assert!(code != Code::BadSignature && code != Code::UntrustedSigner);
            assert!(data.len() <= limit::PACKAGE_MAX || code == Code::Oversized);
        }
    }
});
