//! Which trusted application a connection speaks to.

/// A trusted application of the TEE, by its UUID.
/// Those of tests are named by who tests: nothing of them is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Application {
    uuid: &'static str,
}

impl Application {
    /// ProSeal's, as radios have it.
    pub const PRODUCT: Self = Self::new(proseal_proto::UUID);

    /// The one with this UUID.
    #[must_use]
    pub const fn new(uuid: &'static str) -> Self {
        Self { uuid }
    }

    /// Its UUID.
    #[must_use]
    pub const fn uuid(self) -> &'static str {
        self.uuid
    }
}
