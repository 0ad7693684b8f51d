//! What a GGUF file says about itself, read before anything native touches it.
//!
//! Layout (little endian): magic, u32 version, u64 tensors, u64 entries; the entries, each a
//! string key, u32 type, value; the tensors' descriptions, each a string name, u32 rank, u64
//! sizes, u32 type, u64 offset; padding; the data.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

pub mod write;

/// Bounds for what a sane file holds, so that a broken one cannot ask for all memory.
const ENTRIES_MAX: u64 = 1 << 16;
const TENSORS_MAX: u64 = 1 << 20;
const STRING_BYTES_MAX: u64 = 1 << 24;
const ARRAY_ITEMS_MAX: u64 = 1 << 28;
const RANK_MAX: u32 = 8;

#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    #[error("the model {path} cannot be read: {cause}; run `troupe models pull`")]
    Unreadable { path: PathBuf, cause: io::Error },
    #[error("{path} is no GGUF model: {why}; run `troupe models verify`")]
    Malformed { path: PathBuf, why: String },
    #[error(
        "the model {path} is cut short: it has {has} bytes and needs {needs}; run \
         `troupe models pull`"
    )]
    Truncated { path: PathBuf, has: u64, needs: u64 },
}

impl GgufError {
    /// What is wrong, without the file's name and a mend: for files that are no models.
    pub fn cause(&self) -> String {
        match self {
            Self::Unreadable { cause, .. } => cause.to_string(),
            Self::Malformed { why, .. } => format!("it is no GGUF file: {why}"),
            Self::Truncated { has, needs, .. } => {
                format!("it is cut short: it has {has} bytes and needs {needs}")
            }
        }
    }
}

/// The description in a GGUF file.
#[derive(Debug)]
pub struct Gguf {
    numbers: HashMap<String, u64>,
    texts: HashMap<String, String>,
    /// Their lengths.
    lists: HashMap<String, u64>,
    tensors: BTreeMap<String, Tensor>,
    file_bytes: u64,
}

/// What a file says about one tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The innermost first.
    pub shape: Vec<u64>,
    /// ggml's number of its type.
    pub kind: u32,
}

impl Gguf {
    /// Reads and checks the description; the weights are not read.
    ///
    /// # Errors
    /// Unreadable, no GGUF, or shorter than its tensors need.
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let unreadable = |cause| GgufError::Unreadable { path: path.to_owned(), cause };
        let file = File::open(path).map_err(unreadable)?;
        let file_bytes = file.metadata().map_err(unreadable)?.len();
        let mut reader = Reader { input: BufReader::new(file), at: 0 };
        let found = reader.description(file_bytes).map_err(|flaw| match flaw {
            Flaw::Io(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => {
                GgufError::Truncated { path: path.to_owned(), has: file_bytes, needs: reader.at }
            }
            Flaw::Io(cause) => unreadable(cause),
            Flaw::Shape(why) => GgufError::Malformed { path: path.to_owned(), why },
        })?;
        if found.needs_bytes > file_bytes {
            let needs = found.needs_bytes;
            return Err(GgufError::Truncated { path: path.to_owned(), has: file_bytes, needs });
        }
        Ok(found.gguf)
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(String::as_str)
    }

    pub fn number(&self, key: &str) -> Option<u64> {
        self.numbers.get(key).copied()
    }

    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// By name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    pub fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// The longest context that the model was trained for, in tokens.
    pub fn trained_context(&self) -> Option<u64> {
        self.of_architecture("context_length")
    }

    /// Tokens that the model knows.
    pub fn vocabulary(&self) -> Option<u64> {
        self.lists.get("tokenizer.ggml.tokens").copied()
    }

    /// Values that stand for a token inside the model.
    pub fn width(&self) -> Option<u64> {
        self.of_architecture("embedding_length")
    }

    /// Heads of a layer's attention.
    pub fn heads(&self) -> Option<u64> {
        self.of_architecture("attention.head_count")
    }

    /// Bytes that one token takes in the cache with 16-bit keys and values.
    pub fn cache_bytes_per_token(&self) -> Option<u64> {
        let layers = self.of_architecture("block_count")?;
        let heads = self.heads()?.max(1);
        let kv_heads = self.of_architecture("attention.head_count_kv").unwrap_or(heads);
        let width = self.width()? / heads;
        let keys = self.of_architecture("attention.key_length").unwrap_or(width);
        let values = self.of_architecture("attention.value_length").unwrap_or(width);
        layers.checked_mul(kv_heads)?.checked_mul(keys.checked_add(values)?)?.checked_mul(2)
    }

    fn of_architecture(&self, key: &str) -> Option<u64> {
        self.number(&format!("{}.{key}", self.text("general.architecture")?))
    }
}

