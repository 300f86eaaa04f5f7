//! Reads a file that is kept in pieces, from where the work stopped, in groups of rows.

use store::error::StoreError;
use uuid::Uuid;

use super::cutter::Cutter;
use super::model::decode;
use super::row::{Row, RowReader};
use crate::context::Context;
use crate::vault::SealedField;

/// Rows that are posted together.
#[derive(Debug)]
pub(super) struct Group {
    /// The rows in their order; never empty.
    pub(super) rows: Vec<Row>,
    /// The byte at which the group begins.
    pub(super) from: i64,
    /// What is done with it.
    pub(super) to: Place,
}

/// How far a file is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Everything before this byte.
    pub(super) byte: i64,
    /// So many lines.
    pub(super) line: i64,
    /// So many rows.
    pub(super) row: i64,
}

/// A file at a place.
#[derive(Debug)]
pub(super) struct FileReader {
    ctx: Context,
    import: Uuid,
    length: i64,
    rows: RowReader,
    cutter: Cutter,
    place: Place,
    buffer: Vec<u8>,
    /// How much of the buffer was taken.
    taken: usize,
    /// The byte of the file behind the buffer.
    loaded: i64,
}

impl FileReader {
    pub(super) fn new(
        ctx: &Context,
        import: Uuid,
        length: i64,
        rows: RowReader,
        place: Place,
    ) -> Self {
        Self {
            ctx: ctx.clone(),
            import,
            length,
            cutter: Cutter::new(rows.cutting()),
            rows,
            place,
            buffer: Vec::new(),
            taken: 0,
            loaded: place.byte,
        }
    }

    /// The next rows, at most `most`; none: the file is done.
    pub(super) async fn group(&mut self, most: usize) -> Result<Option<Group>, StoreError> {
        let from = self.place.byte;
        let mut rows = Vec::with_capacity(most);
        while rows.len() < most {
            let at_end = self.loaded >= self.length;
            let (taken, cut) = self.cutter.next(&self.buffer[self.taken..], at_end);
            self.taken += taken;
            match cut {
                Some(cut) => {
                    let (number, line) = (self.place.row + 1, self.place.line + 1);
                    self.place.byte += i64::try_from(cut.bytes).unwrap_or(i64::MAX);
                    self.place.line += i64::from(cut.lines);
                    if let Some(row) = self.rows.read(cut.record, number, line) {
                        self.place.row = number;
                        rows.push(row);
                    }
                }
                None if at_end => break,
                None => self.load().await?,
            }
        }
        Ok((!rows.is_empty()).then_some(Group {
            rows,
            from,
            to: self.place,
        }))
    }

    async fn load(&mut self) -> Result<(), StoreError> {
        let mut conn = self.ctx.connection().await?;
        let chunk = store::import_chunks::at(&mut conn, self.import, self.loaded).await?;
        drop(conn);
        let lost = || decode("a piece of the file is missing");
        let (position, sealed) = chunk.ok_or_else(lost)?;
        let row = seal_row(self.import, position);
        let plain = self
            .ctx
            .vault()
            .open(SealedField::ImportFile, &row, &sealed)
            .map_err(decode)?;
        let skipped = usize::try_from(self.loaded - position).map_err(decode)?;
        let fresh = plain.get(skipped..).filter(|fresh| !fresh.is_empty());
        let fresh = fresh.ok_or_else(lost)?;
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(fresh);
        self.loaded += i64::try_from(fresh.len()).unwrap_or(i64::MAX);
        Ok(())
    }
}

/// What a piece of a file is bound to when it is sealed.
pub(super) fn seal_row(import: Uuid, position: i64) -> Vec<u8> {
    [&import.as_bytes()[..], &position.to_be_bytes()].concat()
}
