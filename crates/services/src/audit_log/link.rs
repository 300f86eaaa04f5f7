//! What the hash of a link is over: the hash before it, its place, its time, and every field of its entry, each with
//! its length, so that no two entries have the same bytes.

use aws_lc_rs::digest::{Context, SHA256};
use chrono::{DateTime, Utc};
use store::audit_log::EntryRow;
use uuid::Uuid;

/// The hash before the first link.
pub(super) const BEGINNING: [u8; 32] = [0; 32];

/// Raised when the bytes change; old links keep theirs.
const FORM: &[u8] = b"own-circle/audit-link/1";

/// The hash of a link.
pub(super) fn hash(
    previous: &[u8],
    sequence: i64,
    sealed_at: DateTime<Utc>,
    entry: &EntryRow,
) -> Vec<u8> {
    let mut bytes = Bytes(Context::new(&SHA256));
    bytes.field(Some(FORM));
    bytes.field(Some(previous));
    bytes.number(sequence);
    bytes.number(sealed_at.timestamp_micros());
    bytes.field(Some(entry.id.as_bytes()));
    bytes.number(entry.recorded_at.timestamp_micros());
    bytes.text(Some(&entry.action));
    bytes.text(Some(&entry.actor_kind));
    bytes.id(entry.actor_id);
    bytes.id(entry.session_id);
    bytes.number(i64::try_from(entry.roles.len()).unwrap_or(i64::MAX));
    for role in &entry.roles {
        bytes.text(Some(role));
    }
    bytes.text(entry.via.as_deref());
    bytes.text(entry.request_id.as_deref());
    bytes.text(Some(&entry.object_kind));
    bytes.text(entry.object_id.as_deref());
    bytes.id(entry.business_id);
    bytes.text(entry.before.as_deref());
    bytes.text(entry.after.as_deref());
    bytes.0.finish().as_ref().to_vec()
}

struct Bytes(Context);

impl Bytes {
    fn field(&mut self, value: Option<&[u8]>) {
        let Some(value) = value else {
            return self.0.update(&[0]);
        };
        self.0.update(&[1]);
        let length = u64::try_from(value.len()).unwrap_or(u64::MAX);
        self.0.update(&length.to_be_bytes());
        self.0.update(value);
    }

    fn number(&mut self, value: i64) {
        self.field(Some(&value.to_be_bytes()));
    }

    fn text(&mut self, value: Option<&str>) {
        self.field(value.map(str::as_bytes));
    }

    fn id(&mut self, value: Option<Uuid>) {
        self.field(value.as_ref().map(|id| id.as_bytes().as_slice()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> EntryRow {
        EntryRow {
            id: Uuid::from_u128(1),
            recorded_at: DateTime::UNIX_EPOCH,
            action: "rule.add".into(),
            actor_kind: "person".into(),
            actor_id: Some(Uuid::from_u128(2)),
            session_id: None,
            roles: vec!["admin".into()],
            via: None,
            request_id: Some("r".into()),
            object_kind: "rule".into(),
            object_id: None,
            business_id: None,
            before: None,
            after: Some("{}".into()),
        }
    }

    #[test]
    fn every_field_counts() {
        let at = DateTime::UNIX_EPOCH;
        let changes: [fn(&mut EntryRow); 15] = [
            |_| (),
            |e| e.id = Uuid::from_u128(3),
            |e| e.recorded_at += chrono::TimeDelta::microseconds(1),
            |e| e.action.push('x'),
            |e| e.actor_kind.push('x'),
            |e| e.actor_id = None,
            |e| e.session_id = Some(Uuid::from_u128(2)),
            |e| e.roles = vec!["ad".into(), "min".into()],
            |e| e.via = Some(String::new()),
            |e| e.request_id = None,
            |e| e.object_kind.push('x'),
            |e| e.object_id = Some("r".into()),
            |e| e.business_id = Some(Uuid::from_u128(2)),
            |e| e.before = e.after.take(),
            |e| e.after = Some("{ }".into()),
        ];
        let mut hashes: Vec<Vec<u8>> = changes
            .iter()
            .map(|change| {
                let mut entry = entry();
                change(&mut entry);
                hash(&BEGINNING, 1, at, &entry)
            })
            .collect();
        hashes.push(hash(&BEGINNING, 2, at, &entry()));
        hashes.push(hash(&[1; 32], 1, at, &entry()));
        let later = at + chrono::TimeDelta::seconds(1);
        hashes.push(hash(&BEGINNING, 1, later, &entry()));
        let distinct: std::collections::BTreeSet<_> = hashes.iter().collect();
        assert_eq!(distinct.len(), changes.len() + 3);
    }
}
