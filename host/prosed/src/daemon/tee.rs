//! The TEE in a thread of its own: a call that writes takes a hundred times as long as
//! a packet. Questions are answered one after the other.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use proseal_client::{Client, Error};
use proseal_proto::id::{Generation, GroupId};
use proseal_proto::key::AdmissionKey;
use proseal_proto::message::{
    Admission, Import, Outcome, Receive, ReceiveReply, Send, SendReply, Status, StatusReply,
    Suspend,
};
use prosed::group::admissions;

use super::wake::Wake;

/// What the TEE is asked.
pub(crate) enum Question {
    /// Keys of other senders.
    Receive(Receive),
    /// An epoch to send with.
    Send(Send),
    /// Take in a package or notice.
    Import(Vec<u8>),
    /// What the device holds, if it is not what the last answer said.
    Look,
    /// No more keys for a group.
    Suspend(GroupId),
}

/// What it says.
pub(crate) enum Answer {
    /// To [`Question::Receive`].
    Keys(Result<ReceiveReply, Error>),
    /// To [`Question::Send`].
    Epoch(GroupId, Result<Box<SendReply>, Error>),
    /// To [`Question::Import`].
    Imported(Result<Outcome, Error>),
    /// To [`Question::Look`]: the state with the admission keys of its PGKs.
    Holds(Box<StatusReply>, Vec<Admitted>),
    /// The same, and nothing has changed.
    Same,
    /// It could not be asked what it holds.
    NotSeen(Error),
    /// To [`Question::Suspend`].
    Suspended(Result<(), Error>),
}

/// The admission key of a PGK.
pub(crate) type Admitted = (GroupId, Generation, AdmissionKey);

/// The thread.
pub(crate) struct Tee {
    questions: Sender<Question>,
    answers: Receiver<Answer>,
    thread: JoinHandle<()>,
}

impl Tee {
    /// Asks by the client that `open` makes, and wakes with each answer.
    pub(crate) fn new(
        open: impl FnOnce() -> Client + std::marker::Send + 'static,
        wake: Wake,
    ) -> Self {
        let (questions, inbox) = channel();
        let (outbox, answers) = channel();
        let thread = thread::spawn(move || {
            let mut asker = Asker { client: open(), last: None };
            for question in inbox {
                if outbox.send(asker.ask(question)).is_err() {
                    return;
                }
                wake.wake();
            }
        });
        Self { questions, answers, thread }
    }

    /// Asks nothing more, and waits until the call that is under way has ended, which the
    /// client's limit bounds: Linux's driver does not take what tee-supplicant brings to a
    /// caller that is gone, and tee-supplicant ends of that.
    pub(crate) fn close(self) {
        let Self { questions, answers, thread } = self;
        drop((questions, answers));
        // If it panicked that was said.
        let _ = thread.join();
    }

    /// Asks.
    pub(crate) fn ask(&self, question: Question) {
        // The thread ends with this value.
        let _ = self.questions.send(question);
    }

    /// The next answer, if there is one.
    pub(crate) fn answer(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }
}

struct Asker {
    client: Client,
    last: Option<StatusReply>,
}

impl Asker {
    fn ask(&mut self, question: Question) -> Answer {
        match question {
            Question::Receive(command) => Answer::Keys(self.client.call(&command)),
            Question::Send(command) => {
                Answer::Epoch(command.group, self.client.call(&command).map(Box::new))
            }
            Question::Import(octets) => {
                let reply = self.client.call(&Import { octets: &octets });
                Answer::Imported(reply.map(|reply| reply.outcome))
            }
            Question::Suspend(group) => {
                let reply = self.client.call(&Suspend { group, on: true });
                Answer::Suspended(reply.map(drop))
            }
            Question::Look => self.look().unwrap_or_else(Answer::NotSeen),
        }
    }

    fn look(&mut self) -> Result<Answer, Error> {
        let status = self.client.call(&Status)?;
        if self.last.as_ref().is_some_and(|last| lasting(last) == lasting(&status)) {
            return Ok(Answer::Same);
        }
        let mut keys = Vec::new();
        for group in &status.groups {
            for generation in admissions(group) {
                let command = Admission { group: group.group, generation };
                keys.push((group.group, generation, self.client.call(&command)?.key));
            }
        }
        self.last = Some(status.clone());
        Ok(Answer::Holds(Box::new(status), keys))
    }
}

/// Of a status what does not change by itself.
fn lasting(status: &StatusReply) -> StatusReply {
    let mut status = status.clone();
    (status.floor, status.unsynced_s, status.refusals) = (0, 0, 0);
    for pgk in status.groups.iter_mut().flat_map(|group| &mut group.pgks) {
        pgk.epochs_left = pgk.epochs_left.min(1);
    }
    status
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use proseal_client::{Fault, Opener, Transport};
    use proseal_proto::buffer::Buffer;
    use proseal_proto::role::Role;

    use super::*;

    /// A TEE that takes its time and counts what it has ended.
    #[derive(Clone, Default)]
    struct Slow(Arc<AtomicUsize>);

    impl Opener for Slow {
        fn may(&self, _: Role) -> bool {
            true
        }

        fn open(&self, _: Role) -> Result<Box<dyn Transport>, Fault> {
            Ok(Box::new(self.clone()))
        }
    }

    impl Transport for Slow {
        fn call(&mut self, _: u32, _: &[u8], _: usize, _: &mut Buffer) -> Result<(), Fault> {
            thread::sleep(Duration::from_millis(200));
            self.0.fetch_add(1, Ordering::SeqCst);
            Err(Fault::TimedOut { limit: Duration::ZERO })
        }
    }

    #[test]
    fn closing_waits_for_the_call_under_way_and_for_no_other() {
        let (slow, wake) = (Slow::default(), Wake::new().unwrap());
        let ended = Arc::clone(&slow.0);
        let tee = Tee::new(|| Client::new(slow), wake);
        for _ in 0..5 {
            tee.ask(Question::Look);
        }
        thread::sleep(Duration::from_millis(50));
        tee.close();
        assert_eq!(ended.load(Ordering::SeqCst), 1);
    }
}
