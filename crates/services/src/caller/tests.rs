//! Who may what, from values alone.

use super::*;

fn business(n: u128) -> BusinessId {
    Uuid::from_u128(n).into()
}

fn cashier(places: &[(u128, StaffRole, Option<u128>)]) -> TillCaller {
    TillCaller::Cashier {
        member: Uuid::from_u128(100).into(),
        session: Uuid::from_u128(101).into(),
        places: places
            .iter()
            .map(|(n, role, location)| StaffPlace {
                business: business(*n),
                role: *role,
                location: location.map(|n| Uuid::from_u128(n).into()),
            })
            .collect(),
    }
}

fn key(scopes: &[Scope]) -> TillCaller {
    TillCaller::Key(KeyCaller {
        key: Uuid::from_u128(7).into(),
        business: business(1),
        location: None,
        scopes: scopes.to_vec(),
    })
}

#[test]
fn another_business_is_unknown() {
    let till = key(&[Scope::TransactionsWrite]);
    assert_eq!(till.business(None), Ok(business(1)));
    assert_eq!(till.business(Some(business(1))), Ok(business(1)));
    assert_eq!(till.business(Some(business(2))), Err(AccessError::Unknown));
    let one = cashier(&[(1, StaffRole::Cashier, None)]);
    assert_eq!(one.business(None), Ok(business(1)));
    assert_eq!(one.business(Some(business(2))), Err(AccessError::Unknown));
    let two = cashier(&[(1, StaffRole::Cashier, None), (2, StaffRole::Owner, None)]);
    assert_eq!(two.business(None), Err(AccessError::BusinessRequired));
    assert_eq!(two.business(Some(business(2))), Ok(business(2)));
}

#[test]
fn a_location_limits() {
    let at_five = cashier(&[(1, StaffRole::Cashier, Some(5))]);
    let location = |n: u128| Some(LocationId::from(Uuid::from_u128(n)));
    assert_eq!(at_five.location(business(1), None), Ok(location(5)));
    assert_eq!(at_five.location(business(1), location(5)), Ok(location(5)));
    assert_eq!(
        at_five.location(business(1), location(6)),
        Err(AccessError::Unknown)
    );
    assert_eq!(key(&[]).location(business(1), location(6)), Ok(location(6)));
}

#[test]
fn scopes_and_roles_are_needed() {
    assert_eq!(
        key(&[]).require(Scope::TransactionsWrite),
        Err(AccessError::Forbidden)
    );
    assert_eq!(
        key(&[Scope::TransactionsWrite]).require(Scope::TransactionsWrite),
        Ok(())
    );
    let manager = cashier(&[(1, StaffRole::Manager, None)]);
    assert_eq!(
        manager.require_role(business(1), StaffRole::Cashier),
        Ok(())
    );
    assert_eq!(
        manager.require_role(business(1), StaffRole::Owner),
        Err(AccessError::Forbidden)
    );
    assert_eq!(
        manager.require_role(business(2), StaffRole::Cashier),
        Err(AccessError::Unknown)
    );
}

fn person(amr: &[&str], operator: &[OperatorRole]) -> Person {
    Person {
        member: Uuid::from_u128(1).into(),
        session: Uuid::from_u128(2).into(),
        staff: Vec::new(),
        operator: operator.to_vec(),
        auth_time: DateTime::UNIX_EPOCH,
        amr: amr.iter().map(|&method| method.to_owned()).collect(),
        withheld: false,
    }
}

#[test]
fn two_things_that_one_has_are_not_two_factors() {
    for (amr, strong) in [
        (&["sms"][..], false),
        (&["sms", "otp"], false),
        (&["sms", "pwd"], false),
        (&["pwd"], false),
        (&["otp"], false),
        (&[], false),
        (&["pwd", "otp"], true),
        (&["hwk"], true),
    ] {
        assert_eq!(person(amr, &[]).is_strong(), strong, "{amr:?}");
    }
}

#[test]
fn a_weak_sign_in_has_no_role() {
    let admin = |amr: &[&str], required| {
        let known = person(amr, &[OperatorRole::Admin]).as_far_as_proved(required);
        Caller::Person(known)
    };
    let weak = admin(&["sms"], true);
    assert!(weak.clone().into_member().is_ok());
    let missing = Some(AccessError::SecondFactorRequired);
    assert_eq!(weak.clone().into_operator().err(), missing);
    assert_eq!(weak.clone().into_staff().err(), missing);
    assert_eq!(weak.clone().into_till().err(), missing);
    assert_eq!(weak.require_fresh(DateTime::UNIX_EPOCH).err(), missing);
    assert!(admin(&["sms"], false).into_operator().is_ok());
    assert!(admin(&["pwd", "otp"], true).into_operator().is_ok());
}

#[test]
fn a_proof_is_fresh_for_five_minutes() {
    let anna = Caller::Person(person(&["sms"], &[]));
    let at = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
    assert_eq!(anna.require_fresh(at(300)), Ok(()));
    assert_eq!(
        anna.require_fresh(at(301)),
        Err(AccessError::StepUpRequired)
    );
}

#[test]
fn a_person_without_roles_is_only_a_member() {
    let person = Caller::Person(person(&["sms"], &[]));
    assert!(person.clone().into_member().is_ok());
    assert_eq!(person.clone().into_till(), Err(AccessError::Forbidden));
    assert_eq!(person.clone().into_staff(), Err(AccessError::Forbidden));
    assert_eq!(person.into_operator(), Err(AccessError::Forbidden));
}
