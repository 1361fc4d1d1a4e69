//! `suspend`, `revoke`, `events` and `erase`.

use alloc::vec::Vec;

use proseal_proto::error::Code;
use proseal_proto::limit;
use proseal_proto::message::{Done, Erase, EventKind, Events, EventsReply, Revoke, Suspend};
use proseal_proto::role::Role;

use crate::apply;
use crate::device::Ta;
use crate::platform::Platform;

pub(crate) fn suspend<P: Platform>(
    ta: &mut Ta<P>,
    role: Role,
    request: &Suspend,
) -> Result<Done, Code> {
    let Suspend { group: id, on } = *request;
    if !on && role != Role::Administrator {
        return Err(Code::NotPermitted);
    }
    ta.commit(|state| {
        let group = state.group_mut(id).ok_or(Code::UnknownGroup)?;
        if group.suspended != on {
            group.suspended = on;
            state.note(if on { EventKind::Suspended } else { EventKind::Resumed }, id, 0);
        }
        Ok(Done)
    })
}

pub(crate) fn revoke<P: Platform>(ta: &mut Ta<P>, request: Revoke) -> Result<Done, Code> {
    let Revoke { group: id, below } = request;
    ta.commit(|state| {
        let group = state.group_mut(id).ok_or(Code::UnknownGroup)?;
        if below.get() > group.next {
            return Err(Code::AboveNext);
        }
        if apply::revoke(group, below.get()) {
            state.note(EventKind::Revoked, id, below.get());
        }
        Ok(Done)
    })
}

pub(crate) fn events<P: Platform>(ta: &mut Ta<P>, request: Events) -> Result<EventsReply, Code> {
    let state = ta.enrolled()?;
    let wanted = state.events.iter().filter(|event| event.number >= request.since);
    let events: Vec<_> = wanted.take(limit::EVENTS_REPLY).copied().collect();
    Ok(EventsReply { next: state.next_event, events })
}

pub(crate) fn erase<P: Platform>(ta: &mut Ta<P>, request: Erase) -> Result<Done, Code> {
    ta.erase(request.device)?;
    Ok(Done)
}
