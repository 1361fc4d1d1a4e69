//! Where the two messages of a call lie in the memory that a session keeps.

use std::ops::Range;

use proseal_proto::limit::{REQUEST_MAX, RESPONSE_MAX};

/// OP-TEE maps memory by pages, and the TA refuses a request and a room that
/// share one. (The kernel gives out whole pages, so offsets are enough.)
const PAGE: usize = 4096;

/// Octets of the memory.
pub(crate) const KEPT: usize = REQUEST_MAX + RESPONSE_MAX;
const _: () = assert!(REQUEST_MAX.is_multiple_of(PAGE));

/// The request's octets and the room's: the room begins on the page after the
/// request's last, so that OP-TEE maps both in one piece. `None` if either is
/// longer than any can be.
pub(crate) fn places(request: usize, room: usize) -> Option<(Range<usize>, Range<usize>)> {
    if request > REQUEST_MAX || room > RESPONSE_MAX {
        return None;
    }
    let start = request.max(1).next_multiple_of(PAGE);
    Some((0..request, start..start + room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_and_room_share_no_page_and_always_fit() {
        for (request, room, start) in [
            (0, 4, 4096),
            (28, 74, 4096),
            (4096, 1, 4096),
            (4097, 1, 8192),
            (REQUEST_MAX, RESPONSE_MAX, REQUEST_MAX),
        ] {
            assert_eq!(places(request, room), Some((0..request, start..start + room)));
            assert!(start + room <= KEPT);
        }
    }

    #[test]
    fn what_is_longer_than_any_message_has_no_place() {
        assert_eq!(places(REQUEST_MAX + 1, 1), None);
        assert_eq!(places(1, RESPONSE_MAX + 1), None);
    }
}
