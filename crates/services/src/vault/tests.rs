//! Seals open only where they belong, hashes are bound to what they are of, keys take turns.

use super::*;

fn vault(byte: u8) -> Vault {
    Vault::new(&[byte; 32])
}

#[test]
fn a_sealed_value_opens_only_where_it_belongs() {
    let vault = vault(1);
    let sealed = vault.seal(SealedField::MemberName, b"row", "Анна".as_bytes());
    assert_eq!(
        vault.open_text(SealedField::MemberName, b"row", &sealed),
        Ok("Анна".into())
    );
    assert_eq!(
        vault.open(SealedField::MemberName, b"other", &sealed),
        Err(SealBroken)
    );
    assert_eq!(
        vault.open(SealedField::MemberPhone, b"row", &sealed),
        Err(SealBroken)
    );
    assert_eq!(
        self::vault(2).open(SealedField::MemberName, b"row", &sealed),
        Err(SealBroken)
    );
    for cut in 0..sealed.len() {
        assert_eq!(
            vault.open(SealedField::MemberName, b"row", &sealed[..cut]),
            Err(SealBroken)
        );
    }
    let mut flipped = sealed.clone();
    flipped[0] ^= 1;
    assert_eq!(
        vault.open(SealedField::MemberName, b"row", &flipped),
        Err(SealBroken)
    );
}

#[test]
fn two_seals_differ_and_two_hashes_agree() {
    let vault = vault(1);
    let phone = Phone::parse("+79161234567", domain::phone::Region::RU).unwrap();
    assert_ne!(
        vault.seal(SealedField::MemberName, b"r", b"x"),
        vault.seal(SealedField::MemberName, b"r", b"x")
    );
    assert_eq!(vault.phone_hash(&phone), vault.phone_hash(&phone));
    assert_ne!(vault.phone_hash(&phone), self::vault(2).phone_hash(&phone));
}

#[test]
fn a_code_is_bound_to_challenge_phone_and_purpose() {
    let vault = vault(1);
    let phone = Phone::parse("+79161234567", domain::phone::Region::RU).unwrap();
    let other = Phone::parse("+79161234568", domain::phone::Region::RU).unwrap();
    let (a, b) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    let hash = vault.code_hash(a, &phone, "sign_in", "012345");
    assert_eq!(hash, vault.code_hash(a, &phone, "sign_in", "012345"));
    for different in [
        vault.code_hash(b, &phone, "sign_in", "012345"),
        vault.code_hash(a, &other, "sign_in", "012345"),
        vault.code_hash(a, &phone, "spend", "012345"),
        vault.code_hash(a, &phone, "sign_in", "012346"),
    ] {
        assert_ne!(hash, different);
    }
}

#[test]
fn prints_no_key() {
    assert_eq!(format!("{:?}", vault(7)), "Vault");
}

fn rotated(current: u8, oldest: u8, later: &[u8]) -> Result<Vault, DataKeysError> {
    let keys = DataKeys {
        current,
        oldest,
        later: later.iter().map(|id| (*id, [*id; 32])).collect(),
    };
    Vault::with_data_keys(&[1; 32], &keys)
}

#[test]
fn keys_take_turns_and_the_old_one_opens_until_it_is_taken_away() {
    let before = vault(1);
    let sealed = before.seal(SealedField::MemberName, b"row", b"x");
    let announced = rotated(1, 1, &[2]).unwrap();
    let changed = rotated(2, 1, &[2]).unwrap();
    let done = rotated(2, 2, &[2]).unwrap();
    assert_eq!(announced.data_key(), 1);
    assert_eq!(changed.data_keys(), [2, 1]);
    assert_eq!(
        changed.open(SealedField::MemberName, b"row", &sealed),
        Ok(b"x".to_vec())
    );
    let resealed = changed
        .reseal(SealedField::MemberName, b"row", &sealed)
        .unwrap();
    assert_eq!((sealed[0], resealed[0]), (1, 2));
    assert_eq!(
        done.open(SealedField::MemberName, b"row", &resealed),
        Ok(b"x".to_vec())
    );
    assert_eq!(
        done.open(SealedField::MemberName, b"row", &sealed),
        Err(SealBroken)
    );
    let phone = Phone::parse("+79161234567", domain::phone::Region::RU).unwrap();
    let kept = announced.member_phone_hashes(&phone);
    assert_eq!(kept.odd, Some(before.member_phone_hash(&phone)));
    assert_eq!(kept.even, Some(done.member_phone_hash(&phone)));
    assert_eq!(kept, changed.member_phone_hashes(&phone));
    assert_eq!(done.member_phone_hashes(&phone).odd, None);
    assert_eq!(before.phone_hash(&phone), done.phone_hash(&phone));
}

#[test]
fn keys_that_do_not_fit_together_are_refused() {
    let error = |current, oldest, later: &[u8]| rotated(current, oldest, later).err();
    assert_eq!(error(2, 1, &[]), Some(DataKeysError::NoCurrent));
    assert_eq!(error(1, 2, &[2]), Some(DataKeysError::NoCurrent));
    assert_eq!(error(1, 1, &[1]), Some(DataKeysError::Identities));
    assert_eq!(error(1, 1, &[0]), Some(DataKeysError::Identities));
    assert_eq!(error(2, 1, &[2, 2]), Some(DataKeysError::Identities));
    assert_eq!(error(1, 1, &[3]), Some(DataKeysError::TooMany));
    assert_eq!(error(2, 1, &[2, 3]), Some(DataKeysError::TooMany));
    assert_eq!(error(3, 2, &[2, 3]), None);
}

#[test]
fn a_tail_is_bound_to_its_business() {
    let vault = vault(1);
    let tail = PhoneTail::parse("4567").unwrap();
    let business = |n| BusinessId::from(uuid::Uuid::from_u128(n));
    assert_ne!(
        vault.tail_hashes(business(1), tail),
        vault.tail_hashes(business(2), tail)
    );
}
