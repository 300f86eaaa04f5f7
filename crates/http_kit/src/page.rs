//! Paging by cursor: stable while rows arrive, and opaque, so that its inside may change.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::{Problem, ProblemCode};

/// How many items a page has when the caller names no number.
pub const DEFAULT_LIMIT: u32 = 50;
/// How many items a page can have.
pub const MAX_LIMIT: u32 = 100;
const MAC_BYTES: usize = 16;

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T: ToSchema> {
    /// The items, in the order of the list.
    #[schema(max_items = 100)]
    pub items: Vec<T>,
    /// Where the next page begins; null on the last one.
    #[schema(required = true, max_length = 1000, pattern = "^[A-Za-z0-9_-]+$")]
    pub next_cursor: Option<String>,
}

/// The query parameter `limit`: 1 to 100 items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct PageLimit(u32);

impl PageLimit {
    /// The number of items.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(DEFAULT_LIMIT)
    }
}

impl TryFrom<u32> for PageLimit {
    type Error = &'static str;

    fn try_from(limit: u32) -> Result<Self, Self::Error> {
        match limit {
            1..=MAX_LIMIT => Ok(Self(limit)),
            _ => Err("must be 1 to 100"),
        }
    }
}

impl PartialSchema for PageLimit {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(1))
            .maximum(Some(100))
            .default(Some(DEFAULT_LIMIT.into()))
            .description(Some("How many items at most"))
            .into()
    }
}

impl ToSchema for PageLimit {}

/// Seals positions in lists so that only we can have made them, for this list and these filters.
#[derive(Clone, Debug)]
pub struct CursorSealer(hmac::Key);

impl CursorSealer {
    /// A sealer with this secret.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The cursor for `position` in the list named `list` (with whom it belongs to) under `filters`.
    ///
    /// # Panics
    /// If position or filters cannot be written as JSON.
    #[must_use]
    pub fn seal(&self, list: &str, filters: &impl Serialize, position: &impl Serialize) -> String {
        let payload = serde_json::to_vec(position).expect("a position is plain JSON");
        let mut sealed = self.mac(list, filters, &payload).to_vec();
        sealed.extend_from_slice(&payload);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// The position in a cursor of ours.
    ///
    /// # Errors
    /// `invalid_cursor` when it was forged, or made for another list or other filters.
    pub fn open<P: DeserializeOwned>(
        &self,
        list: &str,
        filters: &impl Serialize,
        cursor: &str,
    ) -> Result<P, Problem> {
        self.try_open(list, filters, cursor)
            .ok_or_else(|| Problem::new(ProblemCode::InvalidCursor))
    }

    fn try_open<P: DeserializeOwned>(
        &self,
        list: &str,
        filters: &impl Serialize,
        cursor: &str,
    ) -> Option<P> {
        let sealed = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (mac, payload) = sealed.split_at_checked(MAC_BYTES)?;
        constant_time::verify_slices_are_equal(mac, &self.mac(list, filters, payload)).ok()?;
        serde_json::from_slice(payload).ok()
    }

    fn mac(&self, list: &str, filters: &impl Serialize, payload: &[u8]) -> [u8; MAC_BYTES] {
        let filters = serde_json::to_vec(filters).expect("filters are plain JSON");
        let mut context = hmac::Context::with_key(&self.0);
        for part in [list.as_bytes(), &filters, payload] {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        let mut mac = [0; MAC_BYTES];
        mac.copy_from_slice(&context.sign().as_ref()[..MAC_BYTES]);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_where_it_was_made() {
        let sealer = CursorSealer::new(&[7; 32]);
        let cursor = sealer.seal("purchases of m1", &("sale", 5), &(3_i64, "x".to_owned()));
        let open = |list: &str, kind: &str, cursor: &str| {
            sealer.open::<(i64, String)>(list, &(kind, 5), cursor)
        };
        assert_eq!(
            open("purchases of m1", "sale", &cursor).unwrap(),
            (3, "x".to_owned())
        );
        for (list, kind, cursor) in [
            ("purchases of m2", "sale", cursor.as_str()),
            ("purchases of m1", "refund", &cursor),
            ("purchases of m1", "sale", &cursor[1..]),
            ("purchases of m1", "sale", "%%%"),
            ("purchases of m1", "sale", ""),
        ] {
            let problem = open(list, kind, cursor).expect_err("a foreign cursor");
            assert_eq!(problem.code(), ProblemCode::InvalidCursor);
        }
        let other = CursorSealer::new(&[8; 32]);
        assert!(
            other
                .open::<(i64, String)>("purchases of m1", &("sale", 5), &cursor)
                .is_err()
        );
    }
}
