//! Takes the quantisation of activations out of an ONNX graph.
//!
//! Smart Turn's graph rounds every activation to 8 bits between layers. Its answer jumps by that:
//! noise of 1e-5 on its input moves the probability by up to 0.57, and no two runtimes agree.
//! Without the rounding the same noise moves it by 0.06 at most, runtimes agree, and turns are told
//! from pauses better. The weights stay as they are, in 8 bits.
//!
//! ONNX is protocol buffers. Only what is needed is read: the model's graph, the graph's nodes,
//! and of a node its inputs, output and operator. Everything else is copied.

use std::collections::{HashMap, HashSet};

/// Field numbers of ONNX's messages.
const MODEL_GRAPH: u64 = 7;
const GRAPH_NODE: u64 = 1;
const NODE_INPUT: u64 = 1;
const NODE_OUTPUT: u64 = 2;
const NODE_OPERATOR: u64 = 4;

/// The wire type of strings and messages.
const WIRE_BYTES: u64 = 2;

type Broken = &'static str;
const TORN: Broken = "the file is torn";

/// One field of a message.
#[derive(Clone, Copy)]
struct Field<'a> {
    number: u64,
    wire: u64,
    /// Strings and messages: what is in them.
    content: &'a [u8],
    /// All of it, with its key.
    whole: &'a [u8],
}

/// The model without the rounding of activations.
///
/// # Errors
/// In one clause, when the bytes are no ONNX model, or when a rounded value is used as it is.
pub(super) fn without_rounding(model: &[u8]) -> Result<Vec<u8>, Broken> {
    let mut out = Vec::with_capacity(model.len());
    let mut graphs = 0;
    for field in fields(model)? {
        if field.number == MODEL_GRAPH && field.wire == WIRE_BYTES {
            graphs += 1;
            put(&mut out, MODEL_GRAPH, &graph_without_rounding(field.content)?);
        } else {
            out.extend(field.whole);
        }
    }
    if graphs == 1 { Ok(out) } else { Err("it has no graph") }
}

fn graph_without_rounding(graph: &[u8]) -> Result<Vec<u8>, Broken> {
    let fields = fields(graph)?;
    let is_node = |field: &Field| field.number == GRAPH_NODE && field.wire == WIRE_BYTES;
    let nodes = fields.iter().filter(|field| is_node(field)).map(|field| Node::read(field.content));
    let nodes: Vec<Node> = nodes.collect::<Result<_, _>>()?;

    // The rounded value's name, and what it is made of.
    let rounded: HashMap<&[u8], &[u8]> = nodes
        .iter()
        .filter(|node| node.operator == b"QuantizeLinear")
        .filter_map(|node| Some((node.output, *node.inputs.first()?)))
        .collect();
    // What comes of it again, and what is to stand in its place.
    let restored: HashMap<&[u8], &[u8]> = nodes
        .iter()
        .filter(|node| node.operator == b"DequantizeLinear")
        .filter_map(|node| Some((node.output, *rounded.get(node.inputs.first()?)?)))
        .collect();

    let mut out = Vec::with_capacity(graph.len());
    let mut used = HashSet::new();
    let mut nodes = nodes.into_iter();
    for field in &fields {
        let Some(node) = is_node(field).then(|| nodes.next()).flatten() else {
            out.extend(field.whole);
            continue;
        };
        if rounded.contains_key(node.output) || restored.contains_key(node.output) {
            continue;
        }
        let mut kept = Vec::with_capacity(field.content.len());
        for part in self::fields(field.content)? {
            if part.number == NODE_INPUT && part.wire == WIRE_BYTES {
                let input = origin(part.content, &restored);
                used.insert(input);
                put(&mut kept, NODE_INPUT, input);
            } else {
                kept.extend(part.whole);
            }
        }
        put(&mut out, GRAPH_NODE, &kept);
    }
    if used.iter().any(|input| rounded.contains_key(input)) {
        return Err("a rounded value is used as it is");
    }
    Ok(out)
}

/// What a value was before all its rounding.
fn origin<'a>(mut value: &'a [u8], restored: &HashMap<&'a [u8], &'a [u8]>) -> &'a [u8] {
    // A value is made of earlier ones, so this ends; a damaged graph may have a circle.
    for _ in 0..=restored.len() {
        match restored.get(value) {
            Some(earlier) => value = earlier,
            None => break,
        }
    }
    value
}

struct Node<'a> {
    inputs: Vec<&'a [u8]>,
    output: &'a [u8],
    operator: &'a [u8],
}