enum Flaw {
    Io(io::Error),
    Shape(String),
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

struct Found {
    gguf: Gguf,
    needs_bytes: u64,
}

struct Reader {
    input: BufReader<File>,
    at: u64,
}

impl Reader {
    fn description(&mut self, file_bytes: u64) -> Result<Found, Flaw> {
        if &self.bytes::<4>()? != b"GGUF" {
            return Err(Flaw::Shape("it does not begin with the letters GGUF".to_owned()));
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(Flaw::Shape(format!("version {version} is not 2 or 3")));
        }
        let tensors = bounded(self.u64()?, TENSORS_MAX, "tensors")?;
        let entries = bounded(self.u64()?, ENTRIES_MAX, "entries")?;
        let mut gguf = Gguf {
            numbers: HashMap::new(),
            texts: HashMap::new(),
            lists: HashMap::new(),
            tensors: BTreeMap::new(),
            file_bytes,
        };
        for _ in 0..entries {
            let key = self.string()?;
            let kind = self.u32()?;
            self.value(kind, &mut gguf, key)?;
        }
        let mut data_bytes = 0;
        for _ in 0..tensors {
            data_bytes = data_bytes.max(self.tensor(&mut gguf)?);
        }
        let alignment = gguf.number("general.alignment").unwrap_or(32).max(1);
        let start = self.at.div_ceil(alignment).saturating_mul(alignment);
        Ok(Found { gguf, needs_bytes: start.saturating_add(data_bytes) })
    }

    /// Keeps a tensor's description; returns where its data ends, relative to all data. Types this
    /// does not know count as empty.
    fn tensor(&mut self, gguf: &mut Gguf) -> Result<u64, Flaw> {
        let name = self.string()?;
        let rank = bounded(u64::from(self.u32()?), u64::from(RANK_MAX), "dimensions")?;
        let shape = (0..rank).map(|_| self.u64()).collect::<Result<Vec<_>, _>>()?;
        let items = shape.iter().fold(1u64, |items, &size| items.saturating_mul(size));
        let kind = self.u32()?;
        let (block_items, block_bytes) = block(kind);
        let bytes = (items / block_items).saturating_mul(block_bytes);
        gguf.tensors.insert(name, Tensor { shape, kind });
        Ok(self.u64()?.saturating_add(bytes))
    }

    /// Reads a value of a type and keeps it; of a list, its length.
    fn value(&mut self, kind: u32, gguf: &mut Gguf, key: String) -> Result<(), Flaw> {
        let number = match kind {
            0 | 1 | 7 => u64::from(self.bytes::<1>()?[0]),
            2 | 3 => u64::from(u16::from_le_bytes(self.bytes()?)),
            4 | 5 => u64::from(self.u32()?),
            6 => f64::from(f32::from_le_bytes(self.bytes()?)) as u64,
            10 | 11 => self.u64()?,
            12 => f64::from_le_bytes(self.bytes()?) as u64,
            8 => {
                let text = self.string()?;
                gguf.texts.insert(key, text);
                return Ok(());
            }
            9 => {
                let items = self.skip_list()?;
                gguf.lists.insert(key, items);
                return Ok(());
            }
            other => return Err(Flaw::Shape(format!("an entry has the unknown type {other}"))),
        };
        gguf.numbers.insert(key, number);
        Ok(())
    }

    /// The number of items that were skipped.
    fn skip_list(&mut self) -> Result<u64, Flaw> {
        let kind = self.u32()?;
        let items = bounded(self.u64()?, ARRAY_ITEMS_MAX, "list items")?;
        let width = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            8 => {
                for _ in 0..items {
                    let length = bounded(self.u64()?, STRING_BYTES_MAX, "bytes of text")?;
                    self.skip(length)?;
                }
                return Ok(items);
            }
            other => return Err(Flaw::Shape(format!("a list has the unknown type {other}"))),
        };
        self.skip(items * width)?;
        Ok(items)
    }

    fn string(&mut self) -> Result<String, Flaw> {
        let length = bounded(self.u64()?, STRING_BYTES_MAX, "bytes of text")?;
        let mut bytes = Vec::new();
        let read = (&mut self.input).take(length).read_to_end(&mut bytes)? as u64;
        self.at += length;
        if read < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Flaw> {
        self.at += bytes;
        // `bounded` keeps every length far below i64's end.
        self.input.seek_relative(bytes as i64)?;
        Ok(())
    }

    fn u32(&mut self) -> Result<u32, Flaw> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64, Flaw> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let mut bytes = [0; N];
        self.at += N as u64;
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

fn bounded(count: u64, max: u64, what: &str) -> Result<u64, Flaw> {
    if count > max {
        return Err(Flaw::Shape(format!("it claims {count} {what}")));
    }
    Ok(count)
}

/// Items and bytes of a block of the commonest tensor types, by ggml's numbers.
fn block(kind: u32) -> (u64, u64) {
    match kind {
        0 | 26 => (1, 4),
        1 | 25 | 30 => (1, 2),
        24 => (1, 1),
        27 | 28 => (1, 8),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        20 => (32, 18),
        _ => (1, 0),
    }
}
