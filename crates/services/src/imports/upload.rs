//! Receives a file in pieces. Its beginning is looked at before anything is kept; the job is enqueued in the transaction
//! that makes the file whole.

use aws_lc_rs::digest::{self, SHA256};
use domain::audit::{Action, ObjectKind};
use domain::ids::BusinessId;
use domain::text::Text;
use jobs::EnqueueError;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;
use store::imports::NewImport;
use uuid::Uuid;

use super::format::ImportFormat;
use super::import_purchases::ImportPurchases;
use super::layout::{FileFault, probe};
use super::model::Import;
use super::reader::seal_row;
use super::show::may_import;
use crate::audit_log::{self, Entry};
use crate::caller::{AccessError, TillCaller};
use crate::context::Context;
use crate::idempotency::{self, Answer, Answered, IdempotencyError, IdempotencyKey};
use crate::transaction;
use crate::vault::SealedField;

/// The length of a piece, in bytes.
const CHUNK: usize = 1024 * 1024;

/// The name under which the answers to uploads are kept.
const OPERATION: &str = "transactions.import";

/// A file to be imported.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// The business, where the caller belongs to several.
    pub business: Option<BusinessId>,
    /// The form of the file.
    pub format: ImportFormat,
    /// Whether nothing is to be posted.
    pub dry_run: bool,
    /// The file's name.
    pub file_name: Option<Text<200>>,
}

/// Why a file was not taken. Nothing is kept of it.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The caller may not do this.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// No row of it could be posted.
    #[error(transparent)]
    File(#[from] FileFault),
    /// The same file is being imported.
    #[error("the same file is being imported")]
    AlreadyRunning {
        /// As this import, if it is still at it.
        import: Option<Uuid>,
    },
    /// The key can't be used.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A file that is coming. What is neither finished nor discarded is dropped a day later.
pub struct Upload {
    ctx: Context,
    new: NewImport,
    business: BusinessId,
    format: ImportFormat,
    /// Whether the import is in the database.
    begun: bool,
    buffer: Vec<u8>,
    /// The bytes that are kept.
    kept: i64,
    hash: digest::Context,
}

/// Prepares for a file of a manager or a till. Nothing is kept yet.
///
/// # Errors
/// [`AccessError`].
pub fn begin(ctx: &Context, caller: &TillCaller, input: NewUpload) -> Result<Upload, AccessError> {
    let business = caller.business(input.business)?;
    may_import(caller, business)?;
    let mut upload = begin_as_system(ctx, business, input);
    upload.new.only_location_id = caller.only_location(business).map(Into::into);
    match caller {
        TillCaller::Key(key) => upload.new.key_id = Some(key.key.as_uuid()),
        TillCaller::Cashier { member, .. } => upload.new.created_by = Some(member.as_uuid()),
    }
    Ok(upload)
}

/// Prepares for a file without a caller: for the command line.
#[must_use]
pub fn begin_as_system(ctx: &Context, business: BusinessId, input: NewUpload) -> Upload {
    Upload {
        new: NewImport {
            id: ctx.ids().uuid(),
            business_id: business.as_uuid(),
            only_location_id: None,
            created_by: None,
            key_id: None,
            format: input.format.as_str(),
            layout: None,
            dry_run: input.dry_run,
            file_name: input.file_name.map(Text::into_string),
            first_byte: 0,
            first_line: 0,
        },
        ctx: ctx.of(business),
        business,
        format: input.format,
        begun: false,
        buffer: Vec::new(),
        kept: 0,
        hash: digest::Context::new(&SHA256),
    }
}

impl Upload {
    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// [`UploadError`]; the caller then discards the upload.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        self.hash.update(bytes);
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() > CHUNK {
            let rest = self.buffer.split_off(CHUNK);
            let piece = std::mem::replace(&mut self.buffer, rest);
            self.keep(piece, false).await?;
        }
        Ok(())
    }

    /// Ends a caller's file: from now on a job works on it. A repeated request gets the first answer.
    ///
    /// # Errors
    /// [`UploadError`]; nothing is kept then.
    pub async fn finish<R>(
        mut self,
        principal: Uuid,
        key: String,
        render: R,
    ) -> Result<Answered, UploadError>
    where
        R: Fn(&Import) -> Answer + Send + Sync + 'static,
    {
        let sha256 = match self.keep_rest().await {
            Ok(sha256) => sha256,
            Err(error) => return Err(self.give_up(error).await),
        };
        let key = IdempotencyKey {
            principal,
            operation: OPERATION,
            key,
            body_sha256: self.request_hash(&sha256),
        };
        let input = (
            self.ctx.clone(),
            self.new.id,
            sha256.clone(),
            self.kept,
            key,
            render,
        );
        let finished = transaction::run(&self.ctx, input, |conn, input| {
            Box::pin(async move {
                let (ctx, id, sha256, length, key, render) = input;
                if let Some(answer) = idempotency::begin::<UploadError>(conn, key).await? {
                    store::imports::discard(conn, *id).await?;
                    return Ok(Answered {
                        answer,
                        replayed: true,
                    });
                }
                let import = complete(conn, ctx, *id, sha256, *length).await?;
                enqueue(conn, ctx, *id).await?;
                let answer = render(&import);
                idempotency::finish(conn, key, &answer, ctx.clock().now()).await?;
                Ok(Answered {
                    answer,
                    replayed: false,
                })
            })
        })
        .await;
        match finished {
            Ok(answered) => Ok(answered),
            Err(error) => Err(self.refused(error, &sha256).await),
        }
    }

    /// Ends a file that the caller of this function works on by itself.
    ///
    /// # Errors
    /// [`UploadError`]; nothing is kept then.
    pub async fn finish_as_system(mut self) -> Result<Import, UploadError> {
        let sha256 = match self.keep_rest().await {
            Ok(sha256) => sha256,
            Err(error) => return Err(self.give_up(error).await),
        };
        let input = (self.ctx.clone(), self.new.id, sha256.clone(), self.kept);
        let finished = transaction::run(&self.ctx, input, |conn, (ctx, id, sha256, length)| {
            Box::pin(async move {
                let import = complete(conn, ctx, *id, sha256, *length).await?;
                Ok::<_, UploadError>(import)
            })
        })
        .await;
        match finished {
            Ok(import) => Ok(import),
            Err(error) => Err(self.refused(error, &sha256).await),
        }
    }

    /// Forgets what came so far.
    pub async fn discard(self) {
        if !self.begun {
            return;
        }
        let discarded = transaction::run(&self.ctx, self.new.id, |conn, id| {
            Box::pin(store::imports::discard(conn, *id))
        })
        .await;
        if let Err(error) = discarded {
            tracing::warn!(import = %self.new.id, %error, "a broken upload is left for the clean-up");
        }
    }

    async fn give_up(self, error: UploadError) -> UploadError {
        self.discard().await;
        error
    }

    /// What an error of the last transaction means.
    async fn refused(self, error: UploadError, sha256: &[u8]) -> UploadError {
        let error = match error {
            UploadError::Store(error) if error.constraint() == Some(store::imports::UNFINISHED) => {
                let running = find_unfinished(
                    &self.ctx,
                    self.business,
                    sha256,
                    self.format,
                    self.new.dry_run,
                );
                match running.await {
                    Ok(import) => UploadError::AlreadyRunning { import },
                    Err(error) => error.into(),
                }
            }
            error => error,
        };
        self.give_up(error).await
    }

    /// Keeps what is left and gives the hash of the whole.
    async fn keep_rest(&mut self) -> Result<Vec<u8>, UploadError> {
        let piece = std::mem::take(&mut self.buffer);
        if !self.begun || !piece.is_empty() {
            self.keep(piece, true).await?;
        }
        Ok(self.hash.clone().finish().as_ref().to_vec())
    }

    async fn keep(&mut self, piece: Vec<u8>, at_end: bool) -> Result<(), UploadError> {
        let is_first = !self.begun;
        if is_first {
            let probe = probe(&piece, self.format, at_end)?;
            self.new.layout = probe
                .layout
                .map(|layout| serde_json::to_value(layout).map_err(super::model::decode))
                .transpose()?;
            self.new.first_byte = i64::try_from(probe.first_byte).unwrap_or(i64::MAX);
            self.new.first_line = probe.first_line.into();
        }
        let row = seal_row(self.new.id, self.kept);
        let sealed = self.ctx.vault().seal(SealedField::ImportFile, &row, &piece);
        let new = is_first.then(|| self.new.clone());
        let input = (self.ctx.clone(), self.new.id, new, self.kept, sealed);
        transaction::run(
            &self.ctx,
            input,
            |conn, (ctx, id, new, position, sealed)| {
                Box::pin(async move {
                    let now = ctx.clock().now();
                    if let Some(new) = new {
                        store::imports::insert(conn, new, now).await?;
                    }
                    store::import_chunks::insert(conn, *id, *position, sealed, now).await
                })
            },
        )
        .await?;
        self.begun = true;
        self.kept += i64::try_from(piece.len()).unwrap_or(i64::MAX);
        Ok(())
    }

    /// The same file with other options is another request.
    fn request_hash(&self, sha256: &[u8]) -> [u8; 32] {
        let mut hash = digest::Context::new(&SHA256);
        hash.update(sha256);
        hash.update(self.business.as_uuid().as_bytes());
        hash.update(self.format.as_str().as_bytes());
        hash.update(&[u8::from(self.new.dry_run)]);
        let mut out = [0; 32];
        out.copy_from_slice(hash.finish().as_ref());
        out
    }
}

