//! 3000: packages with one fault outside their content. Whatever can be signed
//! in spite of it is, so that the check under test refuses it and not the
//! signature.

use proseal_issuer::testing::{Fixed, Value, fault};
use proseal_issuer::{Delegation, ManagerId, SignerVersion};
use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::limit;

use super::case;
use crate::case::{Case, Verdict};
use crate::check::Context;
use crate::manager::{MANAGER, Manager, root, sample, signer};

pub(super) const CASES: &[Case] = &[
    case(3001, "no tag, or another", tag),
    case(3002, "one octet more, one less", length),
    case(3003, "an array of another length", array),
    case(3004, "a longer form of a number", longer_form),
    case(3005, "entries in another order", order),
    case(3006, "an unknown entry in the protected header", unknown_entry),
    case(3007, "an entry of the protected header is missing", missing_entry),
    case(3008, "a type that is none of ours, or not exactly", other_type),
    case(3009, "the type of another signed thing", type_of_another),
    case(3010, "another signature algorithm", signature_algorithm),
    case(3011, "a signer version of 0, or not in 4 octets", version_form),
    case(3012, "a signer version that is not the delegation's", version_of_another),
    case(3013, "an older signer", older_signer),
    case(3014, "a package for another device", foreign),
    case(3015, "a device id of another length", device_form),
    case(3016, "sequence 0", sequence_zero),
    case(3017, "an unprotected entry that is not known", unprotected),
    case(3018, "no delegation", no_delegation),
    case(3019, "a delegation that is no COSE_Sign1", no_cose),
    case(3020, "a delegation by another root key", another_root),
    case(3021, "a delegation with a changed signer key", changed_signer),
    case(3022, "a delegation for another manager", another_manager),
    case(3023, "a delegation of another type", delegation_type),
    case(3024, "a delegation with another algorithm", delegation_algorithm),
    case(3025, "a delegation with a header entry too many", delegation_entry),
    case(3026, "a delegation whose payload is not the format's", delegation_payload),
    case(3027, "a delegation that is too long", delegation_length),
    case(3028, "another signer's signature", another_signer),
    case(3029, "the signature of another package", another_signature),
    case(3030, "a signature that is too short, or of zeros", signature_form),
    case(3031, "a flipped bit of the payload", flipped_payload),
    case(3032, "a payload that is no COSE_Encrypt0", payload_form),
    case(3033, "another sealing algorithm", sealing_algorithm),
    case(3034, "another inner type", inner_type),
    case(3035, "an inner signer version that is another", inner_version),
    case(3036, "an inner device id that is another", inner_device),
    case(3037, "an inner sequence that is another", inner_sequence),
    case(3038, "an inner entry is missing, or one too many", inner_entries),
    case(3039, "an encapsulated key of low order", low_order),
    case(3040, "an encapsulated key that is not in its one form", other_form),
    case(3041, "an encapsulated key of another length", key_length),
    case(3042, "an encapsulated key of another package", another_key),
    case(3043, "a flipped bit of the ciphertext, or of its tag", flipped_ciphertext),
    case(3044, "no ciphertext, or less than a tag", short_ciphertext),
    case(3045, "sealed to another device's key", sealed_to_another),
    case(3046, "an inner header that was changed after sealing", changed_inner),
    case(3047, "a package that is too long", too_long),
    case(3048, "a package of no octets, or of any", no_package),
    case(3049, "a delegation, or a statement, in a package's place", other_things),
    case(3050, "a package of another manager with the same id", same_id),
    case(3051, "a flipped bit anywhere in what is signed, signed anew", flipped_and_signed),
];

/// Seals and signs what the draft is now.
fn sealed(
    change: impl FnOnce(&mut fault::Package),
) -> impl FnOnce(&Manager, fault::Package) -> Vec<u8> {
    |manager, mut package| {
        change(&mut package);
        manager.seal(&package)
    }
}

