//! Job: puts together all that is stored on a member, and keeps it sealed.

use domain::ids::MemberId;
use jobs::{Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use store::error::StoreError;
use uuid::Uuid;

use crate::context::Context;
use crate::members::{open, open_phone};
use crate::transaction;
use crate::vault::SealedField;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MakeExport {
    /// Which export.
    pub export: Uuid,
}

impl Job for MakeExport {
    const NAME: &'static str = "personal_data.make_export";

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::NAME, self.export))
    }
}

impl Handler<Context> for MakeExport {
    async fn run(self, ctx: Context, _run: JobRun) -> Result<(), JobError> {
        let id = self.export;
        let ctx = ctx.across();
        let made = transaction::run(&ctx, ctx.clone(), move |conn, ctx| {
            Box::pin(make(conn, ctx, id))
        });
        made.await.map_err(JobError::retry)
    }
}

/// Nothing happens when the export was made, thrown away or erased meanwhile.
async fn make(conn: &mut PgConnection, ctx: &Context, id: Uuid) -> Result<(), StoreError> {
    let row = store::exports::get(conn, id).await?;
    let Some(row) = row.filter(|row| row.sealed.is_none()) else {
        return Ok(());
    };
    let document = document(conn, ctx, row.member_id.into()).await?;
    let sealed = ctx.vault().seal(
        SealedField::Export,
        id.as_bytes(),
        document.to_string().as_bytes(),
    );
    store::exports::finish(conn, id, &sealed, ctx.clock().now()).await
}

async fn document(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
) -> Result<Value, StoreError> {
    let row = store::members::get(conn, member)
        .await?
        .ok_or(StoreError(sqlx::Error::RowNotFound))?;
    let email = store::member_emails::get(conn, member).await?;
    let text = |field, sealed: Option<&[u8]>| open(ctx, member, field, sealed);
    let phone = open_phone(ctx, member, row.phone_sealed.as_deref())?;
    let email_sealed = email.as_ref().map(|email| email.email_sealed.as_slice());
    let mut document = json!({
        "made_at": ctx.clock().now(),
        "profile": {
            "id": member,
            "number": row.number,
            "status": row.status,
            "phone": phone.map(|phone| phone.e164().to_owned()),
            "name": text(SealedField::MemberName, row.name_sealed.as_deref())?,
            "birthday": text(SealedField::MemberBirthday, row.birthday_sealed.as_deref())?,
            "email": text(SealedField::MemberEmail, email_sealed)?,
            "locale": row.locale,
            "joined_at": row.joined_at,
            "created_at": row.created_at,
        },
    });
    let everything = store::exports::everything_of(conn, member).await?;
    if let (Some(document), Value::Object(everything)) = (document.as_object_mut(), everything) {
        document.extend(everything);
    }
    Ok(document)
}
