//! Recomputes the whole audit log, at one moment and in bounded memory, and names what differs: from its own chain, and
//! from the anchors outside the database.

use std::io;
use std::path::PathBuf;

use sqlx::PgConnection;
use store::audit_chain::{self, LinkRow};
use store::audit_log::EntryRow;
use store::error::StoreError;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::anchor::{self, Anchor};
use super::link;
use super::report::{AnchoredHead, LogCheck, LogDifference, LogReport};
use crate::context::Context;
use crate::transaction;

/// How many links, or lines of an anchor, are looked at together.
const PAGE: u16 = 500;

/// Where the anchors are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchors {
    /// Nowhere: the chain is compared with itself alone.
    None,
    /// In this file, or in the files of this folder.
    At(PathBuf),
}

impl Anchors {
    /// Where this process anchors.
    #[must_use]
    pub fn of(ctx: &Context) -> Self {
        ctx.config()
            .audit_anchors
            .clone()
            .map_or(Self::None, Self::At)
    }
}

/// A file of anchors, as long as it was when the check began: its lines are all older than what the check reads.
#[derive(Clone, Debug)]
struct AnchorFile {
    path: PathBuf,
    length: u64,
}

/// Checks the log; of the differences the first `limit` are named. It reads one snapshot and changes nothing.
///
/// # Errors
/// [`StoreError`] from the database, or from a file of anchors that can't be read.
pub async fn check_log(
    ctx: &Context,
    anchors: &Anchors,
    limit: u16,
) -> Result<LogReport, StoreError> {
    let files = match anchors {
        Anchors::None => None,
        Anchors::At(path) => Some(measured(path).map_err(sqlx::Error::Io)?),
    };
    transaction::run(
        ctx,
        (ctx.clone(), files, limit),
        |conn, (ctx, files, limit)| {
            Box::pin(async move {
                store::audit::begin(conn).await?;
                let started_at = ctx.clock().now();
                let mut report = LogReport {
                    started_at,
                    finished_at: started_at,
                    sealed: 0,
                    waiting: audit_chain::waiting(conn).await?.entries,
                    ends_at: 0,
                    anchored: None,
                    differences: 0,
                    named: Vec::new(),
                };
                walk(conn, &mut report, *limit).await?;
                strays(conn, &mut report, *limit).await?;
                if let Some(files) = files {
                    compare(conn, ctx, files, &mut report, *limit).await?;
                }
                report.finished_at = ctx.clock().now();
                Ok(report)
            })
        },
    )
    .await
}

fn measured(path: &std::path::Path) -> io::Result<Vec<AnchorFile>> {
    anchor::files(path)?
        .into_iter()
        .map(|path| {
            let length = path.metadata()?.len();
            Ok(AnchorFile { path, length })
        })
        .collect()
}

/// Goes through the chain from its beginning.
async fn walk(
    conn: &mut PgConnection,
    report: &mut LogReport,
    limit: u16,
) -> Result<(), StoreError> {
    let mut previous = link::BEGINNING.to_vec();
    loop {
        let links = audit_chain::after(conn, report.ends_at, PAGE.into()).await?;
        let count = links.len();
        for (link, entry) in links {
            for difference in faults(&previous, report.ends_at, &link, entry.as_ref()) {
                report.found(limit, difference);
            }
            report.sealed += 1;
            report.ends_at = link.sequence;
            previous = link.hash;
        }
        if count < usize::from(PAGE) {
            return Ok(());
        }
    }
}

fn faults(
    previous: &[u8],
    after: i64,
    link: &LinkRow,
    entry: Option<&EntryRow>,
) -> Vec<LogDifference> {
    let mut faults = Vec::new();
    let mut add = |check, detail: String| {
        faults.push(LogDifference {
            check,
            sequence: Some(link.sequence),
            entry_id: Some(link.entry_id),
            detail,
        });
    };
    if link.sequence != after + 1 {
        let (first, last) = (after + 1, link.sequence - 1);
        add(
            LogCheck::LinksMissing,
            format!("the links from {first} to {last}, before this one, are missing"),
        );
    } else if link.previous_hash != previous {
        add(
            LogCheck::LinkBroken,
            "it does not go on from the link before it".to_owned(),
        );
    }
    match entry {
        None => add(LogCheck::EntryMissing, "the entry is missing".to_owned()),
        Some(entry) => {
            let hash = link::hash(&link.previous_hash, link.sequence, link.sealed_at, entry);
            if hash != link.hash {
                add(
                    LogCheck::EntryAltered,
                    format!(
                        "the entry of {}, or its link, was altered",
                        entry.recorded_at
                    ),
                );
            }
        }
    }
    faults
}