/// Changes what is sealed, and signs it.
fn encrypted(
    change: impl FnOnce(&mut fault::Encrypt0),
) -> impl FnOnce(&Manager, fault::Package) -> Vec<u8> {
    |manager, package| {
        let mut sealed = package.encrypt(&manager.device, &mut Fixed::new(&[7; 32]));
        change(&mut sealed);
        package.around(sealed.octets()).sign(&manager.signer)
    }
}

/// The same package under another delegation.
fn delegated(
    change: impl FnOnce(&Manager, fault::Sign1) -> Vec<u8>,
) -> impl FnOnce(&Manager, fault::Package) -> Vec<u8> {
    |manager, mut package| {
        let delegation = change(manager, fault::delegation(manager.signer.delegation()));
        package.unprotected = fault::with_delegation(&delegation);
        manager.seal(&package)
    }
}

/// A good package before it is signed.
fn whole(manager: &Manager, package: &fault::Package) -> fault::Sign1 {
    package.around(package.encrypt(&manager.device, &mut Fixed::new(&[7; 32])).octets())
}

fn tag(c: &mut Context) -> Verdict {
    for tag in [None, Some(16), Some(98)] {
        c.refuses(Code::Malformed, |manager, package| {
            fault::Sign1 { tag, ..whole(manager, &package) }.sign(&manager.signer)
        })?;
    }
    Ok(())
}

fn length(c: &mut Context) -> Verdict {
    c.refuses(Code::Malformed, |manager, package| [manager.seal(&package), vec![0]].concat())?;
    c.refuses(Code::Malformed, |manager, package| {
        let mut octets = manager.seal(&package);
        octets.pop();
        octets
    })
}

fn array(c: &mut Context) -> Verdict {
    c.refuses(Code::Malformed, |manager, package| {
        let mut octets = manager.seal(&package);
        octets[1] = 0x85;
        octets.push(0xf6);
        octets
    })
}

fn longer_form(c: &mut Context) -> Verdict {
    c.refuses(Code::Malformed, |manager, package| {
        let octets = manager.seal(&package);
        // Tag 18 in two octets.
        [&[0xd8, 18], &octets[1..]].concat()
    })?;
    c.refuses(Code::Malformed, |manager, mut package| {
        let header = package.outer.octets();
        // alg -8 in two octets.
        let longer = [&header[..2], &[0x38, 7], &header[3..]].concat();
        package.outer = fault::Part::Octets(longer);
        manager.seal(&package)
    })
}

fn order(c: &mut Context) -> Verdict {
    c.refuses(Code::Malformed, sealed(|package| package.outer.reverse(&[])))?;
    c.refuses(Code::Malformed, sealed(|package| package.inner.reverse(&[])))
}

fn unknown_entry(c: &mut Context) -> Verdict {
    for label in [2, 64, -65540] {
        c.refuses(Code::Malformed, sealed(|package| package.outer.set(&[label], 0)))?;
    }
    Ok(())
}

fn missing_entry(c: &mut Context) -> Verdict {
    for label in [1, 4, 16, -65538, -65539] {
        c.refuses(Code::Malformed, sealed(|package| package.outer.remove(&[label])))?;
    }
    Ok(())
}

fn other_type(c: &mut Context) -> Verdict {
    for typ in ["", "proseal-packag", "proseal-package2", "PROSEAL-PACKAGE", "application/cose"] {
        c.refuses(Code::WrongType, sealed(|package| package.outer.set(&[16], typ)))?;
    }
    c.refuses(Code::Malformed, sealed(|package| package.outer.set(&[16], 0)))
}

fn type_of_another(c: &mut Context) -> Verdict {
    for typ in ["proseal-delegation", "proseal-statement", "proseal-package-content"] {
        c.refuses(Code::WrongType, sealed(|package| package.outer.set(&[16], typ)))?;
    }
    // A notice has no device and no sequence, and is shorter.
    c.refuses(Code::Oversized, sealed(|package| package.outer.set(&[16], "proseal-notice")))
}

