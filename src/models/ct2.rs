//! Reader for CTranslate2 model files, as far as converting a float Whisper needs them.
//!
//! Layout, little endian: u32 version, string spec, u32 revision, u32 count of variables; each
//! variable: string name, u8 rank, u32 × rank shape, u8 element type, u32 byte count, data. A
//! string is a u16 length, which counts the closing NUL, and its bytes. Aliases follow; they only
//! name the output projection, which Whisper shares with its token embeddings.
//!
//! The file comes from outside, so every length is checked against what is left of it before use,
//! and nothing is allocated from a number in it.

use std::collections::BTreeMap;

use super::convert::ConvertError;

/// The only layout that was ever seen and tried.
const VERSION: u32 = 6;
/// More dimensions than any tensor of a transformer has.
const RANK_MAX: u8 = 8;

/// The variables of a model, borrowing its bytes.
#[derive(Debug)]
pub(crate) struct Ct2<'a> {
    /// Name of the architecture, `WhisperSpec` for Whisper.
    pub(crate) spec: &'a str,
    variables: BTreeMap<&'a str, Variable<'a>>,
}

/// One tensor, row-major; its data fits its shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable<'a> {
    pub(crate) shape: Vec<usize>,
    pub(crate) element: Element,
    /// Little endian.
    pub(crate) data: &'a [u8],
}

/// Type of a tensor's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    F32,
    I8,
    I16,
    I32,
    F16,
}

impl Element {
    fn size_bytes(self) -> usize {
        match self {
            Element::I8 => 1,
            Element::I16 | Element::F16 => 2,
            Element::I32 | Element::F32 => 4,
        }
    }
}

impl<'a> Ct2<'a> {
    /// Reads the variables; errors name the place that is wrong.
    pub(crate) fn parse(file: &'a [u8]) -> Result<Self, ConvertError> {
        let mut input = Input { rest: file, whole_bytes: file.len() };
        let version = input.u32()?;
        if version != VERSION {
            return Err(input.bad(format!("has layout version {version}, {VERSION} is known")));
        }
        let spec = input.string()?;
        let _revision = input.u32()?;
        let mut variables = BTreeMap::new();
        for _ in 0..input.u32()? {
            let name = input.string()?;
            variables.insert(name, input.variable(name)?);
        }
        Ok(Self { spec, variables })
    }

    /// The variable of that name, or an error that names it.
    pub(crate) fn get(&self, name: &str) -> Result<&Variable<'a>, ConvertError> {
        let missing = || ConvertError::Ct2(format!("has no variable `{name}`"));
        self.variables.get(name).ok_or_else(missing)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }
}

impl<'a> Variable<'a> {
    /// The `index`th of `count` equal stacks of rows.
    pub(crate) fn stack(&self, index: usize, count: usize) -> Result<Variable<'a>, ConvertError> {
        let rows = self.shape.first().copied().unwrap_or(0);
        if count == 0 || index >= count || !rows.is_multiple_of(count) {
            let message = format!("stacks {rows} rows where a multiple of {count} is needed");
            return Err(ConvertError::Ct2(message));
        }
        let mut shape = self.shape.clone();
        shape[0] = rows / count;
        let part_bytes = self.data.len() / count;
        let data = &self.data[index * part_bytes..(index + 1) * part_bytes];
        Ok(Variable { shape, element: self.element, data })
    }
}

struct Input<'a> {
    rest: &'a [u8],
    whole_bytes: usize,
}

impl<'a> Input<'a> {
    fn bad(&self, what: String) -> ConvertError {
        let at = self.whole_bytes - self.rest.len();
        ConvertError::Ct2(format!("{what} (at byte {at})"))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], ConvertError> {
        let Some((head, tail)) = self.rest.split_at_checked(count) else {
            let left = self.rest.len();
            return Err(self.bad(format!("ends early: {count} bytes needed, {left} left")));
        };
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ConvertError> {
        let bytes = self.take(N)?;
        Ok(bytes.try_into().expect("take gives exactly N bytes"))
    }

    fn u8(&mut self) -> Result<u8, ConvertError> {
        self.array().map(u8::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, ConvertError> {
        self.array().map(u32::from_le_bytes)
    }

    fn string(&mut self) -> Result<&'a str, ConvertError> {
        let length = u16::from_le_bytes(self.array()?);
        let bytes = self.take(usize::from(length))?;
        let text = bytes.strip_suffix(&[0]).map(std::str::from_utf8);
        text.and_then(Result::ok).ok_or_else(|| self.bad("holds a string that is none".to_owned()))
    }

    fn variable(&mut self, name: &str) -> Result<Variable<'a>, ConvertError> {
        let rank = self.u8()?;
        if rank > RANK_MAX {
            return Err(self.bad(format!("gives `{name}` {rank} dimensions")));
        }
        let mut shape = Vec::with_capacity(usize::from(rank));
        for _ in 0..rank {
            shape.push(self.u32()? as usize);
        }
        let element = match self.u8()? {
            0 => Element::F32,
            1 => Element::I8,
            2 => Element::I16,
            3 => Element::I32,
            4 => Element::F16,
            other => return Err(self.bad(format!("gives `{name}` the unknown type {other}"))),
        };
        let size_bytes = self.u32()? as usize;
        let product = shape.iter().try_fold(element.size_bytes(), |all, n| all.checked_mul(*n));
        if product != Some(size_bytes) {
            let message = format!("gives `{name}` {size_bytes} bytes for the shape {shape:?}");
            return Err(self.bad(message));
        }
        Ok(Variable { shape, element, data: self.take(size_bytes)? })
    }
}
