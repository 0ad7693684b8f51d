//! GGUF files of 32-bit floats, for tests and benches.

/// An entry: its key, its type's number, and its value as it lies in the file.
pub fn entry(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [&text(key)[..], &kind.to_le_bytes(), value].concat()
}

/// A string as it lies in the file.
pub fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

/// The file of these entries and tensors; of each its name, its sizes with the innermost first, and
/// its values.
pub fn file(entries: &[Vec<u8>], tensors: &[(&str, &[u64], &[f32])]) -> Vec<u8> {
    let mut bytes = [b"GGUF", &3u32.to_le_bytes()[..]].concat();
    bytes.extend((tensors.len() as u64).to_le_bytes());
    bytes.extend((entries.len() as u64).to_le_bytes());
    bytes.extend(entries.concat());
    let mut data = Vec::new();
    for (name, shape, values) in tensors {
        bytes.extend(text(name));
        bytes.extend((shape.len() as u32).to_le_bytes());
        shape.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
        bytes.extend(0u32.to_le_bytes());
        bytes.extend((data.len() as u64).to_le_bytes());
        values.iter().for_each(|value| data.extend(value.to_le_bytes()));
        data.resize(data.len().div_ceil(32) * 32, 0);
    }
    bytes.resize(bytes.len().div_ceil(32) * 32, 0);
    bytes.extend(data);
    bytes
}

/// A value between -1 and 1, the same everywhere: Numerical Recipes' generator.
pub fn noise(state: &mut u32) -> f32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    (*state as f32 / u32::MAX as f32 - 0.5) * 2.0
}
