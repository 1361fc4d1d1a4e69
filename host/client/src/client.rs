//! Typed calls over a session that re-opens.

use proseal_proto::buffer::Buffer;
use proseal_proto::command::{Command, ResponseError, decode_response, encode_request};
use proseal_proto::limit::{REQUEST_MAX, RESPONSE_MAX};
use proseal_proto::role::Role;

use crate::error::{Error, Fault};
use crate::transport::{Opener, Transport};

/// A caller of the TA. It opens a session for a role when a command first
/// needs it.
pub struct Client {
    opener: Box<dyn Opener>,
    sessions: Vec<(Role, Box<dyn Transport>)>,
    messages: Messages,
}

/// Kept: to ask for memory at each call costs time. Between calls nothing is
/// in it.
#[derive(Default)]
struct Messages {
    request: Buffer,
    response: Buffer,
}

impl Client {
    /// A client of the TA that `opener` opens.
    #[must_use]
    pub fn new(opener: impl Opener + 'static) -> Self {
        Self { opener: Box::new(opener), sessions: Vec::new(), messages: Messages::default() }
    }

    /// Sends a command, by the first of its callers' roles that this process
    /// may take. If the TA dies meanwhile the call is repeated once
    /// in a new session: every command is safe to repeat.
    pub fn call<C: Command>(&mut self, command: &C) -> Result<C::Reply, Error> {
        let mut messages = std::mem::take(&mut self.messages);
        let reply = self.exchange(command, &mut messages);
        messages.request.wipe();
        messages.response.wipe();
        self.messages = messages;
        reply
    }

    fn exchange<C: Command>(
        &mut self,
        command: &C,
        Messages { request, response }: &mut Messages,
    ) -> Result<C::Reply, Error> {
        let role = self.role(C::CALLERS)?;
        request.make_room(REQUEST_MAX);
        response.make_room(RESPONSE_MAX);
        encode_request(command, request).map_err(|_| Error::TooLarge)?;
        let room = command.response_max();
        match self.carry(role, C::NUMBER, request, room, response) {
            // Every command is safe to repeat.
            Err(Fault::Died) => self.carry(role, C::NUMBER, request, room, response)?,
            other => other?,
        }
        decode_response::<C>(response).map_err(|error| match error {
            ResponseError::Refused(code) => Error::Refused(code),
            ResponseError::RefusedUnknown(number) => Error::RefusedUnknown(number),
            ResponseError::Malformed(error) => Error::Reply(error),
        })
    }

    fn role(&self, callers: &'static [Role]) -> Result<Role, Fault> {
        // Of a role that has a session nobody need be asked: that costs system calls.
        let is_open = |role| self.sessions.iter().any(|(open, _)| *open == role);
        let mut here =
            callers.iter().copied().filter(|&role| is_open(role) || self.opener.may(role));
        here.next().ok_or(Fault::NotInGroup { callers })
    }

    fn carry(
        &mut self,
        role: Role,
        number: u32,
        request: &[u8],
        response_max: usize,
        response: &mut Buffer,
    ) -> Result<(), Fault> {
        let at = match self.sessions.iter().position(|(open, _)| *open == role) {
            Some(at) => at,
            None => {
                self.sessions.push((role, self.opener.open(role)?));
                self.sessions.len() - 1
            }
        };
        let result = self.sessions[at].1.call(number, request, response_max, response);
        // After a fault nobody knows what any session is worth.
        if result.is_err() {
            self.sessions.clear();
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use proseal_proto::error::Code;
    use proseal_proto::id::{Generation, GroupId};
    use proseal_proto::message::{Send, Status, Version};

    use super::*;

    /// A TA that dies as often as `deaths` says, then answers `response`.
    struct Dying {
        deaths: Rc<Cell<u32>>,
        opened: Rc<Cell<u32>>,
        response: Vec<u8>,
    }

    impl Opener for Dying {
        fn may(&self, role: Role) -> bool {
            role != Role::Daemon
        }

        fn open(&self, _: Role) -> Result<Box<dyn Transport>, Fault> {
            self.opened.set(self.opened.get() + 1);
            Ok(Box::new(Self {
                deaths: Rc::clone(&self.deaths),
                opened: Rc::clone(&self.opened),
                response: self.response.clone(),
            }))
        }
    }

    impl Transport for Dying {
        fn call(&mut self, _: u32, _: &[u8], _: usize, response: &mut Buffer) -> Result<(), Fault> {
            match self.deaths.get() {
                0 => {
                    response.extend_from_slice(&self.response);
                    Ok(())
                }
                n => {
                    self.deaths.set(n - 1);
                    Err(Fault::Died)
                }
            }
        }
    }

    fn call(deaths: u32, response: &[u8]) -> (Result<(), Error>, u32) {
        let opened = Rc::new(Cell::new(0));
        let mut client = Client::new(Dying {
            deaths: Rc::new(Cell::new(deaths)),
            opened: Rc::clone(&opened),
            response: response.to_vec(),
        });
        let result = client.call(&Version).map(drop);
        (result, opened.get())
    }

    #[test]
    fn a_ta_that_died_is_opened_again_and_the_call_repeated_once() {
        let refused = Code::Internal.number().to_be_bytes();
        assert_eq!(call(1, &refused), (Err(Error::Refused(Code::Internal)), 2));
        assert_eq!(call(2, &refused), (Err(Error::Fault(Fault::Died)), 2));
    }

    #[test]
    fn a_command_for_a_group_that_the_user_is_not_in_is_not_sent() {
        let opened = Rc::new(Cell::new(0));
        let response = Code::Internal.number().to_be_bytes().to_vec();
        let dying = Dying { deaths: Rc::default(), opened: Rc::clone(&opened), response };
        let mut client = Client::new(dying);
        // The daemon's alone; this user is an administrator.
        let send = Send { group: GroupId::from_octets([0, 0, 1]), generation: Generation::FIRST };
        let error = client.call(&send).err().unwrap();
        assert_eq!(error.name(), "not_in_group");
        assert!(error.to_string().contains("group prose (870)"), "{error}");
        assert_eq!(opened.get(), 0);
        // Either's: it is sent as the administrator's.
        assert_eq!(client.call(&Status).err(), Some(Error::Refused(Code::Internal)));
        assert_eq!(opened.get(), 1);
    }

    #[test]
    fn a_ta_of_another_version_is_named_with_what_to_do() {
        let (result, _) = call(0, &Code::UnknownVersion.number().to_be_bytes());
        let error = result.unwrap_err();
        assert!(error.to_string().contains("another version"), "{error}");
        assert!(error.hint().contains("one release"), "{}", error.hint());
    }

    #[test]
    fn a_code_of_a_later_version_is_not_lost() {
        assert_eq!(call(0, &[0, 0, 0x0f, 0xff]).0, Err(Error::RefusedUnknown(0xfff)));
        assert!(matches!(call(0, &[0, 0]).0, Err(Error::Reply(_))));
    }
}
