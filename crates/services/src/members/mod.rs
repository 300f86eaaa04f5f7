//! Members: finding them in the ways that a till has, making the ones that wait, their profile and their card.
//! Start at [`resolve_members`], which posting uses.

mod card;
pub(crate) mod code_attempts;
pub(crate) mod consents;
mod devices;
mod grant_operator;
mod join;
mod joining;
mod lookup;
mod preferences;
mod profile;
mod referrals;
mod resolve;

pub use card::{Card, card};
pub use consents::{
    ConsentChoice, ConsentError, ConsentGateError, ConsentSource, ConsentState, ConsentText,
    consent_texts, my_consents, set_consents,
};
pub use devices::{DeviceError, PushAddress, RegisterDevice, forget_device, register_device};
pub use grant_operator::{GrantOperatorError, grant_operator};
pub(crate) use join::join_by_phone;
pub use join::{find_or_create_by_phone, member_of_phone};
pub use joining::Joining;
pub(crate) use joining::welcome;
pub use lookup::{LookedUpMember, LookupError, LookupMember, lookup};
pub use preferences::{PreferencesError, VersionedPreferences, preferences, set_preferences};
pub use profile::{ChangeProfile, Profile, ProfileError, change_profile, profile};
pub use referrals::{Brought, Referrals, referrals};
pub use resolve::{
    MemberReference, OnUnknown, Proof, ResolvedMember, Unresolved, make_waiting, resolve_members,
};

use domain::ids::MemberId;
use domain::phone::Phone;
use store::error::StoreError;

use crate::context::Context;
use crate::vault::{SealBroken, SealedField};

/// Opens a sealed text of a member's row.
pub(crate) fn open(
    ctx: &Context,
    member: MemberId,
    field: SealedField,
    sealed: Option<&[u8]>,
) -> Result<Option<String>, StoreError> {
    sealed
        .map(|sealed| {
            ctx.vault()
                .open_text(field, member.as_uuid().as_bytes(), sealed)
        })
        .transpose()
        .map_err(broken)
}

/// Opens the phone of a member's row.
pub(crate) fn open_phone(
    ctx: &Context,
    member: MemberId,
    sealed: Option<&[u8]>,
) -> Result<Option<Phone>, StoreError> {
    open(ctx, member, SealedField::MemberPhone, sealed)?
        .map(|phone| Phone::from_e164(&phone).map_err(|_| broken(SealBroken)))
        .transpose()
}

fn broken(error: SealBroken) -> StoreError {
    StoreError(sqlx::Error::Decode(Box::new(error)))
}
