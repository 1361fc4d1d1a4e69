//! A time limit for each call. A call into the TEE cannot be interrupted
//! (without tee-supplicant it waits for ever), so it is made by a thread of
//! its own, which is left behind when the time is over.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use proseal_proto::buffer::Buffer;
use proseal_proto::role::Role;
use zeroize::Zeroizing;

use crate::error::Fault;
use crate::transport::{Opener, Transport};

type Response = Result<Buffer, Fault>;

struct Request {
    number: u32,
    octets: Zeroizing<Vec<u8>>,
    response_max: usize,
}

/// Opens sessions whose every call, and whose opening, ends within `limit`.
pub struct Timed<O> {
    opener: O,
    limit: Duration,
}

impl<O: Opener + Clone + Send + 'static> Timed<O> {
    /// Bounds what `opener` opens.
    pub const fn new(opener: O, limit: Duration) -> Self {
        Self { opener, limit }
    }
}

impl<O: Opener + Clone + Send + 'static> Opener for Timed<O> {
    fn may(&self, role: Role) -> bool {
        self.opener.may(role)
    }

    fn open(&self, role: Role) -> Result<Box<dyn Transport>, Fault> {
        let (request_in, requests) = channel::<Request>();
        let (response_in, responses) = channel::<Response>();
        let opener = self.opener.clone();
        thread::spawn(move || {
            let mut session = match opener.open(role) {
                Ok(session) => session,
                Err(fault) => return drop(response_in.send(Err(fault))),
            };
            // An empty response says that the session is open.
            let mut response: Response = Ok(Buffer::new());
            while response_in.send(response).is_ok() {
                let Ok(Request { number, octets, response_max }) = requests.recv() else { return };
                let mut buffer = Buffer::new();
                buffer.make_room(response_max);
                response =
                    session.call(number, &octets, response_max, &mut buffer).map(|()| buffer);
            }
        });
        let session = Session { requests: request_in, responses, limit: self.limit };
        session.wait()?;
        Ok(Box::new(session))
    }
}

struct Session {
    requests: Sender<Request>,
    responses: Receiver<Response>,
    limit: Duration,
}

impl Session {
    fn wait(&self) -> Response {
        match self.responses.recv_timeout(self.limit) {
            Ok(response) => response,
            Err(RecvTimeoutError::Timeout) => Err(Fault::TimedOut { limit: self.limit }),
            Err(RecvTimeoutError::Disconnected) => Err(Fault::Died),
        }
    }
}

impl Transport for Session {
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        response_max: usize,
        response: &mut Buffer,
    ) -> Result<(), Fault> {
        let octets = Zeroizing::new(request.to_vec());
        if self.requests.send(Request { number, octets, response_max }).is_err() {
            return Err(Fault::Died);
        }
        response.extend_from_slice(&self.wait()?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// A TEE that takes its time.
    #[derive(Clone)]
    struct Slow {
        open: Duration,
        call: Duration,
    }

    impl Opener for Slow {
        fn may(&self, _: Role) -> bool {
            true
        }

        fn open(&self, _: Role) -> Result<Box<dyn Transport>, Fault> {
            thread::sleep(self.open);
            Ok(Box::new(self.clone()))
        }
    }

    impl Transport for Slow {
        fn call(
            &mut self,
            _: u32,
            request: &[u8],
            _: usize,
            response: &mut Buffer,
        ) -> Result<(), Fault> {
            thread::sleep(self.call);
            response.extend_from_slice(request);
            Ok(())
        }
    }

    const LIMIT: Duration = Duration::from_millis(200);
    const NEVER: Duration = Duration::from_secs(60);

    #[test]
    fn an_answer_in_time_comes_through() {
        let timed = Timed::new(Slow { open: Duration::ZERO, call: Duration::ZERO }, LIMIT);
        let mut session = timed.open(Role::Public).ok().unwrap();
        for octets in [b"one".as_slice(), b"two"] {
            let mut response = Buffer::new();
            session.call(1, octets, 16, &mut response).unwrap();
            assert_eq!(*response, octets);
        }
    }

    #[test]
    fn a_hanging_open_or_call_does_not_hang_the_caller() {
        let start = Instant::now();
        let timed = Timed::new(Slow { open: NEVER, call: NEVER }, LIMIT);
        assert_eq!(timed.open(Role::Public).err(), Some(Fault::TimedOut { limit: LIMIT }));
        let timed = Timed::new(Slow { open: Duration::ZERO, call: NEVER }, LIMIT);
        let result = timed.open(Role::Public).ok().unwrap().call(1, b"", 16, &mut Buffer::new());
        assert_eq!(result.err(), Some(Fault::TimedOut { limit: LIMIT }));
        assert!(start.elapsed() < NEVER);
    }
}