fn signature_algorithm(c: &mut Context) -> Verdict {
    // ES256, Ed25519 by its own number, EdDSA's absolute value.
    for alg in [-7, -19, 8] {
        c.refuses(Code::UnsupportedAlgorithm, sealed(|package| package.outer.set(&[1], alg)))?;
    }
    Ok(())
}

fn version_form(c: &mut Context) -> Verdict {
    for version in [&[0, 0, 0, 0][..], &[0, 0, 5], &[0, 0, 0, 0, 5], &[]] {
        let version = Value::Bytes(version.to_vec());
        c.refuses(Code::Malformed, sealed(|package| package.outer.set(&[4], version)))?;
    }
    c.refuses(Code::Malformed, sealed(|package| package.outer.set(&[4], 5)))
}

fn version_of_another(c: &mut Context) -> Verdict {
    for later in [false, true] {
        c.refuses(Code::HeadersDisagree, |manager, mut package| {
            let version = if later { manager.version + 1 } else { manager.version - 1 };
            let version = Value::Bytes(version.to_be_bytes().to_vec());
            package.outer.set(&[4], version.clone());
            package.inner.set(&[4], version);
            manager.seal(&package)
        })?;
    }
    Ok(())
}

fn older_signer(c: &mut Context) -> Verdict {
    c.refuses(Code::SignerSuperseded, |manager, _| {
        let older = signer(&manager.root, manager.version - 1, MANAGER);
        fault::package(&older, &manager.device, &manager.plain()).seal(
            &older,
            &manager.device,
            &mut Fixed::new(&[7; 32]),
        )
    })
}

fn foreign(c: &mut Context) -> Verdict {
    for changed in [0, 15] {
        c.refuses(Code::WrongDevice, |manager, mut package| {
            let mut id = manager.device.id().0;
            id[changed] ^= 1;
            let id = Value::Bytes(id.to_vec());
            package.outer.set(&[-65538], id.clone());
            package.inner.set(&[-65538], id.clone());
            package.content.set(&[1], id);
            manager.seal(&package)
        })?;
    }
    Ok(())
}

fn device_form(c: &mut Context) -> Verdict {
    for len in [0, 15, 17] {
        let id = Value::Bytes(vec![7; len]);
        c.refuses(Code::Malformed, sealed(|package| package.outer.set(&[-65538], id)))?;
    }
    Ok(())
}

fn sequence_zero(c: &mut Context) -> Verdict {
    c.refuses(
        Code::Malformed,
        sealed(|package| {
            package.outer.set(&[-65539], 0);
            package.inner.set(&[-65539], 0);
            package.content.set(&[2], 0);
        }),
    )
}

fn unprotected(c: &mut Context) -> Verdict {
    c.refuses(Code::Malformed, |manager, package| {
        let mut signed = whole(manager, &package);
        signed.unprotected(|header| header.set(&[4], Value::Bytes(vec![1])));
        signed.sign(&manager.signer)
    })
}

fn no_delegation(c: &mut Context) -> Verdict {
    c.refuses(Code::Malformed, sealed(|package| package.unprotected = Value::Map(vec![])))
}

fn no_cose(c: &mut Context) -> Verdict {
    for octets in [&[][..], &[0xd2], &[0x84, 0x40, 0xa0, 0x40, 0x40]] {
        c.refuses(Code::Malformed, delegated(|_, _| octets.to_vec()))?;
    }
    Ok(())
}

fn another_root(c: &mut Context) -> Verdict {
    c.refuses(Code::UntrustedSigner, delegated(|_, delegation| delegation.sign(&root(2))))
}

fn changed_signer(c: &mut Context) -> Verdict {
    c.refuses(
        Code::UntrustedSigner,
        delegated(|manager, delegation| {
            // Of the good signature, so that only the payload is another.
            let octets = delegation.sign(&manager.root);
            let at = octets.len() - 100;
            let mut changed = octets;
            changed[at] ^= 1;
            changed
        }),
    )
}

