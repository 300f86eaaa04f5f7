//! Who may call an operation: an entry of the one table of rights, `rest_api`'s `routes.rs`. [`crate::layers::identify`]
//! asks [`Rights::check`] before the handler runs; the document and the tests read the same entry. Whose objects a
//! caller reaches is decided behind this door, by the use cases: they answer a foreign object like an unknown one.

use chrono::{DateTime, Utc};
use domain::rights::{OperatorRole, Scope, StaffRole};
use services::caller::{AccessError, Caller, Person};

use crate::caller::Identity;
use crate::problem::{Problem, ProblemCode};

/// Whose objects an operation reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tenant {
    /// What anybody may see.
    Public,
    /// What belongs to the person who calls.
    Own,
    /// What belongs to a business where the caller has the role, or to which the key belongs.
    Business,
    /// Either.
    OwnOrBusiness,
    /// What belongs to the programme, for those who run it.
    Programme,
}

impl Tenant {
    /// The name in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Own => "own",
            Self::Business => "business",
            Self::OwnOrBusiness => "own or business",
            Self::Programme => "programme",
        }
    }
}

/// Who may call an operation. Made from [`Rights::ANYONE`], [`Rights::MEMBER`], [`Rights::staff`], [`Rights::operator`],
/// [`Rights::key`] or [`Rights::till`], and widened from there: who is not named is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    anyone: bool,
    member: bool,
    staff: Option<StaffRole>,
    operators: &'static [OperatorRole],
    key: Option<Scope>,
    tenant: Tenant,
    step_up: bool,
}

impl Rights {
    const NOBODY: Self = Self {
        anyone: false,
        member: false,
        staff: None,
        operators: &[],
        key: None,
        tenant: Tenant::Public,
        step_up: false,
    };

    /// Anybody, signed in or not; a credential that is not valid is no hindrance.
    pub const ANYONE: Self = Self {
        anyone: true,
        ..Self::NOBODY
    };

    /// Every signed-in person, for what is the person's own.
    pub const MEMBER: Self = Self {
        member: true,
        tenant: Tenant::Own,
        ..Self::NOBODY
    };

    /// Staff with at least this role, for what is their business's.
    #[must_use]
    pub const fn staff(at_least: StaffRole) -> Self {
        Self {
            staff: Some(at_least),
            tenant: Tenant::Business,
            ..Self::NOBODY
        }
    }

    /// Operators with one of these roles; an admin has all of them.
    #[must_use]
    pub const fn operator(roles: &'static [OperatorRole]) -> Self {
        Self {
            operators: roles,
            tenant: Tenant::Programme,
            ..Self::NOBODY
        }
    }

    /// Integration keys with this scope, for what is their business's.
    #[must_use]
    pub const fn key(scope: Scope) -> Self {
        Self {
            key: Some(scope),
            tenant: Tenant::Business,
            ..Self::NOBODY
        }
    }

    /// A till with this scope, and whoever works at one.
    #[must_use]
    pub const fn till(scope: Scope) -> Self {
        Self::staff(StaffRole::Cashier).or_key(scope)
    }

    /// Also every signed-in person, for what is the person's own.
    #[must_use]
    pub const fn or_member(mut self) -> Self {
        self.member = true;
        self.tenant = Tenant::OwnOrBusiness;
        self
    }

    /// Also operators with one of these roles.
    #[must_use]
    pub const fn or_operator(mut self, roles: &'static [OperatorRole]) -> Self {
        self.operators = roles;
        self
    }

    /// Also integration keys with this scope.
    #[must_use]
    pub const fn or_key(mut self, scope: Scope) -> Self {
        self.key = Some(scope);
        self
    }

    /// With another rule of whose objects are reached.
    #[must_use]
    pub const fn of(mut self, tenant: Tenant) -> Self {
        self.tenant = tenant;
        self
    }

