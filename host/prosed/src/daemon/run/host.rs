//! What the local API's methods do.

use std::fs;

use proseal_proto::id::GroupId;
use prosed::frame::{HEADROOM, SduType, TAILROOM};
use prosed::object::{Kind, NotCarried};
use serde_json::{Map, Value, json};

use super::Daemon;
use crate::daemon::api::Host;
use crate::daemon::config::Config;
use crate::daemon::tee::Question;

impl Host for Daemon {
    fn send(&mut self, group: GroupId, payload: &[u8]) -> Result<(), String> {
        let now = self.now();
        let end = HEADROOM + payload.len();
        let buffer = self.buffer.get_mut(..end + TAILROOM).ok_or("it is longer than a frame")?;
        buffer[HEADROOM..end].copy_from_slice(payload);
        let frame = self.parts.station.send(now, group, SduType::NonIp, buffer);
        let frame = frame.map_err(|error| error.to_string())?;
        self.link.send(group, &self.buffer[frame]);
        Ok(())
    }

    fn status(&mut self) -> Value {
        let (station, counters) = (&self.parts.station, self.parts.station.counters());
        let drops = counters.drops.iter();
        let drops: Map<_, _> =
            drops.map(|(reason, count)| (reason.name().to_owned(), count.into())).collect();
        let groups = station.receiver().groups().iter().map(|group| {
            let sending = station.in_use(group.id).map(|(generation, ptk_id, sn)| {
                json!({ "generation": generation.get(), "ptk_id": ptk_id.to_string(), "sn": sn })
            });
            let generations = group.pgks.iter().map(|pgk| pgk.status.generation.get());
            json!({
                "group": group.id.to_string(),
                "member": group.member.to_string(),
                "suspended": group.suspended,
                "may_send": group.may_send,
                "generations": generations.collect::<Vec<_>>(),
                "sending": sending,
            })
        });
        json!({
            "counters": {
                "received": counters.received,
                "delivered": counters.delivered,
                "objects": counters.objects,
                "waiting": station.receiver().waiting(),
                "drops": drops,
                "sent": counters.sent,
                "unsent": counters.unsent,
                "objects_sent": counters.objects_sent,
                "send_failed": self.link.send_failed,
                "kernel_drops": self.link.kernel_drops(),
                "subscriber_drops": self.subscriber_drops,
                "tee_calls": station.receiver().calls(),
            },
            "carried": station.carried(),
            "groups": groups.collect::<Vec<_>>(),
        })
    }

    fn refresh(&mut self, group: GroupId) -> bool {
        self.parts.station.refresh(group)
    }

    fn carry(&mut self, group: GroupId, object: &[u8]) -> Result<(Kind, bool), NotCarried> {
        let now = self.now();
        self.parts.station.carry(now, group, object)
    }

    fn suspend(&mut self, group: GroupId) -> bool {
        let known = self.parts.station.receiver().groups().iter().any(|known| known.id == group);
        if known {
            self.tee.ask(Question::Suspend(group));
        }
        known
    }

    fn reload(&mut self) -> Result<(), String> {
        let path = self.path.display();
        let text = fs::read_to_string(&self.path).map_err(|error| format!("{path}: {error}"))?;
        let new = Config::parse(&text).map_err(|error| format!("{path}: {error}"))?;
        let old = &self.config;
        let fixed = |config: &Config| {
            let Config { interface, port, socket, state, metrics, lock_memory, .. } =
                config.clone();
            (interface, port, socket, state, metrics, lock_memory)
        };
        if fixed(&new) != fixed(old) {
            return Err(format!(
                "{path}: interface, port, socket, state, metrics and lock_memory change by a restart"
            ));
        }
        let before = std::mem::replace(&mut self.config, new);
        if let Err(error) = self.open_tuns() {
            self.config = before;
            return Err(error.to_string());
        }
        let groups = self.parts.station.receiver().groups().iter().map(|group| group.id);
        let groups: Vec<_> = groups.map(|group| (group, self.config.address(group))).collect();
        self.link.join(&groups).map_err(|error| format!("multicast: {error}"))
    }
}