fn another_manager(c: &mut Context) -> Verdict {
    c.refuses(Code::WrongManager, |manager, _| {
        let other = signer(&manager.root, manager.version, ManagerId([0x3b; 16]));
        fault::package(&other, &manager.device, &manager.plain()).seal(
            &other,
            &manager.device,
            &mut Fixed::new(&[7; 32]),
        )
    })
}

fn delegation_type(c: &mut Context) -> Verdict {
    for typ in ["proseal-package", "proseal-notice", "proseal-statement", "proseal-delegations"] {
        c.refuses(
            Code::WrongType,
            delegated(|manager, mut delegation| {
                delegation.protected.set(&[16], typ);
                delegation.sign(&manager.root)
            }),
        )?;
    }
    Ok(())
}

fn delegation_algorithm(c: &mut Context) -> Verdict {
    c.refuses(
        Code::UnsupportedAlgorithm,
        delegated(|manager, mut delegation| {
            delegation.protected.set(&[1], -7);
            delegation.sign(&manager.root)
        }),
    )
}

fn delegation_entry(c: &mut Context) -> Verdict {
    c.refuses(
        Code::Malformed,
        delegated(|manager, mut delegation| {
            delegation.protected.set(&[3], 0);
            delegation.sign(&manager.root)
        }),
    )?;
    c.refuses(
        Code::Malformed,
        delegated(|manager, mut delegation| {
            delegation.unprotected = fault::with_delegation(&[1]);
            delegation.sign(&manager.root)
        }),
    )
}

fn delegation_payload(c: &mut Context) -> Verdict {
    let changes: [fn(&mut fault::Part); 7] = [
        |payload| payload.remove(&[1]),
        |payload| payload.remove(&[2]),
        |payload| payload.remove(&[3]),
        |payload| payload.set(&[1], Value::Bytes(vec![1; 31])),
        |payload| payload.set(&[2], 0),
        |payload| payload.set(&[2], 1_u64 << 32),
        |payload| payload.set(&[4], 0),
    ];
    for change in changes {
        c.refuses(
            Code::Malformed,
            delegated(|manager, mut delegation| {
                change(&mut delegation.payload);
                delegation.sign(&manager.root)
            }),
        )?;
    }
    Ok(())
}

fn delegation_length(c: &mut Context) -> Verdict {
    c.refuses(
        Code::Oversized,
        delegated(|manager, mut delegation| {
            delegation.payload.set(&[64], Value::Bytes(vec![0; limit::DELEGATION_MAX]));
            delegation.sign(&manager.root)
        }),
    )
}

fn another_signer(c: &mut Context) -> Verdict {
    c.refuses(Code::BadSignature, |manager, package| {
        let other = signer(&manager.root, manager.version + 1, MANAGER);
        whole(manager, &package).sign(&other)
    })
}

fn another_signature(c: &mut Context) -> Verdict {
    c.refuses(Code::BadSignature, |manager, package| {
        let other = manager.package(&manager.state(Vec::new()));
        let signature = &other[other.len() - 64..];
        whole(manager, &package).with_signature(signature)
    })
}

fn signature_form(c: &mut Context) -> Verdict {
    for len in [0, 63, 65] {
        c.refuses(Code::Malformed, |manager, package| {
            whole(manager, &package).with_signature(&vec![0; len])
        })?;
    }
    c.refuses(Code::BadSignature, |manager, package| {
        whole(manager, &package).with_signature(&[0; 64])
    })
}

fn flipped_payload(c: &mut Context) -> Verdict {
    c.refuses(Code::BadSignature, |manager, package| {
        let mut octets = manager.seal(&package);
        // The last of the sealing's tag: what is signed ends 66 octets before the end.
        let at = octets.len() - 67;
        octets[at] ^= 0x80;
        octets
    })
}

