//! What happens to a group that failed. Pure.
//!
//! A group that lost a race, or its connection, runs again: orders carry keys or receipts, so running twice has one
//! effect. One that fails otherwise runs again in parts, down to the single order, so that only the guilty one fails.
//! Parts give up soon when they wait for a lock, so that one blocked member does not hold up the rest.

use std::ops::Range;

use store::error::StoreError;

use super::EngineError;

/// How often a group is run before it is taken apart.
const TRIES: u32 = 3;

/// How often an order is run again that found its own key held by a connection that was lost.
pub(super) const IN_FLIGHT_TRIES: u32 = 10;

/// Into how many parts a failed group is taken. A quarter of a thousand orders are single after two steps.
const PARTS: usize = 16;

/// Why a run failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// It lost against another transaction and may win next time.
    Race(StoreError),
    /// It gave up waiting for a lock.
    Blocked(StoreError),
    /// The connection broke: whether it was committed is not known.
    Lost(StoreError),
    /// There is no connection to be had.
    Away(StoreError),
    /// Anything else that the database said.
    Refused(StoreError),
    /// The decision panicked.
    Panicked,
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        if error.is_connection_lost() {
            Self::Lost(error)
        } else if error.is_retryable() {
            Self::Race(error)
        } else if error.code() == Some("55P03") {
            Self::Blocked(error)
        } else {
            Self::Refused(error)
        }
    }
}

impl Fault {
    /// What the caller of the guilty order is told.
    pub(super) fn into_error(self) -> EngineError {
        match self {
            Self::Race(error) | Self::Blocked(error) | Self::Refused(error) => error.into(),
            Self::Lost(_) | Self::Away(_) => EngineError::Unavailable,
            Self::Panicked => EngineError::Panicked,
        }
    }

    /// Its name in metrics.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Race(_) => "race",
            Self::Blocked(_) => "blocked",
            Self::Lost(_) => "lost",
            Self::Away(_) => "away",
            Self::Refused(_) => "refused",
            Self::Panicked => "panicked",
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Race(error)
            | Self::Blocked(error)
            | Self::Lost(error)
            | Self::Away(error)
            | Self::Refused(error) => error.fmt(out),
            Self::Panicked => out.write_str("the decision panicked"),
        }
    }
}

/// A part of a group that is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The orders, by their places.
    pub(super) range: Range<usize>,
    /// How often it was run.
    pub(super) tries: u32,
    /// Whether it gives up soon when it waits for a lock.
    pub(super) hasty: bool,
    /// Whether a run before it may have been committed unnoticed.
    pub(super) unsure: bool,
}

/// What is to be done after a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Run these, the first one first.
    Run(Vec<Part>),
    /// Tell the one order of the part.
    GiveUp,
    /// Tell all orders of the group that are not answered yet.
    GiveUpAll,
}

impl Part {
    pub(super) fn whole(len: usize) -> Self {
        Self {
            range: 0..len,
            tries: 0,
            hasty: false,
            unsure: false,
        }
    }

    /// Whether nothing speaks against doing without locks.
    pub(super) fn is_first_try(&self) -> bool {
        self.tries == 0 && !self.hasty && !self.unsure
    }

    /// One order of this part, to be run again.
    pub(super) fn single(&self, index: usize) -> Self {
        Self {
            range: index..index + 1,
            tries: self.tries + 1,
            ..self.clone()
        }
    }

    pub(super) fn after(&self, fault: &Fault) -> Then {
        let again = self.tries + 1 < TRIES;
        let unsure = self.unsure || matches!(fault, Fault::Lost(_));
        match fault {
            Fault::Away(_) => Then::GiveUpAll,
            Fault::Race(_) | Fault::Lost(_) if again => Then::Run(vec![Self {
                tries: self.tries + 1,
                unsure,
                ..self.clone()
            }]),
            _ if self.range.len() <= 1 => Then::GiveUp,
            Fault::Blocked(_) => Then::Run(self.apart(true, unsure)),
            Fault::Race(_) | Fault::Lost(_) | Fault::Refused(_) | Fault::Panicked => {
                Then::Run(self.apart(self.hasty, unsure))
            }
        }
    }

    fn apart(&self, hasty: bool, unsure: bool) -> Vec<Self> {
        let step = self.range.len().div_ceil(PARTS).max(1);
        let end = self.range.end;
        let starts = self.range.clone().step_by(step);
        starts
            .map(|start| Self {
                range: start..end.min(start + step),
                tries: 0,
                hasty,
                unsure,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> StoreError {
        StoreError(sqlx::Error::RowNotFound)
    }

    /// Plays a group whose orders at `guilty` always fail with this fault: who fails, and how many runs it takes.
    fn play(len: usize, guilty: &[usize], fault: fn(StoreError) -> Fault) -> (Vec<usize>, usize) {
        let (mut parts, mut failed, mut done, mut runs) =
            (vec![Part::whole(len)], vec![], vec![], 0);
        while let Some(part) = parts.pop() {
            runs += 1;
            if !guilty.iter().any(|index| part.range.contains(index)) {
                done.extend(part.range);
                continue;
            }
            match part.after(&fault(error())) {
                Then::Run(next) => parts.extend(next.into_iter().rev()),
                Then::GiveUp => failed.push(part.range.start),
                Then::GiveUpAll => return ((0..len).collect(), runs),
            }
        }
        assert!(done.is_sorted(), "orders keep their order");
        assert_eq!(done.len() + failed.len(), len, "each has one answer");
        (failed, runs)
    }

    #[test]
    fn only_the_guilty_order_fails() {
        for len in [1, 2, 15, 16, 17, 250, 256, 1_000] {
            for guilty in [vec![0], vec![len - 1], vec![len / 2], vec![0, len - 1]] {
                let mut expected = guilty.clone();
                expected.dedup();
                assert_eq!(play(len, &guilty, Fault::Refused).0, expected);
                assert_eq!(play(len, &guilty, Fault::Race).0, expected);
            }
        }
    }

    #[test]
    fn a_guilty_order_costs_few_runs() {
        assert_eq!(play(256, &[100], Fault::Refused).1, 1 + 16 + 16);
        assert_eq!(play(1, &[0], Fault::Refused).1, 1);
        assert_eq!(play(1, &[0], Fault::Race).1, 3);
    }

    #[test]
    fn nobody_is_taken_apart_when_the_database_is_away() {
        assert_eq!(play(256, &[100], Fault::Away), ((0..256).collect(), 1));
    }

    #[test]
    fn after_a_lost_connection_and_after_a_block_that_is_remembered() {
        let Then::Run(lost) = Part::whole(4).after(&Fault::Lost(error())) else {
            panic!("it runs again");
        };
        assert!(lost[0].unsure && lost[0].range == (0..4) && !lost[0].hasty);
        let Then::Run(blocked) = lost[0].after(&Fault::Blocked(error())) else {
            panic!("it is taken apart");
        };
        assert_eq!(blocked.len(), 4);
        assert!(blocked.iter().all(|part| part.hasty && part.unsure));
        assert_eq!(blocked[0].after(&Fault::Blocked(error())), Then::GiveUp);
    }
}
