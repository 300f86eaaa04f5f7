//! Tries in vain, counted before anything is compared: a try that turns out well is forgiven afterwards. Whoever tries too
//! often waits, from half a minute, doubling, up to an hour; at last a year, until the person comes back another way.

use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::MemberId;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;
use store::sign_in_tries::TriesRow;

use crate::audit_log::{self, Entry};
use crate::context::Context;

/// Tries in a row after which waiting does not help (NIST SP 800-63B-4 allows no more than a hundred).
const MOST: i32 = 100;

/// A try that was counted, before anything is compared.
#[derive(Clone, Copy, Debug)]
pub(super) enum Try {
    /// Nothing may be compared until then.
    Waits(DateTime<Utc>),
    /// It may be compared; in vain, it locks.
    Counted(Option<Lock>),
}

/// What a try in vain brings about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lock {
    kind: &'static str,
    failures: i32,
    until: DateTime<Utc>,
}

impl Lock {
    /// Writes down that the try was in vain; `member`: whose factor it is, if it is anybody's.
    pub(super) async fn note(
        self,
        conn: &mut PgConnection,
        ctx: &Context,
        member: Option<MemberId>,
    ) -> Result<(), StoreError> {
        let entry = Entry::of(Action::FactorLock, ObjectKind::Factor);
        let entry = match member {
            Some(member) => entry.id(member),
            None => entry,
        };
        let what =
            json!({ "kind": self.kind, "failures": self.failures, "locked_until": self.until });
        audit_log::record(conn, ctx, entry.after(what)).await
    }
}

/// What is counted, and how many tries are free.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counter {
    kind: &'static str,
    free: i32,
    /// A subject that rests for so long begins anew.
    forgets_after: Option<TimeDelta>,
}

/// Password and authenticator, by the keyed hash of the phone: a phone that is nobody's waits like any other.
pub(super) const PASSWORD: Counter = Counter {
    kind: "password",
    free: 5,
    forgets_after: None,
};

/// The same by network, whoever's phone is tried.
pub(super) const NETWORK: Counter = Counter {
    kind: "network",
    free: 30,
    forgets_after: Some(TimeDelta::hours(1)),
};

/// The first code of an authenticator, by member.
pub(super) const TOTP: Counter = Counter {
    kind: "totp",
    free: 5,
    forgets_after: None,
};

/// Codes for coming back, by member.
pub(super) const RECOVERY: Counter = Counter {
    kind: "recovery",
    free: 5,
    forgets_after: None,
};

impl Counter {
    /// Counts a try, in a transaction that must commit whatever comes of it.
    pub(super) async fn take(
        self,
        conn: &mut PgConnection,
        subject: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Try, StoreError> {
        let row = store::sign_in_tries::lock_or_insert(conn, self.kind, subject, now).await?;
        if let Some(until) = row.waits_until.filter(|until| *until > now) {
            return Ok(Try::Waits(until));
        }
        let rested = self
            .forgets_after
            .is_some_and(|rest| now - row.updated_at >= rest);
        let failures = if rested {
            1
        } else {
            row.failures.saturating_add(1)
        };
        let row = TriesRow {
            failures,
            waits_until: self.wait_after(failures).map(|wait| now + wait),
            updated_at: now,
        };
        store::sign_in_tries::update(conn, self.kind, subject, &row).await?;
        Ok(Try::Counted(row.waits_until.map(|until| Lock {
            kind: self.kind,
            failures,
            until,
        })))
    }

    /// Forgives everything: the subject has proved who it is.
    pub(super) async fn forgive(
        self,
        conn: &mut PgConnection,
        subject: &[u8],
    ) -> Result<(), StoreError> {
        store::sign_in_tries::forgive(conn, self.kind, subject).await
    }

    /// Forgives the last try alone: others share the subject.
    pub(super) async fn forgive_one(
        self,
        conn: &mut PgConnection,
        subject: &[u8],
    ) -> Result<(), StoreError> {
        store::sign_in_tries::forgive_one(conn, self.kind, subject).await
    }

    fn wait_after(self, failures: i32) -> Option<TimeDelta> {
        if failures >= MOST && self.forgets_after.is_none() {
            return Some(TimeDelta::days(365));
        }
        let over = u32::try_from(failures - self.free).ok()?;
        let seconds = 30_i64.saturating_mul(1_i64 << over.min(7));
        Some(TimeDelta::seconds(seconds.min(3600)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_are_free_then_waits_double() {
        let waits: Vec<_> = (1..14)
            .map(|n| PASSWORD.wait_after(n).map_or(0, |wait| wait.num_seconds()))
            .collect();
        let doubling = [30, 60, 120, 240, 480, 960, 1920, 3600, 3600];
        assert_eq!(waits, [&[0; 4][..], &doubling].concat());
        assert_eq!(PASSWORD.wait_after(100), Some(TimeDelta::days(365)));
        assert_eq!(NETWORK.wait_after(29), None);
        assert_eq!(NETWORK.wait_after(i32::MAX), Some(TimeDelta::hours(1)));
    }
}
