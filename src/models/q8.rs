//! A GGUF model's 4-bit weights, widened to 8 bits.
//!
//! llama.cpp multiplies a prompt by 8-bit weights (`Q8_0`) twice as fast as by 4-bit ones with an
//! offset (`Q4_1`): it has faster code for them. The values stay what they are but for a rounding
//! of less than a hundredth. Layout of the file: `crate::llm::gguf` has it.
//!
//! A block has 32 values. `Q4_1`: scale and offset as 16-bit floats, then 16 bytes, the low halves
//! before the high ones. `Q8_0`: a scale as a 16-bit float, then 32 signed bytes.

use std::io::{self, Write};

use half::f16;

const Q4_1: u32 = 3;
const Q8_0: u32 = 8;
/// The number of "mostly Q8_0" among llama.cpp's kinds of files.
const FILE_TYPE_Q8_0: u32 = 7;
const VALUES: usize = 32;
const Q4_1_BYTES: usize = 20;
const Q8_0_BYTES: usize = 34;
/// Where a tensor's data begins, counted from where all data begins.
const ALIGNMENT: usize = 32;
/// More dimensions than any tensor of a language model has.
const RANK_MAX: u32 = 4;

/// Writes the model `gguf` with its `Q4_1` tensors as `Q8_0`. The same input gives the same bytes.
///
/// # Errors
/// When it is no whole GGUF file of version 3, or cannot be written.
pub(super) fn gguf_to_q8(gguf: &[u8], out: &mut dyn Write) -> io::Result<()> {
    let mut reader = Reader { bytes: gguf, at: 0 };
    if reader.take(8)? != b"GGUF\x03\0\0\0" {
        return Err(broken("does not begin as version 3 does"));
    }
    let (tensors, entries) = (reader.u64()?, reader.u64()?);
    let file_type_at = (0..entries).try_fold(None, |found, _| {
        let key = reader.text()?;
        let kind = reader.u32()?;
        let at = (key == b"general.file_type").then_some(reader.at);
        reader.skip_value(kind)?;
        Ok::<_, io::Error>(at.or(found))
    })?;
    let entries_end = reader.at;
    let tensors = (0..tensors).map(|_| reader.tensor()).collect::<Result<Vec<_>, _>>()?;
    let data = reader.at.next_multiple_of(ALIGNMENT);

    let mut head = gguf[..entries_end].to_vec();
    if let Some(file_type) = file_type_at.and_then(|at| head.get_mut(at..at + 4)) {
        file_type.copy_from_slice(&FILE_TYPE_Q8_0.to_le_bytes());
    }
    let mut offset = 0;
    for tensor in &tensors {
        tensor.describe(offset, &mut head);
        offset += tensor.written_bytes().next_multiple_of(ALIGNMENT);
    }
    pad(&mut head);
    out.write_all(&head)?;
    for tensor in &tensors {
        let from = data.checked_add(tensor.offset).ok_or_else(cut_short)?;
        let bytes = gguf.get(from..).and_then(|rest| rest.get(..tensor.bytes));
        let bytes = bytes.ok_or_else(cut_short)?;
        let mut written = tensor.convert(bytes);
        pad(&mut written);
        out.write_all(&written)?;
    }
    Ok(())
}

struct Tensor<'a> {
    name: &'a [u8],
    shape: Vec<u64>,
    kind: u32,
    offset: usize,
    /// Of its data.
    bytes: usize,
}

impl Tensor<'_> {
    fn written_bytes(&self) -> usize {
        if self.kind == Q4_1 { self.bytes / Q4_1_BYTES * Q8_0_BYTES } else { self.bytes }
    }

    fn describe(&self, offset: usize, to: &mut Vec<u8>) {
        to.extend((self.name.len() as u64).to_le_bytes());
        to.extend(self.name);
        to.extend((self.shape.len() as u32).to_le_bytes());
        self.shape.iter().for_each(|size| to.extend(size.to_le_bytes()));
        let kind = if self.kind == Q4_1 { Q8_0 } else { self.kind };
        to.extend(kind.to_le_bytes());
        to.extend((offset as u64).to_le_bytes());
    }

    fn convert(&self, bytes: &[u8]) -> Vec<u8> {
        if self.kind != Q4_1 {
            return bytes.to_vec();
        }
        let mut written = Vec::with_capacity(self.written_bytes() + ALIGNMENT);
        for block in bytes.chunks_exact(Q4_1_BYTES) {
            narrow(&widen(block), &mut written);
        }
        written
    }
}

/// The values of a `Q4_1` block.
fn widen(block: &[u8]) -> [f32; VALUES] {
    let float = |at: usize| f16::from_le_bytes([block[at], block[at + 1]]).to_f32();
    let (scale, offset) = (float(0), float(2));
    let mut values = [0.0; VALUES];
    for (at, byte) in block[4..].iter().enumerate() {
        values[at] = f32::from(byte & 0xf) * scale + offset;
        values[at + VALUES / 2] = f32::from(byte >> 4) * scale + offset;
    }
    values
}

/// Appends a `Q8_0` block.
fn narrow(values: &[f32; VALUES], to: &mut Vec<u8>) {
    let most = values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    let scale = most / 127.0;
    to.extend(f16::from_f32(scale).to_le_bytes());
    let steps = |value: &f32| if scale == 0.0 { 0 } else { (value / scale).round() as i8 };
    to.extend(values.iter().map(|value| steps(value) as u8));
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the model {why}"))
}

