//! What became of frames. Of each port: what came in from it, and what became of what was for it.

use serde_json::{Map, Value, json};

/// Frames of one port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Came from the radio.
    pub sent: u64,
    /// Were for the radio: what the others sent.
    pub offered: u64,
    /// Lost, as the faults say.
    pub lost: u64,
    /// Came once more, as the faults say.
    pub doubled: u64,
    /// Fell while the link or the port was down.
    pub down: u64,
    /// Found no room: the radio did not take them in time.
    pub full: u64,
    /// Were handed to the radio.
    pub delivered: u64,
    /// Are on their way still.
    pub under_way: u64,
}

impl Count {
    /// Whether each frame has become something, and only one thing.
    #[must_use]
    pub const fn adds_up(&self) -> bool {
        let came = self.offered.saturating_add(self.doubled);
        let went = self.lost.saturating_add(self.down).saturating_add(self.full);
        came == went.saturating_add(self.delivered).saturating_add(self.under_way)
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let Self { sent, offered, lost, doubled, down, full, delivered, under_way } = *self;
        json!({
            "sent": sent, "offered": offered, "lost": lost, "doubled": doubled, "down": down,
            "full": full, "delivered": delivered, "under_way": under_way,
        })
    }
}

/// All ports by their names.
#[must_use]
pub fn to_json<'p>(ports: impl Iterator<Item = (&'p str, &'p Count)>) -> Value {
    let ports = ports.map(|(name, count)| (name.to_owned(), count.to_json()));
    Value::Object(ports.collect::<Map<_, _>>())
}