/// The import of this very file that is not finished, if there is one.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn find_unfinished(
    ctx: &Context,
    business: BusinessId,
    sha256: &[u8],
    format: ImportFormat,
    dry_run: bool,
) -> Result<Option<Uuid>, StoreError> {
    let mut conn = ctx.of(business).connection().await?;
    store::imports::find_unfinished(&mut conn, business, sha256, format.as_str(), dry_run).await
}

async fn complete(
    conn: &mut PgConnection,
    ctx: &Context,
    id: Uuid,
    sha256: &[u8],
    length: i64,
) -> Result<Import, StoreError> {
    store::imports::complete(conn, id, sha256, length, ctx.clock().now()).await?;
    let row = store::imports::get_across_businesses(conn, id).await?;
    let import: Import = row
        .ok_or(StoreError(sqlx::Error::RowNotFound))?
        .try_into()?;
    let entry = Entry::of(Action::ImportStart, ObjectKind::Import).id(id);
    let entry = entry.business(import.business).after(json!({
        "format": import.format.as_str(),
        "dry_run": import.dry_run,
        "sha256": hex::encode(sha256),
        "bytes": length,
    }));
    audit_log::record(conn, ctx, entry).await?;
    Ok(import)
}

async fn enqueue(conn: &mut PgConnection, ctx: &Context, id: Uuid) -> Result<(), StoreError> {
    let job = ImportPurchases { import_id: id };
    match jobs::enqueue(conn, &job, ctx.clock().now()).await {
        Ok(_) => Ok(()),
        Err(EnqueueError::Database(error)) => Err(StoreError(error)),
        Err(error) => Err(StoreError(sqlx::Error::Encode(Box::new(error)))),
    }
}