impl<'a> Node<'a> {
    fn read(node: &'a [u8]) -> Result<Self, Broken> {
        let mut read = Self { inputs: Vec::new(), output: b"", operator: b"" };
        for field in fields(node)?.into_iter().filter(|field| field.wire == WIRE_BYTES) {
            match field.number {
                NODE_INPUT => read.inputs.push(field.content),
                NODE_OUTPUT => read.output = field.content,
                NODE_OPERATOR => read.operator = field.content,
                _ => {}
            }
        }
        Ok(read)
    }
}

fn fields(mut message: &[u8]) -> Result<Vec<Field<'_>>, Broken> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let (key, after_key) = varint(message)?;
        let (number, wire) = (key >> 3, key & 7);
        let (content, rest) = match wire {
            0 => (&after_key[..0], varint(after_key)?.1),
            1 => after_key.split_at_checked(8).ok_or(TORN)?,
            WIRE_BYTES => {
                let (length, content) = varint(after_key)?;
                let length = usize::try_from(length).map_err(|_| TORN)?;
                content.split_at_checked(length).ok_or(TORN)?
            }
            5 => after_key.split_at_checked(4).ok_or(TORN)?,
            _ => return Err("it is no ONNX model"),
        };
        let whole = &message[..message.len() - rest.len()];
        fields.push(Field { number, wire, content, whole });
        message = rest;
    }
    Ok(fields)
}

/// A number in groups of seven bits, the lowest first.
fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), Broken> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index).min(63);
        if byte & 0x80 == 0 {
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(TORN)
}

/// Writes a string or a message.
fn put(out: &mut Vec<u8>, number: u64, content: &[u8]) {
    for mut value in [number << 3 | WIRE_BYTES, content.len() as u64] {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }
    out.extend(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
        let mut node = Vec::new();
        for input in inputs {
            put(&mut node, NODE_INPUT, input.as_bytes());
        }
        put(&mut node, NODE_OUTPUT, output.as_bytes());
        put(&mut node, NODE_OPERATOR, operator.as_bytes());
        node
    }

    /// A model with a version before its graph, and a weight's name behind its nodes.
    fn model(nodes: &[Vec<u8>]) -> Vec<u8> {
        let mut graph = Vec::new();
        for node in nodes {
            put(&mut graph, GRAPH_NODE, node);
        }
        put(&mut graph, 5, &[b'w'; 300]);
        let mut model = vec![0x08, 0x0a];
        put(&mut model, MODEL_GRAPH, &graph);
        model
    }

    #[test]
    fn rounded_activations_are_passed_on_as_they_were() {
        let rounded = model(&[
            node("QuantizeLinear", &["x", "s", "z"], "x8"),
            node("DequantizeLinear", &["x8", "s", "z"], "xr"),
            node("DequantizeLinear", &["w8", "s", "z"], "w"),
            node("MatMul", &["xr", "w"], "y"),
            node("QuantizeLinear", &["y", "s", "z"], "y8"),
            node("DequantizeLinear", &["y8", "s", "z"], "yr"),
            node("QuantizeLinear", &["yr", "s", "z"], "y8b"),
            node("DequantizeLinear", &["y8b", "s", "z"], "yrr"),
            node("Add", &["yrr", "xr"], "out"),
        ]);
        let plain = model(&[
            node("DequantizeLinear", &["w8", "s", "z"], "w"),
            node("MatMul", &["x", "w"], "y"),
            node("Add", &["y", "x"], "out"),
        ]);
        assert_eq!(without_rounding(&rounded), Ok(plain.clone()));
        assert_eq!(without_rounding(&plain), Ok(plain));
    }

    #[test]
    fn what_cannot_be_taken_out_is_an_error() {
        let used = model(&[
            node("QuantizeLinear", &["x", "s", "z"], "x8"),
            node("MatMulInteger", &["x8", "w8"], "y"),
        ]);
        assert_eq!(without_rounding(&used), Err("a rounded value is used as it is"));
    }

    #[test]
    fn other_bytes_are_errors_and_no_crash() {
        assert_eq!(without_rounding(b""), Err("it has no graph"));
        assert!(without_rounding(b"no network").is_err());
        let whole = model(&[node("Add", &["a", "b"], "c")]);
        for length in 0..whole.len() {
            assert!(without_rounding(&whole[..length]).is_err(), "{length}");
        }
        let circle = model(&[
            node("QuantizeLinear", &["b", "s", "z"], "a"),
            node("DequantizeLinear", &["a", "s", "z"], "b"),
            node("Add", &["b", "b"], "c"),
        ]);
        assert!(without_rounding(&circle).is_ok());
    }
}
