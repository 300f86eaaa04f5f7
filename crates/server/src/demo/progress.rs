//! Tells on the standard error stream how far the filling has come: one line that is written over where somebody
//! watches, and a line for every tenth elsewhere.

use std::io::{IsTerminal, Write};

use chrono::NaiveDate;

use super::record::Counts;

/// How far it has come.
pub(super) struct Progress {
    whole: usize,
    watched: bool,
    shown: Option<usize>,
}

impl Progress {
    /// Of so many events.
    pub(super) fn new(whole: usize) -> Self {
        Self {
            whole,
            watched: std::io::stderr().is_terminal(),
            shown: None,
        }
    }

    /// So many events have been carried out, up to this day.
    pub(super) fn at(&mut self, done: usize, day: NaiveDate, counts: &Counts) {
        let percent = (done * 100).checked_div(self.whole).unwrap_or(100);
        let step = if self.watched { percent } else { percent / 10 };
        if self.shown == Some(step) && !self.watched {
            return;
        }
        self.shown = Some(step);
        let text = format!(
            "Filling the demonstration: {percent:3} %  {day}  {} purchases, {} members joined",
            counts.purchases, counts.joined
        );
        let mut out = std::io::stderr().lock();
        // What can't be shown is no reason to stop.
        let _unseen = if self.watched {
            write!(out, "\r\x1b[K{text}")
        } else {
            writeln!(out, "{text}")
        };
        let _unseen = out.flush();
    }

    /// Ends the line.
    pub(super) fn end(&self) {
        if self.watched {
            let _unseen = writeln!(std::io::stderr().lock());
        }
    }
}
