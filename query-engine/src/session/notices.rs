//! Notices: what a session tells its client beside results, from the level that `client_min_messages` asks for.

use super::{Notice, Session};

/// Levels, the lowest first. The setting tells five kinds of DEBUG apart; what is said here is DEBUG1.
const LEVELS: [&str; 9] =
    ["debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"];

fn level(severity: &str) -> usize {
    let name = severity.to_ascii_lowercase();
    let name = if name == "debug" { "debug1" } else { &name };
    LEVELS.iter().position(|level| *level == name).unwrap_or(LEVELS.len())
}

impl Session {
    /// Notices since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        let mut notices = std::mem::take(&mut self.notices);
        if !notices.is_empty() {
            let least = level(&self.setting("client_min_messages").unwrap_or_default());
            notices.retain(|notice| level(notice.severity) >= least);
        }
        notices
    }

    pub(super) fn notice(&mut self, state: &'static str, message: String) {
        self.notices.push(Notice { severity: "NOTICE", state, message, detail: None });
    }

    /// What only a client that asks for DEBUG1 is told.
    pub(super) fn debug(&mut self, message: String) {
        self.notices.push(Notice { severity: "DEBUG", state: "00000", message, detail: None });
    }

    /// More about the last notice.
    pub(super) fn detail_of_notice(&mut self, detail: String) {
        if let Some(notice) = self.notices.last_mut() {
            notice.detail = Some(detail);
        }
    }
}
