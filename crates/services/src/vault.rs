//! Every secret of the service, from one master key of 32 bytes: HKDF (RFC 5869) makes a key for each purpose, and
//! no key serves two. Personal data is sealed with AES-256-GCM; what must be found again is looked up by a keyed
//! hash; one-time codes, device cards and cursors have keys of their own. Nothing here touches the database.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac};
use domain::phone::Phone;

/// What a sealed value is; it is bound into the seal together with its row, so that a value moved to another
/// column or another row doesn't open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedField {
    /// A member's phone.
    MemberPhone,
    /// A member's name.
    MemberName,
    /// A member's birthday.
    MemberBirthday,
    /// A private key that signs tokens.
    SigningKey,
    /// A text of the development outbox.
    OutboxText,
    /// The recipient of a message that waits in the queue.
    MessageRecipient,
    /// The text of a message that waits in the queue.
    MessageText,
    /// A piece of a file that is being imported.
    ImportFile,
}

impl SealedField {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::MemberPhone => b"member.phone",
            Self::MemberName => b"member.name",
            Self::MemberBirthday => b"member.birthday",
            Self::SigningKey => b"signing_key.private",
            Self::OutboxText => b"development_outbox.text",
            Self::MessageRecipient => b"message.recipient",
            Self::MessageText => b"message.text",
            Self::ImportFile => b"import.file",
        }
    }
}

/// A sealed value that doesn't open: damaged, moved, or sealed under another master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open with this master key")]
pub struct SealBroken;

/// The keys of this programme. It prints none of them.
pub struct Vault {
    sealing: RandomizedNonceKey,
    phone_lookup: hmac::Key,
    one_time_code: hmac::Key,
    card: hmac::Key,
    refresh: hmac::Key,
    check: [u8; 32],
    cursor: [u8; 32],
    shared_state: [u8; 32],
}

/// The identity of the sealing key; the first byte of everything that it sealed.
const SEALING_KEY_ID: u8 = 1;
const NONCE_BYTES: usize = 12;

impl Vault {
    /// Derives all keys.
    ///
    /// # Panics
    /// Never: the lengths are those that the algorithms ask for.
    #[must_use]
    pub fn new(master_key: &[u8; 32]) -> Self {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"own-circle/vault/1").extract(master_key);
        let derive = |label: &[u8]| -> [u8; 32] {
            let mut key = [0; 32];
            root.expand(&[label], hkdf::HKDF_SHA256)
                .and_then(|output| output.fill(&mut key))
                .expect("32 bytes are the length of the hash");
            key
        };
        let mac = |label: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, &derive(label));
        Self {
            sealing: RandomizedNonceKey::new(&AES_256_GCM, &derive(b"seal/1"))
                .expect("a key of AES-256 has 32 bytes"),
            phone_lookup: mac(b"lookup/phone/1"),
            one_time_code: mac(b"one-time-code/1"),
            card: mac(b"card/1"),
            refresh: mac(b"refresh/1"),
            check: derive(b"check/1"),
            cursor: derive(b"cursor/1"),
            shared_state: derive(b"shared-state/1"),
        }
    }

    /// Seals `plain` for one field of one row. Two seals of the same value differ.
    ///
    /// # Panics
    /// Never for values that fit into memory.
    #[must_use]
    pub fn seal(&self, field: SealedField, row: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut body = plain.to_vec();
        let nonce = self
            .sealing
            .seal_in_place_append_tag(Aad::from(associated_data(field, row)), &mut body)
            .expect("a short value is sealed");
        let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + body.len());
        sealed.push(SEALING_KEY_ID);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.extend_from_slice(&body);
        sealed
    }

    /// Opens what [`Vault::seal`] made for the same field of the same row.
    ///
    /// # Errors
    /// [`SealBroken`] if it is anything else.
    pub fn open(
        &self,
        field: SealedField,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, SealBroken> {
        let (key_id, rest) = sealed.split_first().ok_or(SealBroken)?;
        if *key_id != SEALING_KEY_ID {
            return Err(SealBroken);
        }
        let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealBroken)?;
        let mut body = body.to_vec();
        let plain = self
            .sealing
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(associated_data(field, row)),
                &mut body,
            )
            .map_err(|_| SealBroken)?;
        Ok(plain.to_vec())
    }

    /// [`Vault::open`] for a text.
    ///
    /// # Errors
    /// [`SealBroken`] if it does not open or is no text.
    pub fn open_text(
        &self,
        field: SealedField,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<String, SealBroken> {
        String::from_utf8(self.open(field, row, sealed)?).map_err(|_| SealBroken)
    }

    /// The hash under which a phone is found; worthless without the master key.
    #[must_use]
    pub fn phone_hash(&self, phone: &Phone) -> Vec<u8> {
        hmac::sign(&self.phone_lookup, phone.e164().as_bytes())
            .as_ref()
            .to_vec()
    }

    /// The keyed hash of a one-time code, bound to its challenge, phone and purpose.
    #[must_use]
    pub fn code_hash(
        &self,
        challenge: uuid::Uuid,
        phone: &Phone,
        purpose: &str,
        code: &str,
    ) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.one_time_code);
        context.update(challenge.as_bytes());
        for part in [phone.e164(), purpose, code] {
            context.update(&[0]);
            context.update(part.as_bytes());
        }
        context.sign().as_ref().to_vec()
    }

    /// The secret of the device card that has this locator. It is derived, so nothing is stored.
    #[must_use]
    pub fn card_secret(&self, locator: &str) -> [u8; 32] {
        let mut secret = [0; 32];
        secret.copy_from_slice(hmac::sign(&self.card, locator.as_bytes()).as_ref());
        secret
    }

    /// The child of a refresh token. It is derived, so that a renewal whose answer was lost gives the same child again.
    #[must_use]
    pub fn refresh_child(&self, parent: &[u8; 32]) -> [u8; 32] {
        let mut child = [0; 32];
        child.copy_from_slice(hmac::sign(&self.refresh, parent).as_ref());
        child
    }

    /// What the database keeps so that another master key is noticed at start.
    #[must_use]
    pub const fn check(&self) -> &[u8; 32] {
        &self.check
    }

    /// The key under which page cursors are signed.
    #[must_use]
    pub const fn cursor_key(&self) -> &[u8; 32] {
        &self.cursor
    }

    /// The key of the hashes under which is counted what all processes count together.
    #[must_use]
    pub const fn shared_state_key(&self) -> &[u8; 32] {
        &self.shared_state
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

/// The label of the field, its length first, and the row.
fn associated_data(field: SealedField, row: &[u8]) -> Vec<u8> {
    let label = field.label();
    let length = u8::try_from(label.len()).expect("labels are short");
    [&[length], label, row].concat()
}

#[cfg(test)]
mod tests {
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
}
