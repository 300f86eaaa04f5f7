//! What is read of an answer: its status and where it ends. Nothing is kept and nothing is allocated.

use anyhow::{Context, bail, ensure};

/// The longest head that is taken, bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// The largest answer that is taken, bytes.
const LARGEST: usize = 4 * 1024 * 1024;

/// Where the parts of an answer end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Where the body begins, bytes from the start of the answer.
    pub(crate) begins: usize,
    /// Where the answer ends, bytes from its start.
    pub(crate) ends: usize,
}

/// Reads status and length; nothing while the head is not whole.
///
/// # Errors
/// If it is no answer of HTTP/1.1 with a length.
pub(crate) fn read_head(received: &[u8]) -> anyhow::Result<Option<Head>> {
    let Some(blank) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
        ensure!(received.len() <= LONGEST_HEAD, "a head that does not end");
        return Ok(None);
    };
    let mut lines = received[..blank].split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let Some(status) = first.strip_prefix(b"HTTP/1.1 ") else {
        bail!("no answer: {}", String::from_utf8_lossy(first));
    };
    let status = status.get(..3).and_then(number).context("no status")?;
    let length = lines
        .filter_map(|line| {
            let (name, value) = line.split_at_checked(b"content-length:".len())?;
            name.eq_ignore_ascii_case(b"content-length:")
                .then(|| number(value.trim_ascii()))?
        })
        .next();
    let begins = blank + 4;
    let length = length.with_context(|| format!("no length, status {status}"))?;
    ensure!(length <= LARGEST, "an answer of {length} bytes");
    Ok(Some(Head {
        status: u16::try_from(status)?,
        begins,
        ends: begins + length,
    }))
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_when_its_head_is_whole() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nx: y\r\n\r\nab";
        assert_eq!(read_head(&whole[..30]).expect("so far so good"), None);
        let head = read_head(whole).expect("an answer").expect("a whole head");
        assert_eq!((head.status, head.ends), (201, whole.len()));
        assert_eq!(&whole[head.begins..head.ends], b"ab");
        let last = b"HTTP/1.1 204 No Content\r\ncontent-length:0\r\n\r\n";
        let head = read_head(last).expect("an answer").expect("a whole head");
        assert_eq!((head.status, head.begins), (204, head.ends));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert!(read_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(read_head(b"SSH-2.0-x\r\n\r\n").is_err());
        assert!(read_head(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").is_err());
        assert!(read_head(&[b'x'; LONGEST_HEAD + 1]).is_err());
    }
}