fn cut_short() -> io::Error {
    broken("is cut short")
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> io::Result<&'a [u8]> {
        let end = self.at.checked_add(count).ok_or_else(cut_short)?;
        let taken = self.bytes.get(self.at..end).ok_or_else(cut_short)?;
        self.at = end;
        Ok(taken)
    }

    fn u32(&mut self) -> io::Result<u32> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn u64(&mut self) -> io::Result<u64> {
        let (low, high) = (self.u32()?, self.u32()?);
        Ok(u64::from(low) | u64::from(high) << 32)
    }

    fn text(&mut self) -> io::Result<&'a [u8]> {
        let length = self.u64()?;
        self.take(usize::try_from(length).map_err(|_| cut_short())?)
    }

    fn skip_value(&mut self, kind: u32) -> io::Result<()> {
        match kind {
            8 => drop(self.text()?),
            9 => {
                let (kind, items) = (self.u32()?, self.u64()?);
                // Lists of lists are not made by anybody.
                if kind == 9 {
                    return Err(broken("has a list of lists"));
                }
                (0..items).try_for_each(|_| self.skip_value(kind))?;
            }
            _ => {
                let bytes = match kind {
                    0 | 1 | 7 => 1,
                    2 | 3 => 2,
                    4..=6 => 4,
                    10..=12 => 8,
                    _ => return Err(broken("has a value of an unknown type")),
                };
                self.take(bytes)?;
            }
        }
        Ok(())
    }

    fn tensor(&mut self) -> io::Result<Tensor<'a>> {
        let name = self.text()?;
        let rank = self.u32()?;
        if rank > RANK_MAX {
            return Err(broken("has a tensor of too many dimensions"));
        }
        let shape = (0..rank).map(|_| self.u64()).collect::<Result<Vec<_>, _>>()?;
        let kind = self.u32()?;
        let (values, bytes) = match kind {
            0 => (1, 4),
            1 => (1, 2),
            Q4_1 => (VALUES, Q4_1_BYTES),
            Q8_0 => (VALUES, Q8_0_BYTES),
            _ => return Err(broken("has weights of another form than Q4_1")),
        };
        let items = shape.iter().try_fold(1u64, |items, &size| items.checked_mul(size));
        let items = items.and_then(|items| usize::try_from(items).ok()).ok_or_else(cut_short)?;
        let bytes = (items / values).checked_mul(bytes).ok_or_else(cut_short)?;
        let offset = usize::try_from(self.u64()?).map_err(|_| cut_short())?;
        Ok(Tensor { name, shape, kind, offset, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
    }

    /// A file with one 4-bit tensor of a block, and one of two 32-bit floats.
    fn file() -> Vec<u8> {
        let number = |value: u64| value.to_le_bytes().to_vec();
        let kind = |value: u32| value.to_le_bytes().to_vec();
        let mut bytes = [b"GGUF".to_vec(), kind(3), number(2), number(2)].concat();
        bytes.extend([text("general.file_type"), kind(4), kind(3)].concat());
        bytes.extend([text("words"), kind(9), kind(8), number(1), text("a")].concat());
        bytes.extend([text("w"), kind(1), number(32), kind(Q4_1), number(0)].concat());
        bytes.extend([text("n"), kind(1), number(2), kind(0), number(32)].concat());
        pad(&mut bytes);
        bytes.extend(f16::from_f32(0.5).to_le_bytes());
        bytes.extend(f16::from_f32(-4.0).to_le_bytes());
        bytes.extend((0..16).map(|value| value | (15 - value) << 4));
        pad(&mut bytes);
        bytes.extend([1.5_f32.to_le_bytes(), (-2.0_f32).to_le_bytes()].concat());
        pad(&mut bytes);
        bytes
    }

    #[test]
    fn the_values_stay_and_the_rest_of_the_file_too() {
        let mut made = Vec::new();
        gguf_to_q8(&file(), &mut made).expect("a whole file");
        let tail = made.len() - 64 - 32;
        let block = &made[tail..tail + Q8_0_BYTES];
        let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
        for at in 0..16 {
            let value = |at: usize| f32::from(block[2 + at] as i8) * scale;
            let expected = at as f32 * 0.5 - 4.0;
            assert!((value(at) - expected).abs() < 0.02, "{at}: {}", value(at));
            assert!((value(31 - at) - expected).abs() < 0.02, "{at}: {}", value(31 - at));
        }
        assert_eq!(made[tail + 64..tail + 72], file()[file().len() - 32..][..8]);
        let mut reader = Reader { bytes: &made, at: 24 };
        assert_eq!(reader.text().expect("a key"), b"general.file_type");
        assert_eq!((reader.u32().expect("a kind"), reader.u32().expect("a number")), (4, 7));
    }

    #[test]
    fn a_file_cut_anywhere_is_refused() {
        let whole = file();
        // Behind the last value is only padding.
        for length in 0..whole.len() - 24 {
            assert!(gguf_to_q8(&whole[..length], &mut Vec::new()).is_err(), "{length} bytes");
        }
    }
}
