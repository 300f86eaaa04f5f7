//! The devices to which a member wants push messages. Their tokens are kept sealed.

use domain::audit::{Action, ObjectKind};
use domain::people::{Locale, PushProvider};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use store::devices::NewDevice;
use store::error::StoreError;
use uuid::Uuid;

use super::consents::{self, ConsentGateError};
use crate::audit_log::{self, Entry};
use crate::caller::MemberCaller;
use crate::context::Context;
use crate::transaction;
use crate::vault::SealedField;

/// How many devices a member has at most; the oldest gives way.
const MOST: i64 = 20;

/// Where a push message goes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushAddress {
    /// The token of FCM or APNs, or the endpoint of a browser.
    pub token: String,
    /// The keys of a browser: `p256dh` and `auth`.
    pub keys: Option<(String, String)>,
}

impl std::fmt::Debug for PushAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PushAddress")
    }
}

/// A device that wants push messages.
#[derive(Clone, Debug)]
pub struct RegisterDevice {
    /// Who delivers.
    pub provider: PushProvider,
    /// Where to.
    pub address: PushAddress,
    /// In which language.
    pub locale: Locale,
}

/// Why a device was not registered or forgotten.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The caller has no such device.
    #[error("there is no such device")]
    Unknown,
    /// Required consents are missing.
    #[error(transparent)]
    Consent(#[from] ConsentGateError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Registers a device of the sign-in that asks; naming the same token again replaces what was there.
///
/// # Errors
/// See [`DeviceError`].
pub async fn register_device(
    ctx: &Context,
    caller: &MemberCaller,
    input: RegisterDevice,
) -> Result<Uuid, DeviceError> {
    transaction::run(
        ctx,
        (ctx.clone(), *caller, input),
        |conn, (ctx, caller, input)| Box::pin(register(conn, ctx, caller, input)),
    )
    .await
}

async fn register(
    conn: &mut PgConnection,
    ctx: &Context,
    caller: &MemberCaller,
    input: &RegisterDevice,
) -> Result<Uuid, DeviceError> {
    consents::require(conn, ctx, caller.member).await?;
    let (id, vault) = (ctx.ids().uuid(), ctx.vault());
    let plain = serde_json::to_vec(&input.address)
        .map_err(|error| StoreError(sqlx::Error::Encode(Box::new(error))))?;
    let hashes = vault.device_hashes(&input.address.token);
    let device = NewDevice {
        id,
        member: caller.member,
        session: caller.session,
        provider: input.provider.as_str(),
        token_hashes: &hashes,
        token_sealed: &vault.seal(SealedField::DeviceToken, id.as_bytes(), &plain),
        locale: input.locale.as_str(),
    };
    let replaced = store::devices::put(conn, &device, ctx.clock().now()).await?;
    let gave_way = store::devices::keep_newest(conn, caller.member, MOST).await?;
    let what = json!({ "provider": device.provider, "replaced": replaced, "gave_way": gave_way });
    let entry = Entry::of(Action::DeviceAdd, ObjectKind::Device).id(id);
    audit_log::record(conn, ctx, entry.after(what)).await?;
    Ok(id)
}

/// Forgets one of the caller's devices.
///
/// # Errors
/// See [`DeviceError`].
pub async fn forget_device(
    ctx: &Context,
    caller: &MemberCaller,
    device: Uuid,
) -> Result<(), DeviceError> {
    let member = caller.member;
    let gone = transaction::run(ctx, ctx.clone(), move |conn, ctx| {
        Box::pin(async move {
            let gone = store::devices::delete(conn, member, device).await?;
            if gone {
                let entry = Entry::of(Action::DeviceRemove, ObjectKind::Device).id(device);
                audit_log::record(conn, ctx, entry).await?;
            }
            Ok::<_, StoreError>(gone)
        })
    })
    .await?;
    if gone {
        Ok(())
    } else {
        Err(DeviceError::Unknown)
    }
}
