//! Cuts a file into records as its bytes come, without knowing what they mean. A record that is broken costs one line:
//! a quotation mark that never ends must not swallow the rows behind it, which is why the usual CSV readers, made for
//! sound files, don't do here. Pure.

/// The longest record, in bytes.
pub const MAX_RECORD: usize = 64 * 1024;

/// How records are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cutting {
    /// A record is a line.
    Lines,
    /// A record is a line of fields; a quoted field may hold the delimiter, doubled quotation marks and line ends.
    Fields(u8),
}

/// What a record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Nothing.
    Blank,
    /// The fields; a line as a whole is one.
    Fields(Vec<Vec<u8>>),
    /// A quotation mark without its partner, or one with something behind it.
    BadQuoting,
    /// More than [`MAX_RECORD`] bytes.
    TooLong,
}

/// A record with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// What it holds.
    pub record: Record,
    /// How many bytes it takes, its line end among them.
    pub bytes: usize,
    /// How many lines it takes.
    pub lines: u32,
}

/// Cuts one record after the other.
#[derive(Clone, Debug)]
pub struct Cutter {
    cutting: Cutting,
    /// The bytes of an endless line that were thrown away so far.
    thrown: usize,
}

impl Cutter {
    /// A cutter that stands at the beginning of a record.
    #[must_use]
    pub const fn new(cutting: Cutting) -> Self {
        Self { cutting, thrown: 0 }
    }

    /// The record at the beginning of `buffer`, with the number of bytes to take from the buffer; `at_end`: nothing
    /// comes behind it. Without a record more bytes are needed, and those that it says can be thrown away.
    pub fn next(&mut self, buffer: &[u8], at_end: bool) -> (usize, Option<Cut>) {
        let end = line_end(buffer);
        if self.thrown > 0 {
            return self.throw(buffer, end, at_end);
        }
        let Some(line) = end.or_else(|| (at_end && !buffer.is_empty()).then_some(buffer.len()))
        else {
            return if buffer.len() > MAX_RECORD {
                self.throw(buffer, None, at_end)
            } else {
                (0, None)
            };
        };
        let cut = |record, bytes, lines| {
            let cut = Cut {
                record,
                bytes,
                lines,
            };
            (bytes, Some(cut))
        };
        if line > MAX_RECORD {
            return cut(Record::TooLong, line, 1);
        }
        let text = without_line_end(&buffer[..line]);
        if text.iter().all(u8::is_ascii_whitespace) {
            return cut(Record::Blank, line, 1);
        }
        let delimiter = match self.cutting {
            Cutting::Lines => return cut(Record::Fields(vec![text.to_vec()]), line, 1),
            Cutting::Fields(delimiter) => delimiter,
        };
        if !text.contains(&b'"') {
            let fields = text.split(|byte| *byte == delimiter);
            return cut(
                Record::Fields(fields.map(<[u8]>::to_vec).collect()),
                line,
                1,
            );
        }
        let window = &buffer[..buffer.len().min(MAX_RECORD)];
        let is_whole = at_end && window.len() == buffer.len();
        match quoted(window, delimiter, is_whole) {
            Quoted::Fields {
                fields,
                bytes,
                lines,
            } => cut(Record::Fields(fields), bytes, lines),
            Quoted::Open if !at_end && buffer.len() < MAX_RECORD => (0, None),
            Quoted::Open | Quoted::Bad => cut(Record::BadQuoting, line, 1),
        }
    }

    /// Throws an endless line away up to its end.
    fn throw(&mut self, buffer: &[u8], end: Option<usize>, at_end: bool) -> (usize, Option<Cut>) {
        let taken = end.unwrap_or(buffer.len());
        let bytes = self.thrown + taken;
        if end.is_none() && !at_end {
            self.thrown = bytes;
            return (taken, None);
        }
        self.thrown = 0;
        let cut = Cut {
            record: Record::TooLong,
            bytes,
            lines: 1,
        };
        (taken, Some(cut))
    }
}

