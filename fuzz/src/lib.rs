//! What the fuzz targets share.

pub mod history;
mod manager;
pub mod receiving;
