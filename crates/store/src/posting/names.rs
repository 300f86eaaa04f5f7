//! How the orders of a group name members, and who was meant.

use domain::ids::MemberId;
use uuid::Uuid;

/// How the members of a group were named; each list may hold a name several times.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// By identifier.
    pub ids: Vec<Uuid>,
    /// By the keyed hash of the phone.
    pub phones: Vec<Vec<u8>>,
    /// By the number on the card.
    pub numbers: Vec<String>,
    /// By the locator of a rotating code.
    pub locators: Vec<String>,
    /// By a business and its own customer number.
    pub aliases: Vec<(Uuid, String)>,
}

impl Names {
    /// The aliases, a column each.
    pub(crate) fn alias_columns(&self) -> (Vec<Uuid>, Vec<&str>) {
        let aliases = self.aliases.iter();
        aliases
            .map(|(business, alias)| (*business, alias.as_str()))
            .unzip()
    }
}

/// One of the ways of [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// `ids`.
    Id,
    /// `phones`.
    Phone,
    /// `numbers`.
    Number,
    /// `locators`.
    Locator,
    /// `aliases`.
    Alias,
}

impl Way {
    /// Its number in statements.
    pub(crate) fn number(self) -> i16 {
        match self {
            Self::Id => 1,
            Self::Phone => 2,
            Self::Number => 3,
            Self::Locator => 4,
            Self::Alias => 5,
        }
    }

    pub(crate) fn of_number(number: i16) -> Option<Self> {
        let ways = [
            Self::Id,
            Self::Phone,
            Self::Number,
            Self::Locator,
            Self::Alias,
        ];
        ways.into_iter().find(|way| way.number() == number)
    }
}

/// A name's way, and its place in the list, from 0.
pub type Place = (Way, usize);

/// A member who was found.
#[derive(Clone, Debug)]
pub struct Named {
    /// The member.
    pub id: MemberId,
    /// `waiting`, `active`, `blocked` or `erased`.
    pub status: String,
    /// The birthday, sealed.
    pub birthday_sealed: Option<Vec<u8>>,
}
