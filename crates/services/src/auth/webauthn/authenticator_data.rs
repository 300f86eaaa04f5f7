//! What the authenticator says, byte by byte (section 6.1): whose site, what it did with the user, how often it signed,
//! and, when it has just made a passkey, which.

use coset::cbor::Value;

use super::CeremonyFault;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const HAS_CREDENTIAL: u8 = 1 << 6;
const HAS_EXTENSIONS: u8 = 1 << 7;

/// The authenticator's model, which we don't ask for, and the length of the identifier.
const BEFORE_CREDENTIAL_ID: usize = 16;

/// See the module.
#[derive(Debug)]
pub(super) struct AuthenticatorData<'a> {
    /// SHA-256 of the site's host.
    pub(super) site_hash: [u8; 32],
    /// Whether somebody touched it.
    pub(super) user_present: bool,
    /// Whether it knows who that was.
    pub(super) user_verified: bool,
    /// Whether the passkey may be kept in several devices.
    pub(super) backup_eligible: bool,
    /// Whether it is.
    pub(super) backed_up: bool,
    /// How often it has signed.
    pub(super) sign_count: u32,
    /// The passkey that it has just made.
    pub(super) credential: Option<CredentialData<'a>>,
}

/// A passkey as its authenticator presents it.
#[derive(Debug)]
pub(super) struct CredentialData<'a> {
    /// What the authenticator calls it.
    pub(super) id: &'a [u8],
    /// COSE_Key.
    pub(super) public_key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Reads all of it; nothing may be left over.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, CeremonyFault> {
        let fault = CeremonyFault::AuthenticatorData;
        let (site_hash, rest) = bytes.split_first_chunk::<32>().ok_or(fault)?;
        let (flags, rest) = rest.split_first().ok_or(fault)?;
        let (count, mut rest) = rest.split_first_chunk::<4>().ok_or(fault)?;
        let is = |flag: u8| flags & flag != 0;
        if is(BACKED_UP) && !is(BACKUP_ELIGIBLE) {
            return Err(fault);
        }
        let credential = if is(HAS_CREDENTIAL) {
            Some(credential(&mut rest)?)
        } else {
            None
        };
        if is(HAS_EXTENSIONS) {
            item(&mut rest)?;
        }
        if !rest.is_empty() {
            return Err(fault);
        }
        Ok(Self {
            site_hash: *site_hash,
            user_present: is(USER_PRESENT),
            user_verified: is(USER_VERIFIED),
            backup_eligible: is(BACKUP_ELIGIBLE),
            backed_up: is(BACKED_UP),
            sign_count: u32::from_be_bytes(*count),
            credential,
        })
    }
}

fn credential<'a>(rest: &mut &'a [u8]) -> Result<CredentialData<'a>, CeremonyFault> {
    let fault = CeremonyFault::AuthenticatorData;
    let (_model, after) = rest.split_at_checked(BEFORE_CREDENTIAL_ID).ok_or(fault)?;
    let (length, after) = after.split_first_chunk::<2>().ok_or(fault)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (id, after) = after.split_at_checked(length).ok_or(fault)?;
    *rest = after;
    let public_key = item(rest)?;
    Ok(CredentialData { id, public_key })
}

/// The bytes of the one CBOR item that comes next.
fn item<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], CeremonyFault> {
    let whole = *rest;
    let _read: Value =
        coset::cbor::from_reader(&mut *rest).map_err(|_| CeremonyFault::AuthenticatorData)?;
    Ok(&whole[..whole.len() - rest.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(flags: u8, tail: &[u8]) -> Vec<u8> {
        [&[7; 32][..], &[flags], &[0, 0, 1, 2], tail].concat()
    }

    #[test]
    fn every_byte_has_its_place() {
        let plain = data(USER_PRESENT | USER_VERIFIED, &[]);
        let read = AuthenticatorData::parse(&plain).unwrap();
        assert!(read.user_present && read.user_verified && !read.backup_eligible);
        assert_eq!((read.sign_count, read.credential.is_none()), (258, true));
        let made = [&[0; 16][..], &[0, 2], b"id", &[0xa0], &[0xa0]].concat();
        let made = data(HAS_CREDENTIAL | HAS_EXTENSIONS, &made);
        let read = AuthenticatorData::parse(&made).unwrap();
        let credential = read.credential.unwrap();
        assert_eq!(
            (credential.id, credential.public_key),
            (&b"id"[..], &[0xa0][..])
        );
    }

    #[test]
    fn what_is_cut_or_too_long_is_refused() {
        let made = [&[0; 16][..], &[0, 2], b"id", &[0xa0]].concat();
        let whole = data(HAS_CREDENTIAL, &made);
        assert!(AuthenticatorData::parse(&whole).is_ok());
        for cut in 0..whole.len() {
            assert!(AuthenticatorData::parse(&whole[..cut]).is_err(), "{cut}");
        }
        let longer = [&whole[..], &[0]].concat();
        assert!(AuthenticatorData::parse(&longer).is_err());
        assert!(AuthenticatorData::parse(&data(BACKED_UP, &[])).is_err());
    }
}
