//! Every secret of the service, from one master key of 32 bytes: HKDF (RFC 5869) makes a key for each purpose, and
//! no key serves two. Personal data is sealed with AES-256-GCM; what must be found again is looked up by a keyed
//! hash; one-time codes, device cards and cursors have keys of their own. Nothing here touches the database.

use std::collections::BTreeMap;
use std::net::IpAddr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac};
use domain::email::Email;
use domain::ids::{BusinessId, MemberId};
use domain::phone::{Phone, PhoneTail};

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
    /// The prefix or country whose codes were stopped.
    CodeStop,
    /// A member's e-mail address.
    MemberEmail,
    /// Where a push message to a device goes.
    DeviceToken,
    /// All that is stored on a member, made for him.
    Export,
    /// The hash of a member's password.
    PasswordHash,
    /// The secret of a member's authenticator.
    AuthenticatorSecret,
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
            Self::CodeStop => b"code_stop.label",
            Self::MemberEmail => b"member.email",
            Self::DeviceToken => b"device.token",
            Self::Export => b"export",
            Self::PasswordHash => b"password.hash",
            Self::AuthenticatorSecret => b"authenticator.secret",
        }
    }
}

/// A sealed value that doesn't open: damaged, moved, or sealed under another master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open with this master key")]
pub struct SealBroken;

/// The identity of the key that comes from the master key itself.
pub const FIRST_DATA_KEY: u8 = 1;

/// What protects personal data, by identity: everything that is sealed begins with the identity of its key, so that keys
/// can be changed while the service runs. Key 1 comes from the master key; later ones are secrets of their own.
#[derive(Clone)]
pub struct DataKeys {
    /// The key that seals and by whose hashes is looked up.
    pub current: u8,
    /// The oldest key that is still there; what an older one sealed does not open any more.
    pub oldest: u8,
    /// The keys after the first.
    pub later: Vec<(u8, [u8; 32])>,
}

impl Default for DataKeys {
    fn default() -> Self {
        Self {
            current: FIRST_DATA_KEY,
            oldest: FIRST_DATA_KEY,
            later: Vec::new(),
        }
    }
}

impl std::fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataKeys")
            .field("current", &self.current)
            .field("oldest", &self.oldest)
            .finish_non_exhaustive()
    }
}

/// Keys that can't be used together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataKeysError {
    /// A key stands twice, or one that is later has the identity of the first.
    #[error("every data key has an identity of its own, from 2 to 255")]
    Identities,
    /// The current key is not there.
    #[error("the current data key is not among the keys")]
    NoCurrent,
    /// There are two places for a member's phone hash: more than two keys at once have none.
    #[error(
        "at most two data keys are in use at once, one with an odd and one with an even identity"
    )]
    TooMany,
}

/// The keys of one identity.
struct Generation {
    id: u8,
    sealing: RandomizedNonceKey,
    phone: hmac::Key,
    email: hmac::Key,
    device: hmac::Key,
    tail: hmac::Key,
}

impl Generation {
    fn new(id: u8, secret: &[u8; 32]) -> Self {
        let root = root_of(secret);
        let mac = |label: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, &derive(&root, label));
        Self {
            id,
            sealing: RandomizedNonceKey::new(&AES_256_GCM, &derive(&root, b"seal/1"))
                .expect("a key of AES-256 has 32 bytes"),
            phone: mac(b"lookup/phone/1"),
            email: mac(b"lookup/email/1"),
            device: mac(b"lookup/device/1"),
            tail: mac(b"lookup/tail/1"),
        }
    }

    /// A hash that tells its key. Those of the first key's phones are older than identities and have none.
    fn told(&self, hash: hmac::Tag) -> Vec<u8> {
        [&[self.id], hash.as_ref()].concat()
    }

    fn member_phone(&self, phone: &Phone) -> Vec<u8> {
        let hash = hmac::sign(&self.phone, phone.e164().as_bytes());
        if self.id == FIRST_DATA_KEY {
            hash.as_ref().to_vec()
        } else {
            self.told(hash)
        }
    }

    fn tail(&self, business: BusinessId, tail: PhoneTail) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.tail);
        context.update(business.as_uuid().as_bytes());
        context.update(tail.as_str().as_bytes());
        self.told(context.sign())
    }
}

/// The hashes under which a member is kept, for the two columns that take turns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhoneHashes {
    /// Of the key with the odd identity.
    pub odd: Option<Vec<u8>>,
    /// Of the key with the even identity.
    pub even: Option<Vec<u8>>,
}