    /// Only for a person whose proof of identity is at most [`services::caller::FRESH_FOR`] old.
    #[must_use]
    pub const fn after_step_up(mut self) -> Self {
        self.step_up = true;
        self
    }

    /// Whether anybody may call.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        self.anyone
    }

    /// Whether every signed-in person may call.
    #[must_use]
    pub const fn has_members(&self) -> bool {
        self.member
    }

    /// The roles at a business that may call.
    pub fn staff_roles(&self) -> impl Iterator<Item = StaffRole> {
        let least = self.staff;
        let roles = StaffRole::ALL.iter().copied();
        roles.filter(move |role| least.is_some_and(|least| *role >= least))
    }

    /// The operators' roles that may call.
    pub fn operator_roles(&self) -> impl Iterator<Item = OperatorRole> {
        let named = self.operators;
        let roles = OperatorRole::ALL.iter().copied();
        roles.filter(move |role| passes(named, &[*role]))
    }

    /// The scope with which an integration key may call.
    #[must_use]
    pub const fn scope(&self) -> Option<Scope> {
        self.key
    }

    /// Whose objects are reached.
    #[must_use]
    pub const fn tenant(&self) -> Tenant {
        self.tenant
    }

    /// Whether a recent proof of identity is wanted.
    #[must_use]
    pub const fn wants_step_up(&self) -> bool {
        self.step_up
    }

    /// Lets a request pass, or says why not.
    ///
    /// # Errors
    /// `unauthenticated` without a valid credential, `forbidden` for who is not named, `mfa_required` for a person whose
    /// sign-in is too weak for the own roles, `step_up_required` for one who must prove again who it is.
    pub fn check(&self, identity: &Identity, now: DateTime<Utc>) -> Result<(), Problem> {
        if self.anyone {
            return Ok(());
        }
        let caller = match identity {
            Identity::Known(caller) => caller,
            Identity::Refused => {
                return Err(Problem::new(ProblemCode::Unauthenticated)
                    .detail("the credential is not valid, or no longer")
                    .detail_ru("ключ или токен недействителен"));
            }
            Identity::Anonymous => return Err(Problem::new(ProblemCode::Unauthenticated)),
        };
        match caller {
            Caller::Key(key) if self.key.is_some_and(|scope| key.scopes.contains(&scope)) => {}
            Caller::Person(person) if self.names(person) => {}
            // The person may have the role, and has not proved enough for it.
            Caller::Person(person) if person.withheld && self.names_a_role() => {
                return Err(AccessError::SecondFactorRequired.into());
            }
            _ => return Err(AccessError::Forbidden.into()),
        }
        if self.step_up && matches!(caller, Caller::Person(_)) {
            caller.require_fresh(now)?;
        }
        Ok(())
    }

    fn names_a_role(&self) -> bool {
        self.staff.is_some() || !self.operators.is_empty()
    }

    fn names(&self, person: &Person) -> bool {
        let works = |least| person.staff.iter().any(|place| place.role >= least);
        self.member || self.staff.is_some_and(works) || passes(self.operators, &person.operator)
    }
}