fn payload_form(c: &mut Context) -> Verdict {
    for payload in [&[][..], &[0xa0], &[0xd0, 0x83, 0x40, 0xa0, 0x40]] {
        c.refuses(Code::Malformed, |manager, package| {
            package.around(payload.to_vec()).sign(&manager.signer)
        })?;
    }
    c.refuses(Code::Malformed, encrypted(|sealed| sealed.tag = None))
}

fn sealing_algorithm(c: &mut Context) -> Verdict {
    // HPKE-0, HPKE-4, AES-128-GCM.
    for alg in [35, 42, 1] {
        c.refuses(Code::UnsupportedAlgorithm, sealed(|package| package.inner.set(&[1], alg)))?;
    }
    Ok(())
}

fn inner_type(c: &mut Context) -> Verdict {
    c.refuses(Code::WrongType, sealed(|package| package.inner.set(&[16], "proseal-package")))
}

fn inner_version(c: &mut Context) -> Verdict {
    let version = Value::Bytes(u32::MAX.to_be_bytes().to_vec());
    c.refuses(Code::HeadersDisagree, sealed(|package| package.inner.set(&[4], version)))
}

fn inner_device(c: &mut Context) -> Verdict {
    let id = Value::Bytes(DeviceId::NONE.0.to_vec());
    c.refuses(Code::HeadersDisagree, sealed(|package| package.inner.set(&[-65538], id)))
}

fn inner_sequence(c: &mut Context) -> Verdict {
    c.refuses(Code::HeadersDisagree, sealed(|package| package.inner.set(&[-65539], 1_000_000)))
}

fn inner_entries(c: &mut Context) -> Verdict {
    for label in [1, 4, 16, -65538, -65539] {
        c.refuses(Code::Malformed, sealed(|package| package.inner.remove(&[label])))?;
    }
    c.refuses(Code::Malformed, sealed(|package| package.inner.set(&[64], 0)))
}

/// Points of order 1, 2, 4 and 8: OP-TEE's own derivation would end the TA.
fn low_order(c: &mut Context) -> Verdict {
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let one = std::array::from_fn(|at| u8::from(at == 0));
    let order_8 = *b"\xe0\xeb\x7a\x7c\x3b\x41\xb8\xae\x16\x56\xe3\xfa\xf1\x9f\xc4\x6a\
                     \xda\x09\x8d\xeb\x9c\x32\xb1\xfd\x86\x62\x05\x16\x5f\x49\xb8\x00";
    let other_8 = *b"\x5f\x9c\x95\xbc\xa3\x50\x8c\x24\xb1\xd0\xb1\x55\x9c\x83\xef\x5b\
                     \x04\x44\x5c\xc4\x58\x1c\x8e\x86\xd8\x22\x4e\xdd\xd0\x9f\x11\x57";
    for point in [[0; 32], one, order_8, other_8, minus_one] {
        c.refuses(Code::NotOpened, encrypted(|sealed| sealed.set_ek(&point)))?;
    }
    Ok(())
}

fn other_form(c: &mut Context) -> Verdict {
    // 2^255 - 19, the next, the highest below 2^255; the base point with the bit
    // that X25519 masks.
    let near = |first: u8| {
        std::array::from_fn(|at| match at {
            0 => first,
            31 => 0x7f,
            _ => 0xff,
        })
    };
    let masked = std::array::from_fn(|at| match at {
        0 => 9,
        31 => 0x80,
        _ => 0,
    });
    for point in [near(0xed), near(0xee), near(0xff), masked] {
        let point: [u8; 32] = point;
        c.refuses(Code::NotOpened, encrypted(|sealed| sealed.set_ek(&point)))?;
    }
    Ok(())
}

fn key_length(c: &mut Context) -> Verdict {
    for len in [0, 31, 33] {
        c.refuses(Code::Malformed, encrypted(|sealed| sealed.set_ek(&vec![9; len])))?;
    }
    Ok(())
}

fn another_key(c: &mut Context) -> Verdict {
    let base: [u8; 32] = std::array::from_fn(|at| if at == 0 { 9 } else { 0 });
    c.refuses(Code::NotOpened, encrypted(|sealed| sealed.set_ek(&base)))
}

