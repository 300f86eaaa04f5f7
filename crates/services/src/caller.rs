//! Who is asking. A use case takes the caller that it is written for, so that its signature says who may call it;
//! the tenant comes from here, never from what the caller says.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{BusinessId, KeyId, LocationId, MemberId, SessionId};
use domain::rights::{OperatorRole, Scope, StaffRole};
use uuid::Uuid;

/// How long ago a person may have proved who it is, for what wants a recent proof.
pub const FRESH_FOR: TimeDelta = TimeDelta::minutes(5);

/// A person's place at one business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaffPlace {
    /// Where.
    pub business: BusinessId,
    /// As what.
    pub role: StaffRole,
    /// Only at this location, if given.
    pub location: Option<LocationId>,
}

/// A signed-in person with all that the person may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The member that the person is.
    pub member: MemberId,
    /// The sign-in.
    pub session: SessionId,
    /// The businesses where the person works.
    pub staff: Vec<StaffPlace>,
    /// The operator roles that the person has.
    pub operator: Vec<OperatorRole>,
    /// When the person last proved who it is.
    pub auth_time: DateTime<Utc>,
    /// How (RFC 8176): `sms`; `hwk` for a passkey that verified its user; `pwd` and `otp`.
    pub amr: Vec<String>,
    /// Whether `staff` and `operator` are empty because the sign-in is too weak for the roles that the person has.
    pub withheld: bool,
}

impl Person {
    /// Whether the proof was of two factors: a passkey that verified its user, or a password and a code of an
    /// authenticator. A text message counts for nothing here: it and an authenticator are both something one has.
    #[must_use]
    pub fn is_strong(&self) -> bool {
        let used = |method: &str| self.amr.iter().any(|one| one == method);
        used("hwk") || (used("pwd") && used("otp"))
    }

    /// The person with only what the sign-in is good for: without a second factor the roles are withheld.
    #[must_use]
    pub fn as_far_as_proved(self, required: bool) -> Self {
        if !required || self.is_strong() || (self.staff.is_empty() && self.operator.is_empty()) {
            return self;
        }
        Self {
            staff: Vec::new(),
            operator: Vec::new(),
            withheld: true,
            ..self
        }
    }

    /// Why a person without a role is refused.
    const fn refusal(&self) -> AccessError {
        if self.withheld {
            AccessError::SecondFactorRequired
        } else {
            AccessError::Forbidden
        }
    }
}

/// A till or CRM with its integration key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCaller {
    /// The key.
    pub key: KeyId,
    /// The business that the key belongs to.
    pub business: BusinessId,
    /// Only for this location, if given.
    pub location: Option<LocationId>,
    /// What the key may do.
    pub scopes: Vec<Scope>,
}

/// Whoever showed a valid credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// An integration key.
    Key(KeyCaller),
    /// A signed-in person.
    Person(Person),
}

/// A member acting for himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberCaller {
    /// The member.
    pub member: MemberId,
    /// The sign-in.
    pub session: SessionId,
}

/// Somebody at a till: the till itself with its key, or a cashier who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TillCaller {
    /// The till.
    Key(KeyCaller),
    /// The cashier, or anybody above.
    Cashier {
        /// The member that the cashier is.
        member: MemberId,
        /// The sign-in.
        session: SessionId,
        /// The places where the cashier works; never empty.
        places: Vec<StaffPlace>,
    },
}

/// Somebody who works at a business, or an operator who stands in for the business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffCaller {
    /// The member that the person is.
    pub member: MemberId,
    /// The sign-in.
    pub session: SessionId,
    /// The places where the person works.
    pub places: Vec<StaffPlace>,
    /// The operator roles that the person has.
    pub operator: Vec<OperatorRole>,
}

/// Somebody who runs the programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorCaller {
    /// The member that the person is.
    pub member: MemberId,
    /// The sign-in.
    pub session: SessionId,
    /// The roles; never empty.
    pub roles: Vec<OperatorRole>,
}

