//! The commands' work, one file an area: `fn(&mut Ta<P>, request) -> reply`.

pub(crate) mod derive;
pub(crate) mod info;
pub(crate) mod lifecycle;
pub(crate) mod packages;
