//! Lines of the log on their way out. To write a line a request by itself costs more than to make it, so lines are
//! gathered and written together, a moment later at most; a warning or an error goes out at once, with all that stands
//! before it. No line is dropped: when much has gathered, whoever adds to it writes it out.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// The longest that a line waits.
const MOMENT: Duration = Duration::from_millis(50);

/// As soon as so many bytes have gathered, they are written.
const MUCH: usize = 64 * 1024;

/// Where lines are gathered. Cheap to clone; flush it before the process ends.
#[derive(Clone)]
pub(crate) struct LogBuffer(Arc<Shared>);

struct Shared {
    gathered: Mutex<Gathered>,
    /// Told when a first line has come.
    begun: Condvar,
    /// Never taken while `gathered` is held.
    out: Mutex<Out>,
}

#[derive(Default)]
struct Gathered {
    lines: Vec<u8>,
    closed: bool,
}

struct Out {
    writer: Box<dyn Write + Send>,
    /// What is being written; kept for its room.
    lines: Vec<u8>,
}

impl LogBuffer {
    /// Gathers lines for `writer`.
    ///
    /// # Errors
    /// If there can be no thread that writes.
    pub(crate) fn new(writer: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            gathered: Mutex::default(),
            begun: Condvar::new(),
            out: Mutex::new(Out {
                writer: Box::new(writer),
                lines: Vec::new(),
            }),
        });
        let writing = Arc::clone(&shared);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writing.write_from_time_to_time())?;
        Ok(Self(shared))
    }

    /// Writes what has gathered.
    pub(crate) fn flush(&self) {
        self.0.write_out();
    }

    /// Flushes when dropped, and from then on writes each line at once.
    pub(crate) fn closing(&self) -> LogGuard {
        LogGuard(self.clone())
    }

    fn add(&self, line: &[u8], at_once: bool) {
        let (first, write) = {
            let mut gathered = self.0.gathered();
            let first = gathered.lines.is_empty();
            gathered.lines.extend_from_slice(line);
            let much = gathered.lines.len() >= MUCH;
            (first, at_once || much || gathered.closed)
        };
        if write {
            self.flush();
        } else if first {
            self.0.begun.notify_one();
        }
    }
}

impl Shared {
    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what has gathered and writes it, one caller at a time, so that lines keep their order.
    fn write_out(&self) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let Out { writer, lines } = &mut *out;
        std::mem::swap(lines, &mut self.gathered().lines);
        // Nobody is left to tell when the log itself can't be written.
        let _unheard = writer.write_all(lines).and_then(|()| writer.flush());
        lines.clear();
    }

    fn write_from_time_to_time(&self) {
        loop {
            let mut gathered = self.gathered();
            while gathered.lines.is_empty() && !gathered.closed {
                gathered = wait(self.begun.wait(gathered));
            }
            while !gathered.lines.is_empty() && !gathered.closed {
                let (waited, timeout) = wait(self.begun.wait_timeout(gathered, MOMENT));
                gathered = waited;
                if timeout.timed_out() {
                    break;
                }
            }
            let closed = gathered.closed;
            drop(gathered);
            self.write_out();
            if closed {
                return;
            }
        }
    }
}

fn wait<T>(waited: Result<T, PoisonError<T>>) -> T {
    waited.unwrap_or_else(PoisonError::into_inner)
}

/// See [`LogBuffer::closing`].
pub(crate) struct LogGuard(LogBuffer);

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.0.0.gathered().closed = true;
        self.0.0.begun.notify_one();
        self.0.flush();
    }
}

/// Takes one line, as `tracing_subscriber` writes it.
pub(crate) struct Line<'a> {
    buffer: &'a LogBuffer,
    at_once: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.buffer.add(line, self.at_once);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.buffer.flush();
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogBuffer {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line {
            buffer: self,
            at_once: false,
        }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line<'a> {
        Line {
            buffer: self,
            at_once: *meta.level() <= Level::WARN,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Hands over what is written.
    struct Sent(mpsc::Sender<Vec<u8>>);

    impl Write for Sent {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).expect("somebody listens");
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn buffer() -> (LogBuffer, mpsc::Receiver<Vec<u8>>) {
        let (sender, receiver) = mpsc::channel();
        (LogBuffer::new(Sent(sender)).unwrap(), receiver)
    }

    /// All that was written until the buffer was closed.
    fn all(written: &mpsc::Receiver<Vec<u8>>) -> String {
        let bytes: Vec<u8> = written.try_iter().flatten().collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_goes_out_by_itself_after_a_moment() {
        let (buffer, written) = buffer();
        buffer.add(b"one\n", false);
        assert_eq!(written.recv().unwrap(), b"one\n");
        buffer.add(b"two\n", false);
        assert_eq!(written.recv().unwrap(), b"two\n");
    }

    #[test]
    fn a_warning_goes_out_at_once_with_what_stands_before_it() {
        let (buffer, written) = buffer();
        buffer.add(b"said\n", false);
        buffer.add(b"warned\n", true);
        assert_eq!(all(&written), "said\nwarned\n");
    }

    #[test]
    fn nothing_is_lost_and_the_order_is_kept() {
        let (buffer, written) = buffer();
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let buffer = buffer.clone();
                thread::spawn(move || {
                    for n in 0..5000 {
                        let line = format!("{writer} {n}\n");
                        buffer.add(line.as_bytes(), n % 1000 == 0);
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        drop(buffer.closing());
        buffer.add(b"after\n", false);
        let text = all(&written);
        assert!(text.ends_with("after\n"));
        for writer in 0..4 {
            let prefix = format!("{writer} ");
            let numbers = text.lines().filter_map(|line| line.strip_prefix(&prefix));
            assert!(
                numbers.eq((0..5000).map(|n: u32| n.to_string())),
                "{writer}"
            );
        }
    }
}
