//! Hashing and bounding of what is read or written.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::progress::Meter;

/// Large enough that system calls do not matter, small enough to stay in the cache.
const CHUNK_BYTES: usize = 256 * 1024;

/// A writer that hashes and counts what passes, and refuses more than `limit_bytes`.
pub(crate) struct Checked<'m, W> {
    inner: W,
    hash: Sha256,
    written_bytes: u64,
    limit_bytes: u64,
    meter: &'m mut Meter,
}

impl<'m, W: Write> Checked<'m, W> {
    pub(crate) fn new(inner: W, limit_bytes: u64, meter: &'m mut Meter) -> Self {
        Self { inner, hash: Sha256::new(), written_bytes: 0, limit_bytes, meter }
    }

    /// Flushes; gives the hexadecimal digest and the count of bytes.
    pub(crate) fn finish(mut self) -> io::Result<(String, u64)> {
        self.inner.flush()?;
        Ok((hex(&self.hash.finalize()), self.written_bytes))
    }
}

impl<W: Write> Write for Checked<'_, W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.written_bytes + data.len() as u64 > self.limit_bytes {
            let limit_bytes = self.limit_bytes;
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("it is larger than the {limit_bytes} bytes that the catalogue promises"),
            ));
        }
        let count = self.inner.write(data)?;
        self.hash.update(&data[..count]);
        self.written_bytes += count as u64;
        self.meter.add(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The hexadecimal SHA-256 of a file.
pub(crate) fn of_file(path: &Path, meter: &mut Meter) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&chunk[..count]);
        meter.add(count as u64);
    }
}

fn hex(digest: &[u8]) -> String {
    use std::fmt::Write as _;
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
