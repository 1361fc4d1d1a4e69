//! A manager for the tests next to the code.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;

use super::Office;
use crate::args::Args;
use crate::here::{Answer, Clock, Here};
use crate::home::Home;
use crate::store::{Place, manager};

pub(crate) const NOW: u64 = 1_800_000_000;

/// A manager with one group, in a folder of its own, which goes with it.
pub(crate) struct Site {
    pub(crate) folder: PathBuf,
    pub(crate) office: Arc<Office>,
    now: Arc<AtomicU64>,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Site {
    pub(crate) async fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("prose-office-{}-{name}", std::process::id()));
        // Of a run that was killed.
        let _ = fs::remove_dir_all(&folder);
        let now = Arc::new(AtomicU64::new(NOW));
        let clock = Arc::clone(&now);
        let here = Here {
            clock: Clock::new(move || clock.load(Ordering::Relaxed)),
            user: "tester".to_owned(),
            home: folder.clone(),
            is_terminal: false,
            ask: |_| Answer::NoTerminal,
            ask_secret: |_| Answer::NoTerminal,
        };
        for command in [&["init"][..], &["group", "add", "0a0b0c"]] {
            let words = ["prose-manager"].iter().chain(command);
            let args = Args::try_parse_from(words).unwrap();
            crate::command::run(&args, &here).await.unwrap();
        }
        let home = Home::new(folder.clone());
        let place = Place::File(home.database());
        let office = Office::open(&home, &place, here.clock, false, 3).await.unwrap();
        Self { folder, office: Arc::new(office), now }
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    /// What the audit has, newest first.
    pub(crate) async fn audit(&self) -> Vec<String> {
        let mut look = self.office.look().await.unwrap();
        let changes = manager::audited(&mut look.change, None, 10).await.unwrap();
        look.leave().await.unwrap();
        changes.into_iter().map(|change| change.what).collect()
    }
}
