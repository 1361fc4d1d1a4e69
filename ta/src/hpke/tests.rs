use super::*;

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn key(hex: &str) -> [u8; KEY] {
    octets(hex).try_into().unwrap()
}

/// RFC 9180, Appendix A.1.1: base mode, sequence number 0.
#[test]
fn what_the_standard_has_sealed_opens_and_nothing_else() {
    let encapsulated = key("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431");
    let recipient = key("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d");
    let private = key("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8");
    let agreed = x25519_dalek::x25519(private, encapsulated);
    let sealed = octets(
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a9\
         6d8770ac83d07bea87e13c512a",
    );
    let seal = Sealed {
        agreed: &agreed,
        encapsulated: &encapsulated,
        recipient: &recipient,
        info: &octets("4f6465206f6e2061204772656369616e2055726e"),
        aad: &octets("436f756e742d30"),
    };
    assert_eq!(
        open(&seal, &mut sealed.clone()).unwrap(),
        octets("4265617574792069732074727574682c20747275746820626561757479")
    );
    let opens = |seal: Sealed<'_>| open(&seal, &mut sealed.clone()).is_ok();
    assert!(!opens(Sealed { info: &[], ..seal }));
    assert!(!opens(Sealed { aad: &[], ..seal }));
    assert!(!opens(Sealed { agreed: &[1; KEY], ..seal }));
    assert!(!opens(Sealed { encapsulated: &recipient, ..seal }));
    assert!(!opens(Sealed { recipient: &encapsulated, ..seal }));
    for at in 0..sealed.len() {
        let mut other = sealed.clone();
        other[at] ^= 1;
        assert_eq!(open(&seal, &mut other), Err(NotSealed), "octet {at}");
    }
}

/// Those with which X25519 gives zeros, whatever the other key is.
#[test]
fn keys_that_keep_no_secret_are_not_good() {
    for point in LOW_ORDER {
        assert!(!is_good_key(&point), "{point:02x?}");
        assert_eq!(x25519_dalek::x25519([1; KEY], point), [0; KEY], "{point:02x?}");
    }
    for first in [0xed, 0xee, 0xff] {
        assert!(!is_good_key(&near_prime(first)));
    }
    let mut masked = self::first(9);
    masked[KEY - 1] = 0x80;
    assert!(!is_good_key(&masked));
    for good in [self::first(9), near_prime(0xeb), self::first(2)] {
        assert!(is_good_key(&good), "{good:02x?}");
        assert_ne!(x25519_dalek::x25519([1; KEY], good), [0; KEY]);
    }
}