/// Why a caller may not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// For this caller there is no such thing; answered like an unknown identifier.
    #[error("no such object for this caller")]
    Unknown,
    /// The caller belongs there and may not do this.
    #[error("the caller's role does not allow this")]
    Forbidden,
    /// The caller works at several businesses and must name one.
    #[error("the caller works at several businesses and must name one")]
    BusinessRequired,
    /// The caller has a role and signed in without a second factor.
    #[error("the caller's role wants a sign-in with a second factor")]
    SecondFactorRequired,
    /// The caller proved who it is too long ago for this.
    #[error("this wants a proof of identity that is at most five minutes old")]
    StepUpRequired,
}

impl Caller {
    /// Who it is, for limits and idempotency: the key's or the member's identifier.
    #[must_use]
    pub fn principal_id(&self) -> Uuid {
        match self {
            Self::Key(key) => key.key.as_uuid(),
            Self::Person(person) => person.member.as_uuid(),
        }
    }

    /// What kind of caller it is, for logs: `key` or `person`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            Self::Person(_) => "person",
        }
    }

    /// As a member acting for himself.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`] for a key.
    pub fn into_member(self) -> Result<MemberCaller, AccessError> {
        let person = self.into_person()?;
        Ok(MemberCaller {
            member: person.member,
            session: person.session,
        })
    }

    /// As somebody at a till.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`] for a person who works nowhere, [`AccessError::SecondFactorRequired`] for one whose
    /// sign-in is too weak for it.
    pub fn into_till(self) -> Result<TillCaller, AccessError> {
        match self {
            Self::Key(key) => Ok(TillCaller::Key(key)),
            Self::Person(person) if person.staff.is_empty() => Err(person.refusal()),
            Self::Person(person) => Ok(TillCaller::Cashier {
                member: person.member,
                session: person.session,
                places: person.staff,
            }),
        }
    }

    /// As staff of a business, or an operator standing in for it.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`] for a key and for a person who has neither,
    /// [`AccessError::SecondFactorRequired`] for one whose sign-in is too weak for it.
    pub fn into_staff(self) -> Result<StaffCaller, AccessError> {
        let person = self.into_person()?;
        if person.staff.is_empty() && person.operator.is_empty() {
            return Err(person.refusal());
        }
        Ok(StaffCaller {
            member: person.member,
            session: person.session,
            places: person.staff,
            operator: person.operator,
        })
    }

    /// As an operator.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`] for everybody else, [`AccessError::SecondFactorRequired`] for one whose sign-in is too
    /// weak for it.
    pub fn into_operator(self) -> Result<OperatorCaller, AccessError> {
        let person = self.into_person()?;
        if person.operator.is_empty() {
            return Err(person.refusal());
        }
        Ok(OperatorCaller {
            member: person.member,
            session: person.session,
            roles: person.operator,
        })
    }

    /// Passes a person who proved who it is within [`FRESH_FOR`]; with two factors, if the person has a role.
    ///
    /// # Errors
    /// [`AccessError::StepUpRequired`] if that was longer ago, [`AccessError::SecondFactorRequired`] if the sign-in is too
    /// weak for the person's roles, [`AccessError::Forbidden`] for a key.
    pub fn require_fresh(&self, now: DateTime<Utc>) -> Result<(), AccessError> {
        match self {
            Self::Key(_) => Err(AccessError::Forbidden),
            Self::Person(person) if person.withheld => Err(AccessError::SecondFactorRequired),
            Self::Person(person) if now - person.auth_time > FRESH_FOR => {
                Err(AccessError::StepUpRequired)
            }
            Self::Person(_) => Ok(()),
        }
    }

    /// As a person, whatever the person may do.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`] for a key.
    pub fn into_person(self) -> Result<Person, AccessError> {
        match self {
            Self::Person(person) => Ok(person),
            Self::Key(_) => Err(AccessError::Forbidden),
        }
    }
}

impl TillCaller {
    /// Who it is, for idempotency: the key's or the member's identifier.
    #[must_use]
    pub const fn principal_id(&self) -> Uuid {
        match self {
            Self::Key(key) => key.key.as_uuid(),
            Self::Cashier { member, .. } => member.as_uuid(),
        }
    }

    /// The member that the person at the till is; a key does not tell who stands there.
    #[must_use]
    pub const fn person(&self) -> Option<MemberId> {
        match self {
            Self::Key(_) => None,
            Self::Cashier { member, .. } => Some(*member),
        }
    }