/// The keys of this programme. It prints none of them.
pub struct Vault {
    /// The current one first.
    generations: Vec<Generation>,
    phone_lookup: hmac::Key,
    address: hmac::Key,
    one_time_code: hmac::Key,
    recovery_code: hmac::Key,
    limit: hmac::Key,
    card: hmac::Key,
    refresh: hmac::Key,
    audit_anchor: hmac::Key,
    found_member: hmac::Key,
    check: [u8; 32],
    cursor: [u8; 32],
    shared_state: [u8; 32],
}

/// The identity of the key of one-time codes; the first byte of each of their hashes.
const CODE_KEY_ID: u8 = 1;
const NONCE_BYTES: usize = 12;

fn root_of(secret: &[u8; 32]) -> hkdf::Prk {
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"own-circle/vault/1").extract(secret)
}

fn derive(root: &hkdf::Prk, label: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    root.expand(&[label], hkdf::HKDF_SHA256)
        .and_then(|output| output.fill(&mut key))
        .expect("32 bytes are the length of the hash");
    key
}

impl Vault {
    /// Derives all keys; personal data is protected by the first data key alone.
    ///
    /// # Panics
    /// Never: the lengths are those that the algorithms ask for.
    #[must_use]
    pub fn new(master_key: &[u8; 32]) -> Self {
        Self::with_data_keys(master_key, &DataKeys::default()).expect("one key is never too many")
    }

