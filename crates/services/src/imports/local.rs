//! Imports a file of this machine, for the command line: the same path as an upload, with the work done at once. A file
//! whose import is not finished goes on where it was.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::digest::{self, SHA256};
use domain::ids::BusinessId;
use domain::money::{BasisPoints, Money};
use domain::text::{Slug, Text};
use store::error::StoreError;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::format::ImportFormat;
use super::model::Import;
use super::run::{RunEnd, RunError, run};
use super::upload::{NewUpload, UploadError, begin_as_system, find_unfinished};
use crate::businesses::{CreateBusiness, CreateBusinessError, create_as_system};
use crate::context::Context;

/// How many bytes are read at a time.
const PIECE: usize = 256 * 1024;

/// How long to wait before looking again at an import that another process works on.
const PATIENCE: Duration = Duration::from_millis(500);

/// The short name of the business whose log the CDNOW sample is.
const CDNOW: &str = "cdnow";

/// A file of this machine.
#[derive(Clone, Debug)]
pub struct LocalFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whose purchases they are.
    pub business: BusinessId,
    /// Its form.
    pub format: ImportFormat,
    /// Whether nothing is to be posted.
    pub dry_run: bool,
}

/// Why a file was not imported to its end. What was posted stays posted; the same command goes on with it.
#[derive(Debug, thiserror::Error)]
pub enum LocalImportError {
    /// The file can't be read.
    #[error("cannot read the file")]
    Read(#[from] std::io::Error),
    /// The file was not taken.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// The work broke off.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl From<StoreError> for LocalImportError {
    fn from(error: StoreError) -> Self {
        Self::Run(error.into())
    }
}

/// Imports a file to its end, or until `stop` is cancelled. `report` is told the progress.
///
/// # Errors
/// [`LocalImportError`].
pub async fn import_file(
    ctx: &Context,
    file: &LocalFile,
    stop: &CancellationToken,
    mut report: impl FnMut(&Import) + Send,
) -> Result<Import, LocalImportError> {
    let ctx = &ctx.of(file.business);
    let sha256 = hash(&file.path).await?;
    let found = find_unfinished(ctx, file.business, &sha256, file.format, file.dry_run).await?;
    let import = match found {
        Some(import) => import,
        None => receive(ctx, file).await?,
    };
    loop {
        match run(ctx, import, stop, &mut report).await? {
            RunEnd::Ended(import) | RunEnd::Stopped(import) => return Ok(import),
            RunEnd::Busy => {}
        }
        let progress = progress(ctx, import).await?;
        report(&progress);
        tokio::select! {
            () = stop.cancelled() => return Ok(progress),
            () = tokio::time::sleep(PATIENCE) => {}
        }
    }
}

async fn hash(path: &Path) -> Result<Vec<u8>, std::io::Error> {
    let mut file = File::open(path).await?;
    let mut hash = digest::Context::new(&SHA256);
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece).await?;
        if read == 0 {
            return Ok(hash.finish().as_ref().to_vec());
        }
        hash.update(&piece[..read]);
    }
}

async fn receive(ctx: &Context, local: &LocalFile) -> Result<Uuid, LocalImportError> {
    let name = local.path.file_name().map(|name| name.to_string_lossy());
    let options = NewUpload {
        business: None,
        format: local.format,
        dry_run: local.dry_run,
        file_name: name.and_then(|name| Text::new(&name).ok()),
    };
    let mut upload = begin_as_system(ctx, local.business, options);
    let mut file = File::open(&local.path).await?;
    let mut piece = vec![0; PIECE];
    let pushed = loop {
        match file.read(&mut piece).await {
            Ok(0) => break Ok(()),
            Ok(read) => {
                if let Err(error) = upload.push(&piece[..read]).await {
                    break Err(error.into());
                }
            }
            Err(error) => break Err(LocalImportError::Read(error)),
        }
    };
    if let Err(error) = pushed {
        upload.discard().await;
        return Err(error);
    }
    match upload.finish_as_system().await {
        Ok(import) => Ok(import.id),
        Err(UploadError::AlreadyRunning { import: Some(id) }) => Ok(id),
        Err(error) => Err(error.into()),
    }
}

async fn progress(ctx: &Context, import: Uuid) -> Result<Import, RunError> {
    let mut conn = ctx.connection().await?;
    let row = store::imports::get_across_businesses(&mut conn, import).await?;
    Ok(row.ok_or(RunError::Unknown)?.try_into()?)
}

/// The business with this identifier or short name.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn business_named(ctx: &Context, name: &str) -> Result<Option<BusinessId>, StoreError> {
    let mut conn = ctx.connection().await?;
    let row = match name.parse::<Uuid>() {
        Ok(id) => store::businesses::get(&mut conn, id.into()).await?,
        Err(_) => store::businesses::get_by_slug(&mut conn, name).await?,
    };
    Ok(row.map(|row| row.id.into()))
}

/// The business whose log the CDNOW sample is; it is added if there is none.
///
/// # Errors
/// [`CreateBusinessError`].
///
/// # Panics
/// Never: the names are good ones.
pub async fn cdnow_business(ctx: &Context) -> Result<BusinessId, CreateBusinessError> {
    if let Some(business) = business_named(ctx, CDNOW).await? {
        return Ok(business);
    }
    let input = CreateBusiness {
        slug: Slug::new(CDNOW).expect("it is a slug"),
        name: Text::new("CDNOW").expect("it is a name"),
        category: "music".to_owned(),
        description_ru: Text::new("Магазин дисков: журнал покупок 1997–1998 годов").ok(),
        description_en: Text::new("A shop of discs: its log of purchases of 1997 and 1998").ok(),
        base_rate: BasisPoints::new(500),
        share_cap: None,
        spend_without_code_up_to: Money::ZERO,
        owner: None,
    };
    match create_as_system(ctx, input).await {
        Ok(business) => Ok(business.id),
        // Somebody else was quicker.
        Err(CreateBusinessError::SlugTaken) => business_named(ctx, CDNOW)
            .await?
            .ok_or(CreateBusinessError::SlugTaken),
        Err(error) => Err(error),
    }
}
