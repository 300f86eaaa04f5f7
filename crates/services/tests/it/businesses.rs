//! Businesses: added by an admin, changed by their owners, staffed, shown in the catalogue.

use domain::ids::BusinessId;
use domain::money::{BasisPoints, Money};
use domain::rights::{OperatorRole, StaffRole};
use domain::text::{Slug, Text};
use services::auth::authenticate;
use services::businesses::{
    CatalogueFilter, ChangeBusiness, ChangeBusinessError, CreateBusiness, CreateBusinessError,
    CreateLocation, GiveRole, LocationError, StaffError, add_location, change, create, get,
    give_role, list, list_locations, list_staff, take_role,
};
use services::caller::AccessError;
use services::members::grant_operator;

use crate::kit::{business, caller, phone, start, tokens};

fn luna() -> CreateBusiness {
    CreateBusiness {
        slug: Slug::new("luna").unwrap(),
        name: Text::new("Кафе «Луна» 100%").unwrap(),
        category: "food".to_owned(),
        description_ru: Some(Text::new("Кофе и пироги").unwrap()),
        description_en: None,
        base_rate: BasisPoints::new(500),
        share_cap: Some(BasisPoints::new(3_000)),
        spend_without_code_up_to: Money::from_hundredths(10_000),
        owner: Some(phone("+79161234567")),
    }
}

fn role(text: &str, role: StaffRole) -> GiveRole {
    GiveRole {
        phone: phone(text),
        role,
        location: None,
    }
}

#[tokio::test]
async fn an_admin_adds_a_business_with_its_owner() {
    let app = start().await;
    let ctx = &app.context;
    grant_operator(ctx, &phone("+79160000001"), OperatorRole::Admin)
        .await
        .unwrap();
    grant_operator(ctx, &phone("+79160000002"), OperatorRole::Support)
        .await
        .unwrap();
    let admin = caller(&app, &phone("+79160000001"))
        .await
        .into_operator()
        .unwrap();
    let support = caller(&app, &phone("+79160000002"))
        .await
        .into_operator()
        .unwrap();
    assert!(matches!(
        create(ctx, &support, luna()).await,
        Err(CreateBusinessError::Access(AccessError::Forbidden))
    ));
    let made = create(ctx, &admin, luna()).await.unwrap();
    assert_eq!(get(ctx, made.id).await.unwrap(), Some(made.clone()));
    assert!(matches!(
        create(ctx, &admin, luna()).await,
        Err(CreateBusinessError::SlugTaken)
    ));
    let owner = caller(&app, &phone("+79161234567"))
        .await
        .into_staff()
        .unwrap();
    assert_eq!(owner.require(made.id, StaffRole::Owner), Ok(()));
    let impossible = CreateBusiness {
        slug: Slug::new("sol").unwrap(),
        category: "Еда".to_owned(),
        base_rate: BasisPoints::new(10_001),
        share_cap: Some(BasisPoints::new(10_001)),
        spend_without_code_up_to: Money::from_hundredths(-1),
        ..luna()
    };
    let Err(CreateBusinessError::Invalid(faults)) = create(ctx, &admin, impossible).await else {
        panic!("refused");
    };
    assert_eq!(faults.len(), 4, "{faults:?}");
}