    /// Derives all keys.
    ///
    /// # Errors
    /// [`DataKeysError`] if the data keys can't be used together.
    ///
    /// # Panics
    /// Never: the lengths are those that the algorithms ask for.
    pub fn with_data_keys(master_key: &[u8; 32], keys: &DataKeys) -> Result<Self, DataKeysError> {
        let root = root_of(master_key);
        let mac = |label: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, &derive(&root, label));
        Ok(Self {
            generations: generations(master_key, keys)?,
            phone_lookup: mac(b"lookup/phone/1"),
            address: mac(b"address/1"),
            one_time_code: mac(b"one-time-code/1"),
            recovery_code: mac(b"recovery-code/1"),
            limit: mac(b"limit/1"),
            card: mac(b"card/1"),
            refresh: mac(b"refresh/1"),
            audit_anchor: mac(b"audit/anchor/1"),
            found_member: mac(b"found-member/1"),
            check: derive(&root, b"check/1"),
            cursor: derive(&root, b"cursor/1"),
            shared_state: derive(&root, b"shared-state/1"),
        })
    }

    fn current(&self) -> &Generation {
        &self.generations[0]
    }

    /// The identity of the key that seals.
    #[must_use]
    pub fn data_key(&self) -> u8 {
        self.current().id
    }

    /// The identities of all keys that open, the one that seals first.
    #[must_use]
    pub fn data_keys(&self) -> Vec<u8> {
        self.generations.iter().map(|one| one.id).collect()
    }

    /// Seals `plain` for one field of one row. Two seals of the same value differ.
    ///
    /// # Panics
    /// Never for values that fit into memory.
    #[must_use]
    pub fn seal(&self, field: SealedField, row: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut body = plain.to_vec();
        let key = self.current();
        let nonce = key
            .sealing
            .seal_in_place_append_tag(Aad::from(associated_data(field, row)), &mut body)
            .expect("a short value is sealed");
        let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + body.len());
        sealed.push(key.id);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.extend_from_slice(&body);
        sealed
    }

    /// Opens what [`Vault::seal`] made for the same field of the same row.
    ///
    /// # Errors
    /// [`SealBroken`] if it is anything else, or its key is not there any more.
    pub fn open(
        &self,
        field: SealedField,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, SealBroken> {
        let (key_id, rest) = sealed.split_first().ok_or(SealBroken)?;
        let mut keys = self.generations.iter();
        let key = keys.find(|key| key.id == *key_id).ok_or(SealBroken)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealBroken)?;
        let mut body = body.to_vec();
        let plain = key
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

    /// Seals under the current key what an older one sealed; the value does not change.
    ///
    /// # Errors
    /// [`SealBroken`] if it does not open.
    pub fn reseal(
        &self,
        field: SealedField,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, SealBroken> {
        Ok(self.seal(field, row, &self.open(field, row, sealed)?))
    }

    /// The hash under which the codes and messages of a phone are counted and found for a while. It comes from the master
    /// key and does not change with the data keys: a rotation forgives no wrong code.
    #[must_use]
    pub fn phone_hash(&self, phone: &Phone) -> Vec<u8> {
        hmac::sign(&self.phone_lookup, phone.e164().as_bytes())
            .as_ref()
            .to_vec()
    }

    /// The bucket in which `what` is counted against `limit`; it tells nothing of either without the master key.
    #[must_use]
    pub fn limit_bucket(&self, limit: &str, what: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.limit);
        context.update(&[limit.as_bytes(), &[0], what].concat());
        context.sign().as_ref().to_vec()
    }

    /// The hash under which the member of a phone is looked up.
    #[must_use]
    pub fn member_phone_hash(&self, phone: &Phone) -> Vec<u8> {
        self.current().member_phone(phone)
    }

    /// The hashes under which a member is kept, so that processes find him under either key.
    #[must_use]
    pub fn member_phone_hashes(&self, phone: &Phone) -> PhoneHashes {
        let mut hashes = PhoneHashes::default();
        for key in &self.generations {
            let place = if key.id % 2 == 1 {
                &mut hashes.odd
            } else {
                &mut hashes.even
            };
            *place = Some(key.member_phone(phone));
        }
        hashes
    }

    /// The hash under which an e-mail address is found.
    #[must_use]
    pub fn email_hash(&self, email: &Email) -> Vec<u8> {
        let key = self.current();
        key.told(hmac::sign(&key.email, email.folded().as_bytes()))
    }

    /// The hash by which the token of a device is known again, under every key: the current one first.
    #[must_use]
    pub fn device_hashes(&self, token: &str) -> Vec<Vec<u8>> {
        let hash = |key: &Generation| key.told(hmac::sign(&key.device, token.as_bytes()));
        self.generations.iter().map(hash).collect()
    }

    /// The hash of the last digits of a phone for one business, under every key: the current one first. Businesses can't
    /// compare theirs.
    #[must_use]
    pub fn tail_hashes(&self, business: BusinessId, tail: PhoneTail) -> Vec<Vec<u8>> {
        let hash = |key: &Generation| key.tail(business, tail);
        self.generations.iter().map(hash).collect()
    }

    /// The keyed hash of a network address: tells whether two are the same and nothing more.
    #[must_use]
    pub fn address_hash(&self, address: IpAddr) -> Vec<u8> {
        hmac::sign(&self.address, address.to_canonical().to_string().as_bytes())
            .as_ref()
            .to_vec()
    }

    /// The mark of a member whom a business found, valid until a moment.
    #[must_use]
    pub fn found_member_tag(&self, business: BusinessId, member: MemberId, until: i64) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.found_member);
        context.update(business.as_uuid().as_bytes());
        context.update(member.as_uuid().as_bytes());
        context.update(&until.to_be_bytes());
        let mut tag = [0; 16];
        tag.copy_from_slice(&context.sign().as_ref()[..16]);
        tag
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

/// The keys that are there, the current one first.
fn generations(master_key: &[u8; 32], keys: &DataKeys) -> Result<Vec<Generation>, DataKeysError> {
    let mut by_id = BTreeMap::from([(FIRST_DATA_KEY, master_key)]);
    for (id, secret) in &keys.later {
        if *id < FIRST_DATA_KEY || by_id.insert(*id, secret).is_some() {
            return Err(DataKeysError::Identities);
        }
    }
    by_id.retain(|id, _| *id >= keys.oldest);
    let odd = by_id.keys().filter(|id| **id % 2 == 1).count();
    if odd > 1 || by_id.len() - odd > 1 {
        return Err(DataKeysError::TooMany);
    }
    if !by_id.contains_key(&keys.current) {
        return Err(DataKeysError::NoCurrent);
    }
    let mut made: Vec<Generation> = by_id
        .into_iter()
        .map(|(id, secret)| Generation::new(id, secret))
        .collect();
    made.sort_by_key(|key| key.id != keys.current);
    Ok(made)
}

/// The label of the field, its length first, and the row.
fn associated_data(field: SealedField, row: &[u8]) -> Vec<u8> {
    let label = field.label();
    let length = u8::try_from(label.len()).expect("labels are short");
    [&[length], label, row].concat()
}

mod anchors;
mod codes;
#[cfg(test)]
mod tests;