/// Whether one of the roles that somebody has is among those that are named; an admin has all.
fn passes(named: &[OperatorRole], has: &[OperatorRole]) -> bool {
    !named.is_empty()
        && has
            .iter()
            .any(|role| *role == OperatorRole::Admin || named.contains(role))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use services::caller::{KeyCaller, StaffPlace};
    use uuid::Uuid;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn person(staff: &[StaffRole], operator: &[OperatorRole]) -> Person {
        Person {
            member: Uuid::from_u128(1).into(),
            session: Uuid::from_u128(2).into(),
            staff: staff
                .iter()
                .map(|role| StaffPlace {
                    business: Uuid::from_u128(3).into(),
                    role: *role,
                    location: None,
                })
                .collect(),
            operator: operator.to_vec(),
            auth_time: NOW,
            amr: Vec::new(),
            withheld: false,
        }
    }

    fn known(staff: &[StaffRole], operator: &[OperatorRole]) -> Identity {
        Identity::Known(Caller::Person(person(staff, operator)))
    }

    fn key(scopes: &[Scope]) -> Identity {
        Identity::Known(Caller::Key(KeyCaller {
            key: Uuid::from_u128(4).into(),
            business: Uuid::from_u128(3).into(),
            location: None,
            scopes: scopes.to_vec(),
        }))
    }

    fn refusal(rights: Rights, identity: &Identity) -> Option<ProblemCode> {
        rights
            .check(identity, NOW)
            .err()
            .map(|problem| problem.code())
    }

    #[test]
    fn who_is_not_named_is_refused() {
        let till = Rights::till(Scope::LoyaltyRead);
        assert_eq!(refusal(till, &key(&[Scope::LoyaltyRead])), None);
        assert_eq!(refusal(till, &known(&[StaffRole::Owner], &[])), None);
        let forbidden = Some(ProblemCode::Forbidden);
        assert_eq!(refusal(till, &key(&[Scope::LoyaltyWrite])), forbidden);
        assert_eq!(refusal(till, &known(&[], &[])), forbidden);
        let manager = Rights::staff(StaffRole::Manager);
        assert_eq!(
            refusal(manager, &known(&[StaffRole::Cashier], &[])),
            forbidden
        );
        assert_eq!(
            refusal(
                manager,
                &known(&[StaffRole::Cashier, StaffRole::Owner], &[])
            ),
            None
        );
        assert_eq!(refusal(manager, &key(Scope::ALL)), forbidden);
        assert_eq!(refusal(Rights::MEMBER, &key(Scope::ALL)), forbidden);
        assert_eq!(refusal(Rights::MEMBER, &known(&[], &[])), None);
    }

    #[test]
    fn an_admin_has_every_operators_role_and_no_other() {
        let support = Rights::operator(&[OperatorRole::Support]);
        assert_eq!(refusal(support, &known(&[], &[OperatorRole::Admin])), None);
        assert_eq!(
            refusal(support, &known(&[], &[OperatorRole::Analyst])),
            Some(ProblemCode::Forbidden)
        );
        let till = Rights::till(Scope::LoyaltyRead);
        assert_eq!(
            refusal(till, &known(&[], &[OperatorRole::Admin])),
            Some(ProblemCode::Forbidden)
        );
    }

    #[test]
    fn without_a_valid_credential_only_what_is_public() {
        for identity in [Identity::Anonymous, Identity::Refused] {
            assert_eq!(refusal(Rights::ANYONE, &identity), None);
            assert_eq!(
                refusal(Rights::MEMBER, &identity),
                Some(ProblemCode::Unauthenticated)
            );
        }
    }

    #[test]
    fn a_weak_sign_in_is_told_what_it_lacks() {
        let weak = Identity::Known(Caller::Person(Person {
            withheld: true,
            ..person(&[], &[])
        }));
        let missing = Some(ProblemCode::MfaRequired);
        assert_eq!(refusal(Rights::staff(StaffRole::Cashier), &weak), missing);
        assert_eq!(
            refusal(Rights::operator(&[OperatorRole::Support]), &weak),
            missing
        );
        assert_eq!(refusal(Rights::MEMBER, &weak), None);
        assert_eq!(
            refusal(Rights::key(Scope::LoyaltyRead), &weak),
            Some(ProblemCode::Forbidden)
        );
    }

    #[test]
    fn a_recent_proof_is_five_minutes_old_at_most() {
        let rights = Rights::MEMBER.after_step_up();
        let at = |seconds| {
            let problem = rights.check(&known(&[], &[]), NOW + TimeDelta::seconds(seconds));
            problem.err().map(|problem| problem.code())
        };
        assert_eq!(at(300), None);
        assert_eq!(at(301), Some(ProblemCode::StepUpRequired));
    }
}