/// The length of the first line, its end included.
fn line_end(buffer: &[u8]) -> Option<usize> {
    buffer
        .iter()
        .position(|byte| *byte == b'\n')
        .map(|at| at + 1)
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What became of a record with quotation marks.
enum Quoted {
    Fields {
        fields: Vec<Vec<u8>>,
        bytes: usize,
        lines: u32,
    },
    /// The bytes end within a quoted field.
    Open,
    Bad,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    FieldStart,
    Plain,
    Inside,
    /// Behind a quotation mark inside a quoted field: its end, or the first of two.
    Mark,
}

/// Reads RFC 4180 fields. A quotation mark within a field that does not begin with one is a plain character.
fn quoted(bytes: &[u8], delimiter: u8, is_whole: bool) -> Quoted {
    let (mut at, mut lines) = (At::FieldStart, 1);
    let (mut fields, mut field) = (Vec::new(), Vec::new());
    for (place, &byte) in bytes.iter().enumerate() {
        let ends = byte == b'\n'
            || byte == b'\r' && bytes.get(place + 1).is_none_or(|next| *next == b'\n');
        match at {
            At::Inside if byte == b'"' => at = At::Mark,
            At::Inside => {
                lines += u32::from(byte == b'\n');
                field.push(byte);
            }
            At::Mark if byte == b'"' => {
                field.push(byte);
                at = At::Inside;
            }
            At::FieldStart if byte == b'"' => at = At::Inside,
            _ if byte == delimiter => {
                fields.push(std::mem::take(&mut field));
                at = At::FieldStart;
            }
            _ if byte == b'\n' => {
                fields.push(field);
                return Quoted::Fields {
                    fields,
                    bytes: place + 1,
                    lines,
                };
            }
            _ if ends => {}
            At::Mark => return Quoted::Bad,
            At::FieldStart | At::Plain => {
                field.push(byte);
                at = At::Plain;
            }
        }
    }
    if is_whole && at != At::Inside {
        fields.push(field);
        return Quoted::Fields {
            fields,
            bytes: bytes.len(),
            lines,
        };
    }
    Quoted::Open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(texts: &[&str]) -> Record {
        Record::Fields(texts.iter().map(|text| text.as_bytes().to_vec()).collect())
    }

    /// All records with the line on which each begins, the bytes coming `step` at a time.
    fn cut_by(step: usize, cutting: Cutting, file: &[u8]) -> Vec<(u32, Record)> {
        let mut cutter = Cutter::new(cutting);
        let (mut buffer, mut given, mut line, mut taken_in_all) = (Vec::new(), 0, 1, 0);
        let mut records = Vec::new();
        loop {
            let at_end = given == file.len();
            let (taken, cut) = cutter.next(&buffer, at_end);
            buffer.drain(..taken);
            if let Some(cut) = cut {
                taken_in_all += cut.bytes;
                records.push((line, cut.record));
                line += cut.lines;
            } else if at_end {
                assert_eq!(taken_in_all, file.len(), "every byte belongs to a record");
                return records;
            } else {
                let more = step.min(file.len() - given);
                buffer.extend_from_slice(&file[given..given + more]);
                given += more;
            }
        }
    }

    fn cut(cutting: Cutting, file: &[u8]) -> Vec<(u32, Record)> {
        let whole = cut_by(file.len().max(1), cutting, file);
        for step in [1, 2, 3, 7] {
            assert_eq!(cut_by(step, cutting, file), whole, "{step} bytes at a time");
        }
        whole
    }

    const COMMA: Cutting = Cutting::Fields(b',');

    #[test]
    fn plain_and_quoted_fields() {
        let file = "a,b\r\n\"x,\"\"y\"\"\",\"two\r\nlines\"\r\n\n , \nlast,\"end\"".as_bytes();
        assert_eq!(
            cut(COMMA, file),
            vec![
                (1, fields(&["a", "b"])),
                (2, fields(&["x,\"y\"", "two\r\nlines"])),
                (4, Record::Blank),
                (5, fields(&[" ", " "])),
                (6, fields(&["last", "end"])),
            ]
        );
    }

    #[test]
    fn a_mark_within_a_plain_field_is_a_character() {
        assert_eq!(
            cut(Cutting::Fields(b';'), b"1;OOO \"Luna\";2\n\"\";x\n"),
            vec![
                (1, fields(&["1", "OOO \"Luna\"", "2"])),
                (2, fields(&["", "x"]))
            ]
        );
    }

    #[test]
    fn broken_quoting_costs_one_line() {
        for file in [
            "1,\"open,5\n2,\"fine\",6\n3,ok,7\n",
            "1,\"open,5\n2,fine,6\n3,ok,7\n",
            "1,\"a\"b,5\n2,fine,6\n3,ok,7\n",
        ] {
            assert_eq!(
                cut(COMMA, file.as_bytes()),
                vec![
                    (1, Record::BadQuoting),
                    (2, fields(&["2", "fine", "6"])),
                    (3, fields(&["3", "ok", "7"])),
                ],
                "{file}"
            );
        }
    }

    #[test]
    fn an_endless_line_is_thrown_away() {
        let mut file = b"a,1\n".to_vec();
        file.extend(std::iter::repeat_n(b'x', 3 * MAX_RECORD));
        file.extend(b"\nb,2\n");
        for step in [1000, MAX_RECORD, file.len()] {
            assert_eq!(
                cut_by(step, COMMA, &file),
                vec![
                    (1, fields(&["a", "1"])),
                    (2, Record::TooLong),
                    (3, fields(&["b", "2"]))
                ]
            );
        }
        file.truncate(2 * MAX_RECORD);
        assert_eq!(cut_by(5000, COMMA, &file)[1], (2, Record::TooLong));
    }

    #[test]
    fn a_quoted_field_that_never_ends_costs_one_line() {
        let mut file = b"1,\"open\n".to_vec();
        let rows = MAX_RECORD / 4;
        file.extend(b"2,x\n".repeat(rows));
        for step in [4096, file.len()] {
            let records = cut_by(step, COMMA, &file);
            assert_eq!(records.len(), rows + 1);
            assert_eq!(records[0], (1, Record::BadQuoting));
            assert!(
                records[1..]
                    .iter()
                    .all(|(_, record)| *record == fields(&["2", "x"]))
            );
        }
    }

    #[test]
    fn lines_are_whole() {
        assert_eq!(
            cut(Cutting::Lines, b"{\"a\":\"x,\"}\r\n\r\n{}"),
            vec![
                (1, fields(&["{\"a\":\"x,\"}"])),
                (2, Record::Blank),
                (3, fields(&["{}"]))
            ]
        );
    }
}
