//! What an operator should hear of a device's statement.

/// Something is wrong with a device, or with what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// A statement had an older sequence.
    RolledBack,
    /// It belongs to another manager.
    ForeignRoot,
    /// It has applied a package that is not known here.
    UnknownSequence,
    /// Its time went back.
    OlderStatement,
    /// Its time is far ahead.
    FloorAhead,
}

impl Alarm {
    /// A stable short name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RolledBack => "rolled_back",
            Self::ForeignRoot => "foreign_root",
            Self::UnknownSequence => "unknown_sequence",
            Self::OlderStatement => "older_statement",
            Self::FloorAhead => "floor_ahead",
        }
    }

    /// What it means, and what to do.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::RolledBack => {
                "Its storage was put back, or this statement is an old one. Nothing is sealed for it until \
                 you know which, and import its present statement with --accept-rollback."
            }
            Self::ForeignRoot => {
                "Somebody else enrolled it. Nothing is sealed for it: on the radio `prosectl erase`, then enrol it here."
            }
            Self::UnknownSequence => {
                "It has applied a package that this database does not know: a backup was put back, or another \
                 copy of this manager is in use. Who joins a group gets new keys only. Next: `key replace` each group, \
                 declare lost again what was lost in that time, and make bundles."
            }
            Self::OlderStatement => {
                "Its time is before that of the statement that was imported last: this is an old file, or \
                 the radio lost power before it wrote its time down. Import a present one."
            }
            Self::FloorAhead => {
                "Its time is more than a day ahead of this machine's clock: one of both is wrong, and a radio \
                 keeps its time for ever. Compare this clock with another one."
            }
        }
    }
}