fn flipped_ciphertext(c: &mut Context) -> Verdict {
    c.refuses(Code::NotOpened, encrypted(|sealed| sealed.ciphertext[0] ^= 1))?;
    c.refuses(
        Code::NotOpened,
        encrypted(|sealed| *sealed.ciphertext.last_mut().expect("a tag") ^= 1),
    )
}

fn short_ciphertext(c: &mut Context) -> Verdict {
    for len in [0, 15, 16] {
        c.refuses(Code::NotOpened, encrypted(|sealed| sealed.ciphertext.truncate(len)))?;
    }
    Ok(())
}

fn sealed_to_another(c: &mut Context) -> Verdict {
    c.refuses(Code::NotOpened, |manager, package| {
        let other = proseal_issuer::testing::Device::from_secrets(&[8; 32], &[9; 32]);
        let sealed = package.encrypt(other.keys(), &mut Fixed::new(&[7; 32]));
        package.around(sealed.octets()).sign(&manager.signer)
    })
}

fn changed_inner(c: &mut Context) -> Verdict {
    c.refuses(Code::NotOpened, |manager, mut package| {
        // Sealed under another sequence, then given the right one.
        let good = package.inner.octets();
        package.inner.set(&[-65539], 1_000_000);
        let mut sealed = package.encrypt(&manager.device, &mut Fixed::new(&[7; 32]));
        sealed.protected = good;
        package.around(sealed.octets()).sign(&manager.signer)
    })
}

fn too_long(c: &mut Context) -> Verdict {
    c.refuses(
        Code::Oversized,
        sealed(|package| {
            package.content.set(&[64], Value::Bytes(vec![0; limit::PACKAGE_MAX]));
        }),
    )
}

fn no_package(c: &mut Context) -> Verdict {
    c.after_a_plain()?;
    for octets in [&[][..], &[0], &[0xff; 100], b"not a package"] {
        c.refused_octets_of_package(octets, Code::Malformed)?;
    }
    Ok(())
}

fn other_things(c: &mut Context) -> Verdict {
    let manager = c.after_a_plain()?;
    c.refused_octets_of_package(manager.signer.delegation().octets(), Code::WrongType)?;
    let reply = c.ta.call(&proseal_proto::message::GetStatement { nonce: [3; 32] });
    let statement = c.ok("statement", reply)?.statement;
    c.refused_octets_of_package(&statement, Code::WrongType)
}

fn same_id(c: &mut Context) -> Verdict {
    c.refuses(Code::UntrustedSigner, |manager, _| {
        let other_root = root(2);
        let key = proseal_issuer::SignerKey::from_seed(&[0x77; 32]);
        let version = SignerVersion::new(manager.version).expect("it is not 0");
        let delegation = Delegation::sign(&other_root, key.public(), version, MANAGER);
        let other = proseal_issuer::Signer::new(key, delegation).expect("it names the key");
        fault::package(&other, &manager.device, &manager.plain()).seal(
            &other,
            &manager.device,
            &mut Fixed::new(&[7; 32]),
        )
    })
}

/// Octets at level 0, others in each run; each level adds as many. The host's tests flip
/// each one.
const FLIPS: usize = 8;

/// What is sealed is authentic by itself, and the headers agree or do not.
fn flipped_and_signed(c: &mut Context) -> Verdict {
    let manager = c.after_a_plain()?;
    let draft = manager.draft(&manager.plain());
    let good = draft.encrypt(&manager.device, &mut Fixed::new(&[7; 32])).octets();
    for at in sample(c, FLIPS, good.len()) {
        let mut payload = good.clone();
        payload[at] ^= 1 << (at % 8);
        let signed = draft.around(payload).sign(&manager.signer);
        c.refused_package(&format!("octet {at} of {}", good.len()), &signed)?;
    }
    Ok(())
}
