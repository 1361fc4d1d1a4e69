//! The file of what is carried for others. Each object in it is signed and is verified
//! again when it comes back, so that a damaged file brings less and nothing false.

use proseal_proto::id::GroupId;
use proseal_proto::limit::PACKAGE_MAX;

use super::BUNDLE;

/// Octets before an object: its group, and its length.
const HEAD: usize = 3 + 4;
/// The most octets of a file: notices of as many groups as a device can be in, and packages.
pub const MAX: usize = (HEAD + PACKAGE_MAX) * (BUNDLE + 64);

/// Writes down objects, each with the group that it is carried for.
#[must_use]
pub fn encode<'o>(objects: impl Iterator<Item = (GroupId, &'o [u8])>) -> Vec<u8> {
    let mut octets = Vec::new();
    for (group, object) in objects {
        octets.extend_from_slice(&group.octets());
        octets.extend_from_slice(&u32::try_from(object.len()).unwrap_or(u32::MAX).to_be_bytes());
        octets.extend_from_slice(object);
    }
    octets
}

/// Reads them, up to where the file is none any more.
#[must_use]
pub fn decode(mut octets: &[u8]) -> Vec<(GroupId, Vec<u8>)> {
    let mut objects = Vec::new();
    while let Some((group, object, rest)) = first(octets) {
        objects.push((group, object.to_vec()));
        octets = rest;
    }
    objects
}

fn first(octets: &[u8]) -> Option<(GroupId, &[u8], &[u8])> {
    let (&group, rest) = octets.split_first_chunk()?;
    let (&len, rest) = rest.split_first_chunk()?;
    let len = usize::try_from(u32::from_be_bytes(len)).ok()?;
    let (object, rest) = rest.split_at_checked(len).filter(|_| len <= PACKAGE_MAX)?;
    Some((GroupId::from_octets(group), object, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn objects() -> impl Strategy<Value = Vec<(GroupId, Vec<u8>)>> {
        let object = (any::<[u8; 3]>(), proptest::collection::vec(any::<u8>(), 0..40));
        let object = object.prop_map(|(group, object)| (GroupId::from_octets(group), object));
        proptest::collection::vec(object, 0..5)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_a_cut_brings_less(
            objects in objects(),
            cut in any::<proptest::sample::Index>(),
        ) {
            let octets = encode(objects.iter().map(|(group, object)| (*group, object.as_slice())));
            prop_assert_eq!(decode(&octets), objects.clone());
            let less = decode(&octets[..cut.index(octets.len() + 1)]);
            prop_assert!(objects.starts_with(&less));
        }

        #[test]
        fn no_file_is_too_strange(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let read = decode(&octets);
            let again = encode(read.iter().map(|(group, object)| (*group, object.as_slice())));
            prop_assert!(octets.starts_with(&again));
        }
    }
}