#[tokio::test]
async fn the_catalogue_is_searched_and_paged() {
    let app = start().await;
    let ctx = &app.context;
    let mut all = Vec::new();
    for slug in ["a", "b", "c"] {
        all.push(business(ctx, slug, None).await);
    }
    let ids = |found: Vec<services::businesses::Business>| {
        found.iter().map(|b| b.id).collect::<Vec<BusinessId>>()
    };
    let filter = |search: &str| CatalogueFilter {
        search: Some(search.to_owned()),
        limit: 50,
        ..CatalogueFilter::default()
    };
    assert_eq!(ids(list(ctx, filter("луна")).await.unwrap()), all);
    assert!(list(ctx, filter("%")).await.unwrap().is_empty());
    assert!(list(ctx, filter("_")).await.unwrap().is_empty());
    let page = CatalogueFilter {
        limit: 1,
        ..CatalogueFilter::default()
    };
    assert_eq!(ids(list(ctx, page.clone()).await.unwrap()), all[..2]);
    let next = CatalogueFilter {
        after: Some(all[1]),
        category: Some("food".to_owned()),
        ..page
    };
    assert_eq!(ids(list(ctx, next).await.unwrap()), all[2..]);
    let other = CatalogueFilter {
        category: Some("beauty".to_owned()),
        limit: 50,
        ..CatalogueFilter::default()
    };
    assert!(list(ctx, other).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_owner_changes_the_business_that_he_saw() {
    let app = start().await;
    let ctx = &app.context;
    let luna = business(ctx, "luna", Some("+79161234567")).await;
    let sol = business(ctx, "sol", None).await;
    let owner = caller(&app, &phone("+79161234567"))
        .await
        .into_staff()
        .unwrap();
    let dearer = |version| ChangeBusiness {
        version,
        base_rate: Some(BasisPoints::new(700)),
        share_cap: Some(Some(BasisPoints::new(2_500))),
        ..ChangeBusiness::default()
    };
    let changed = change(ctx, &owner, luna, dearer(1)).await.unwrap();
    assert_eq!((changed.version, changed.base_rate.get()), (2, 700));
    assert_eq!(changed.name, "Кафе «Луна»");
    assert!(matches!(
        change(ctx, &owner, luna, dearer(1)).await,
        Err(ChangeBusinessError::Stale)
    ));
    for unknown in [sol, ctx.ids().next()] {
        assert!(matches!(
            change(ctx, &owner, unknown, dearer(1)).await,
            Err(ChangeBusinessError::Access(AccessError::Unknown))
        ));
    }
}

#[tokio::test]
async fn roles_are_given_and_taken_and_hold_at_once() {
    let app = start().await;
    let ctx = &app.context;
    let luna = business(ctx, "luna", Some("+79161234567")).await;
    let owner = caller(&app, &phone("+79161234567"))
        .await
        .into_staff()
        .unwrap();
    let boris = tokens(&app, &phone("+79161234568")).await;
    assert!(
        authenticate(ctx, &boris.access_token)
            .await
            .unwrap()
            .into_till()
            .is_err()
    );
    let given = give_role(ctx, &owner, luna, role("+79161234568", StaffRole::Cashier))
        .await
        .unwrap();
    assert_eq!(given, boris.member);
    let cashier = authenticate(ctx, &boris.access_token).await.unwrap();
    assert_eq!(
        cashier.clone().into_till().unwrap().business(None),
        Ok(luna)
    );
    let cashier = cashier.into_staff().unwrap();
    assert!(matches!(
        list_staff(ctx, &cashier, luna).await,
        Err(StaffError::Access(AccessError::Forbidden))
    ));
    assert!(matches!(
        give_role(ctx, &cashier, luna, role("+79161234568", StaffRole::Owner)).await,
        Err(StaffError::Access(AccessError::Forbidden))
    ));
    let listed = list_staff(ctx, &owner, luna).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(
        listed
            .iter()
            .any(|person| person.phone_masked.as_deref() == Some("+7916•••4568"))
    );
    take_role(ctx, &owner, luna, boris.member).await.unwrap();
    assert!(
        authenticate(ctx, &boris.access_token)
            .await
            .unwrap()
            .into_till()
            .is_err()
    );
    assert!(matches!(
        take_role(ctx, &owner, luna, boris.member).await,
        Err(StaffError::UnknownPerson)
    ));
}

#[tokio::test]
async fn the_last_owner_stays() {
    let app = start().await;
    let ctx = &app.context;
    let luna = business(ctx, "luna", Some("+79161234567")).await;
    let owner = caller(&app, &phone("+79161234567"))
        .await
        .into_staff()
        .unwrap();
    assert!(matches!(
        take_role(ctx, &owner, luna, owner.member).await,
        Err(StaffError::LastOwner)
    ));
    assert!(matches!(
        give_role(ctx, &owner, luna, role("+79161234567", StaffRole::Manager)).await,
        Err(StaffError::LastOwner)
    ));
    give_role(ctx, &owner, luna, role("+79161234568", StaffRole::Owner))
        .await
        .unwrap();
    take_role(ctx, &owner, luna, owner.member).await.unwrap();
}

#[tokio::test]
async fn locations_belong_to_their_business() {
    let app = start().await;
    let ctx = &app.context;
    let luna = business(ctx, "luna", Some("+79161234567")).await;
    let sol = business(ctx, "sol", Some("+79161234568")).await;
    let owner = caller(&app, &phone("+79161234567"))
        .await
        .into_staff()
        .unwrap();
    let other = caller(&app, &phone("+79161234568"))
        .await
        .into_staff()
        .unwrap();
    let place = |latitude| CreateLocation {
        name: Text::new("На Тверской").unwrap(),
        address: None,
        point_e6: Some((latitude, 37_600_000)),
    };
    let added = add_location(ctx, &owner, luna, place(55_750_000))
        .await
        .unwrap();
    assert_eq!(
        list_locations(ctx, luna).await.unwrap(),
        std::slice::from_ref(&added)
    );
    assert!(list_locations(ctx, sol).await.unwrap().is_empty());
    assert!(matches!(
        add_location(ctx, &owner, luna, place(90_000_001)).await,
        Err(LocationError::ImpossiblePoint)
    ));
    assert!(matches!(
        add_location(ctx, &other, luna, place(0)).await,
        Err(LocationError::Access(AccessError::Unknown))
    ));
    let at_anothers = GiveRole {
        location: Some(added.id),
        ..role("+79161234569", StaffRole::Cashier)
    };
    assert!(matches!(
        give_role(ctx, &other, sol, at_anothers).await,
        Err(StaffError::UnknownLocation)
    ));
}
