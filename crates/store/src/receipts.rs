//! Table `receipts`: a receipt number belongs to one transaction of a business for ever.

use uuid::Uuid;

/// The constraint that refuses a receipt number seen before.
pub const SEEN_BEFORE: &str = "receipts_pkey";

/// What kind of transaction a receipt is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReceiptKind {
    /// A purchase.
    Purchase,
    /// A refund or void.
    Refund,
}

impl ReceiptKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Refund => "refund",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Purchase, Self::Refund]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// Receipts to be taken, a column each, in the order in which every transaction takes them.
#[derive(Debug, Default)]
pub(crate) struct Columns<'a> {
    pub(crate) businesses: Vec<Uuid>,
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) numbers: Vec<&'a str>,
    pub(crate) transactions: Vec<Uuid>,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(receipts: &'a [(Uuid, ReceiptKind, String, Uuid)]) -> Self {
        let mut sorted: Vec<_> = receipts.iter().collect();
        sorted.sort_by_key(|(business, kind, number, _)| (*business, kind.as_str(), number));
        let mut columns = Self::default();
        for (business, kind, number, transaction) in sorted {
            columns.businesses.push(*business);
            columns.kinds.push(kind.as_str());
            columns.numbers.push(number);
            columns.transactions.push(*transaction);
        }
        columns
    }
}
