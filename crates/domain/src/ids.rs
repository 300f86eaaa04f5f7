//! Identifiers, a type for each thing that has one, so that they can't be swapped by accident.
//! All are UUID version 7; making them is the service's business (`services::ids`).

/// Makes an identifier type over [`uuid::Uuid`].
macro_rules! id_type {
    ($(#[$doc:meta] $name:ident;)*) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// The identifier as the database keeps it.
            #[must_use]
            pub const fn as_uuid(self) -> uuid::Uuid {
                self.0
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

id_type! {
    /// A member of the programme.
    MemberId;
    /// A partner.
    BusinessId;
    /// An outlet of a partner.
    LocationId;
    /// A purchase with its refunds.
    PurchaseId;
    /// A refund or a void.
    RefundId;
    /// Points earned together.
    LotId;
    /// One movement of points.
    JournalId;
    /// Points set aside for a checkout.
    HoldId;
    /// An earning rule.
    RuleId;
    /// An integration key of a till or a CRM.
    KeyId;
    /// A sign-in with its refresh tokens.
    SessionId;
    /// A one-time code sent to a phone.
    ChallengeId;
    /// A passkey of a person.
    PasskeyId;
    /// What a passkey is asked to sign.
    PasskeyChallengeId;
    /// A file of purchases being posted.
    ImportId;
    /// A row of the outbox.
    EventId;
}