    /// The business that the caller acts for.
    ///
    /// # Errors
    /// [`AccessError::Unknown`] if another one is asked for than the caller belongs to;
    /// [`AccessError::BusinessRequired`] if none is named and there are several.
    pub fn business(&self, requested: Option<BusinessId>) -> Result<BusinessId, AccessError> {
        match (self, requested) {
            (Self::Key(key), None) => Ok(key.business),
            (Self::Key(key), Some(business)) if business == key.business => Ok(business),
            (Self::Cashier { places, .. }, Some(business))
                if places.iter().any(|p| p.business == business) =>
            {
                Ok(business)
            }
            (Self::Cashier { places, .. }, None) => match places.as_slice() {
                [place] => Ok(place.business),
                _ => Err(AccessError::BusinessRequired),
            },
            (_, Some(_)) => Err(AccessError::Unknown),
        }
    }

    /// The businesses that the caller belongs to.
    #[must_use]
    pub fn businesses(&self) -> Vec<BusinessId> {
        match self {
            Self::Key(key) => vec![key.business],
            Self::Cashier { places, .. } => places.iter().map(|place| place.business).collect(),
        }
    }

    /// The only location for which the caller may act at `business`, if there is such a limit.
    #[must_use]
    pub fn only_location(&self, business: BusinessId) -> Option<LocationId> {
        match self {
            Self::Key(key) => key.location,
            Self::Cashier { places, .. } => places
                .iter()
                .find(|place| place.business == business)
                .and_then(|place| place.location),
        }
    }

    /// The location of what the caller does at `business`: the one asked for, else the only one allowed.
    ///
    /// # Errors
    /// [`AccessError::Unknown`] if another one is asked for than the caller may act for.
    pub fn location(
        &self,
        business: BusinessId,
        requested: Option<LocationId>,
    ) -> Result<Option<LocationId>, AccessError> {
        match (self.only_location(business), requested) {
            (Some(only), Some(location)) if only != location => Err(AccessError::Unknown),
            (only, requested) => Ok(requested.or(only)),
        }
    }

    /// Passes a cashier, and a key that has the scope.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`] for a key without it.
    pub fn require(&self, scope: Scope) -> Result<(), AccessError> {
        match self {
            Self::Key(key) if !key.scopes.contains(&scope) => Err(AccessError::Forbidden),
            _ => Ok(()),
        }
    }

    /// Passes a key, and staff with at least this role at `business`.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`] for a lesser role, [`AccessError::Unknown`] for none.
    pub fn require_role(
        &self,
        business: BusinessId,
        at_least: StaffRole,
    ) -> Result<(), AccessError> {
        match self {
            Self::Key(key) if key.business == business => Ok(()),
            Self::Key(_) => Err(AccessError::Unknown),
            Self::Cashier { places, .. } => require_place(places, business, at_least),
        }
    }
}

impl StaffCaller {
    /// Passes staff with at least this role at `business`.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`] for a lesser role, [`AccessError::Unknown`] for none.
    pub fn require(&self, business: BusinessId, at_least: StaffRole) -> Result<(), AccessError> {
        require_place(&self.places, business, at_least)
    }

    /// Passes staff with at least this role at `business`, and an admin of the programme.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`] for a lesser role, [`AccessError::Unknown`] for none.
    pub fn require_or_admin(
        &self,
        business: BusinessId,
        at_least: StaffRole,
    ) -> Result<(), AccessError> {
        if self.operator.contains(&OperatorRole::Admin) {
            return Ok(());
        }
        self.require(business, at_least)
    }
}

impl OperatorCaller {
    /// Passes an operator who has the role; an admin has all.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`] for others.
    pub fn require(&self, role: OperatorRole) -> Result<(), AccessError> {
        if self.roles.contains(&role) || self.roles.contains(&OperatorRole::Admin) {
            Ok(())
        } else {
            Err(AccessError::Forbidden)
        }
    }
}

fn require_place(
    places: &[StaffPlace],
    business: BusinessId,
    at_least: StaffRole,
) -> Result<(), AccessError> {
    let place = places
        .iter()
        .find(|place| place.business == business)
        .ok_or(AccessError::Unknown)?;
    if place.role >= at_least {
        Ok(())
    } else {
        Err(AccessError::Forbidden)
    }
}

#[cfg(test)]
mod tests;