/// Entries without links, and links to come without entries.
async fn strays(
    conn: &mut PgConnection,
    report: &mut LogReport,
    limit: u16,
) -> Result<(), StoreError> {
    let named = i64::from(limit.max(1));
    let slipped_in = audit_chain::slipped_in(conn, named).await?;
    let lost = audit_chain::lost(conn, named).await?;
    let slipped = "the entry has no link and waits for none";
    for ((total, ids), check, detail) in [
        (slipped_in, LogCheck::EntryNotSealed, slipped),
        (
            lost,
            LogCheck::EntryLost,
            "the entry vanished before it was sealed",
        ),
    ] {
        let shown = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        for id in ids {
            let difference = LogDifference {
                check,
                sequence: None,
                entry_id: Some(id),
                detail: detail.to_owned(),
            };
            report.found(limit, difference);
        }
        report.differences += total - shown;
    }
    Ok(())
}

/// What was learnt from the anchors so far.
#[derive(Default)]
struct Compared {
    highest: Option<Anchor>,
    /// The greatest place at which an anchor and the chain agree.
    fits_at: i64,
    /// The least place at which they don't.
    differs_at: Option<i64>,
}

/// Compares the chain with the lines of the anchors.
async fn compare(
    conn: &mut PgConnection,
    ctx: &Context,
    files: &[AnchorFile],
    report: &mut LogReport,
    limit: u16,
) -> Result<(), StoreError> {
    let mut compared = Compared::default();
    for file in files {
        read(conn, ctx, file, &mut compared, report, limit).await?;
    }
    let no_place = |check, sequence, detail| LogDifference {
        check,
        sequence,
        entry_id: None,
        detail,
    };
    let Some(highest) = compared.highest else {
        if report.sealed > 0 || report.ends_at > 0 {
            let detail = "there is no anchor that the log could be compared with".to_owned();
            report.found(limit, no_place(LogCheck::AnchorMissing, None, detail));
        }
        return Ok(());
    };
    let (sequence, at) = (highest.head.sequence, highest.written_at);
    if sequence > report.ends_at {
        let detail = format!(
            "the anchor of {at} stands at {sequence}, the log ends at {}",
            report.ends_at
        );
        let missing = no_place(LogCheck::TailMissing, Some(report.ends_at + 1), detail);
        report.found(limit, missing);
    }
    if let Some(place) = compared.differs_at {
        let detail = format!(
            "the log is not the anchored one: the anchors agree up to {} and not from {place} on",
            compared.fits_at
        );
        let rewritten = no_place(LogCheck::ChainRewritten, Some(place), detail);
        report.found(limit, rewritten);
    }
    report.anchored = Some(AnchoredHead {
        sequence,
        written_at: at,
    });
    Ok(())
}

async fn read(
    conn: &mut PgConnection,
    ctx: &Context,
    file: &AnchorFile,
    compared: &mut Compared,
    report: &mut LogReport,
    limit: u16,
) -> Result<(), StoreError> {
    let opened = File::open(&file.path).await.map_err(sqlx::Error::Io)?;
    let mut lines = BufReader::new(opened.take(file.length));
    let (mut number, mut text, mut page) = (0_u64, Vec::new(), Vec::new());
    loop {
        text.clear();
        let read = lines.read_until(b'\n', &mut text).await;
        let read = read.map_err(sqlx::Error::Io)?;
        // A last line without an end is being written, or was cut off by a fall of the machine.
        if read == 0 || text.last() != Some(&b'\n') {
            break;
        }
        number += 1;
        let line = str::from_utf8(&text).unwrap_or_default().trim_end();
        match anchor::read(ctx.vault(), line) {
            Some(anchor) => page.push(anchor),
            None => {
                let name = file.path.file_name().unwrap_or_default().to_string_lossy();
                let difference = LogDifference {
                    check: LogCheck::AnchorLineInvalid,
                    sequence: None,
                    entry_id: None,
                    detail: format!("line {number} of {name} is not what was written"),
                };
                report.found(limit, difference);
            }
        }
        if page.len() >= usize::from(PAGE) {
            look(conn, compared, &mut page).await?;
        }
    }
    look(conn, compared, &mut page).await
}

/// Compares some lines with the chain.
async fn look(
    conn: &mut PgConnection,
    compared: &mut Compared,
    page: &mut Vec<Anchor>,
) -> Result<(), StoreError> {
    let sequences: Vec<i64> = page.iter().map(|anchor| anchor.head.sequence).collect();
    let hashes = audit_chain::hashes_at(conn, &sequences).await?;
    let hashes: std::collections::BTreeMap<i64, Vec<u8>> = hashes.into_iter().collect();
    for anchor in page.drain(..) {
        let sequence = anchor.head.sequence;
        match hashes.get(&sequence) {
            Some(hash) if *hash == anchor.head.hash => {
                compared.fits_at = compared.fits_at.max(sequence);
            }
            Some(_) => {
                let least = compared.differs_at.map_or(sequence, |at| at.min(sequence));
                compared.differs_at = Some(least);
            }
            // Beyond the end, or in a gap that the chain itself shows.
            None => {}
        }
        let highest = compared
            .highest
            .as_ref()
            .map_or(0, |anchor| anchor.head.sequence);
        if sequence > highest {
            compared.highest = Some(anchor);
        }
    }
    Ok(())
}
