//! Writer for whisper.cpp's model file.
//!
//! Layout, little endian, all integers i32: magic, eleven dimensions, the mel filters (count, bins,
//! f32 values), the tokens (count, then length and bytes each), then tensor after tensor: rank,
//! name length, type (0 f32, 1 f16), dimensions reversed, name, data. Matrices keep 16 bits;
//! biases, norms and positions are widened, because the engine adds them in 32 bits. Names and
//! order are those of OpenAI's checkpoint, so that the result is the published file itself.

use std::io::Write;

use half::f16;

use super::convert::ConvertError;
use super::ct2::{Ct2, Element, Variable};
use crate::audio::mel;

const MAGIC: i32 = 0x6767_6d6c;
/// "Mostly 16 bits".
const FILE_TYPE_F16: i32 = 1;
/// Values converted at a time.
const CHUNK_VALUES: usize = 4096;

/// Writes `model`, a float Whisper, with its `tokens`.
///
/// Errors: a missing variable, quantised weights, or a failed write.
pub(crate) fn write(
    model: &Ct2<'_>,
    tokens: &[Vec<u8>],
    out: &mut dyn Write,
) -> Result<(), ConvertError> {
    let dims = Dims::of(model)?;
    int(out, MAGIC)?;
    for value in dims.header() {
        size(out, value)?;
    }
    int(out, FILE_TYPE_F16)?;
    filters(out, dims.mels)?;
    size(out, tokens.len())?;
    for token in tokens {
        size(out, token.len())?;
        out.write_all(token)?;
    }
    for tensor in Plan::of(model, &dims)?.tensors {
        tensor.write(out)?;
    }
    Ok(())
}

/// The sizes that whisper.cpp wants to know first.
struct Dims {
    vocabulary: usize,
    audio_context: usize,
    audio_state: usize,
    audio_heads: usize,
    audio_layers: usize,
    text_context: usize,
    text_state: usize,
    text_heads: usize,
    text_layers: usize,
    mels: usize,
}

impl Dims {
    fn of(model: &Ct2<'_>) -> Result<Self, ConvertError> {
        let side = |name: &str| -> Result<[usize; 4], ConvertError> {
            let positions = format!("{name}/position_encodings/encodings");
            let layers = (0..).take_while(|i| model.contains(&first_of_layer(name, *i))).count();
            let heads = scalar(model, &format!("{name}/num_heads"))?;
            Ok([axis(model, &positions, 0)?, axis(model, &positions, 1)?, heads, layers])
        };
        let [audio_context, audio_state, audio_heads, audio_layers] = side("encoder")?;
        let [text_context, text_state, text_heads, text_layers] = side("decoder")?;
        let vocabulary = axis(model, "decoder/embeddings/weight", 0)?;
        let mels = axis(model, "encoder/conv1/weight", 1)?;
        Ok(Self {
            vocabulary,
            audio_context,
            audio_state,
            audio_heads,
            audio_layers,
            text_context,
            text_state,
            text_heads,
            text_layers,
            mels,
        })
    }

    fn header(&self) -> [usize; 10] {
        [
            self.vocabulary,
            self.audio_context,
            self.audio_state,
            self.audio_heads,
            self.audio_layers,
            self.text_context,
            self.text_state,
            self.text_heads,
            self.text_layers,
            self.mels,
        ]
    }
}

fn first_of_layer(side: &str, index: usize) -> String {
    format!("{side}/layer_{index}/ffn/linear_0/weight")
}

fn axis(model: &Ct2<'_>, name: &str, index: usize) -> Result<usize, ConvertError> {
    let shape = &model.get(name)?.shape;
    let flat = || ConvertError::Ct2(format!("gives `{name}` only {} dimensions", shape.len()));
    shape.get(index).copied().ok_or_else(flat)
}

fn scalar(model: &Ct2<'_>, name: &str) -> Result<usize, ConvertError> {
    let variable = model.get(name)?;
    match (variable.element, variable.data) {
        (Element::I16, [low, high]) => Ok(usize::from(u16::from_le_bytes([*low, *high]))),
        _ => Err(ConvertError::Ct2(format!("holds no 16-bit number in `{name}`"))),
    }
}

/// One tensor of the file.
struct Tensor<'a> {
    name: String,
    source: Variable<'a>,
    /// Written as f32.
    wide: bool,
}

/// The tensors in the order of the file.
struct Plan<'m, 'a> {
    model: &'m Ct2<'a>,
    tensors: Vec<Tensor<'a>>,
}

impl<'m, 'a> Plan<'m, 'a> {
    fn of(model: &'m Ct2<'a>, dims: &Dims) -> Result<Self, ConvertError> {
        let mut plan = Plan { model, tensors: Vec::new() };
        plan.wide("decoder.positional_embedding", "decoder/position_encodings/encodings")?;
        plan.wide("encoder.positional_embedding", "encoder/position_encodings/encodings")?;
        plan.narrow("decoder.token_embedding.weight", "decoder/embeddings/weight")?;
        for i in 0..dims.text_layers {
            let (to, from) = (format!("decoder.blocks.{i}"), format!("decoder/layer_{i}"));
            plan.block(&to, &from)?;
            plan.norm(&format!("{to}.cross_attn_ln"), &format!("{from}/attention/layer_norm"))?;
            plan.cross_attention(&format!("{to}.cross_attn"), &format!("{from}/attention"))?;
        }
        plan.norm("decoder.ln", "decoder/layer_norm")?;
        plan.convolution("encoder.conv1", "encoder/conv1")?;
        plan.convolution("encoder.conv2", "encoder/conv2")?;
        for i in 0..dims.audio_layers {
            plan.block(&format!("encoder.blocks.{i}"), &format!("encoder/layer_{i}"))?;
        }
        plan.norm("encoder.ln_post", "encoder/layer_norm")?;
        Ok(plan)
    }

    fn block(&mut self, to: &str, from: &str) -> Result<(), ConvertError> {
        self.norm(&format!("{to}.mlp_ln"), &format!("{from}/ffn/layer_norm"))?;
        self.linear(&format!("{to}.mlp.0"), &format!("{from}/ffn/linear_0"))?;
        self.linear(&format!("{to}.mlp.2"), &format!("{from}/ffn/linear_1"))?;
        self.norm(&format!("{to}.attn_ln"), &format!("{from}/self_attention/layer_norm"))?;
        self.self_attention(&format!("{to}.attn"), &format!("{from}/self_attention"))
    }

    fn self_attention(&mut self, to: &str, from: &str) -> Result<(), ConvertError> {
        let stacked = format!("{from}/linear_0");
        self.projection(to, "query", &stacked, (0, 3))?;
        self.projection(to, "key", &stacked, (1, 3))?;
        self.projection(to, "value", &stacked, (2, 3))?;
        self.linear(&format!("{to}.out"), &format!("{from}/linear_1"))
    }

    fn cross_attention(&mut self, to: &str, from: &str) -> Result<(), ConvertError> {
        let stacked = format!("{from}/linear_1");
        self.projection(to, "query", &format!("{from}/linear_0"), (0, 1))?;
        self.projection(to, "key", &stacked, (0, 2))?;
        self.projection(to, "value", &stacked, (1, 2))?;
        self.linear(&format!("{to}.out"), &format!("{from}/linear_2"))
    }

    /// Part `index` of `count` of a stacked projection. A key has no bias here; CTranslate2 fills
    /// its place with zeros.
    fn projection(
        &mut self,
        to: &str,
        role: &str,
        from: &str,
        (index, count): (usize, usize),
    ) -> Result<(), ConvertError> {
        let weight = self.model.get(&format!("{from}/weight"))?.stack(index, count)?;
        let bias = self.model.get(&format!("{from}/bias"))?.stack(index, count)?;
        self.push(format!("{to}.{role}.weight"), weight, false);
        if role != "key" {
            self.push(format!("{to}.{role}.bias"), bias, true);
        } else if bias.data.iter().any(|byte| *byte != 0) {
            return Err(ConvertError::Ct2(format!("gives keys a bias in `{from}`")));
        }
        Ok(())
    }

    fn linear(&mut self, to: &str, from: &str) -> Result<(), ConvertError> {
        self.narrow(&format!("{to}.weight"), &format!("{from}/weight"))?;
        self.wide(&format!("{to}.bias"), &format!("{from}/bias"))
    }

    fn norm(&mut self, to: &str, from: &str) -> Result<(), ConvertError> {
        self.wide(&format!("{to}.weight"), &format!("{from}/gamma"))?;
        self.wide(&format!("{to}.bias"), &format!("{from}/beta"))
    }

    /// Like a linear layer, but the engine wants the bias as a column.
    fn convolution(&mut self, to: &str, from: &str) -> Result<(), ConvertError> {
        self.linear(to, from)?;
        if let Some(bias) = self.tensors.last_mut() {
            bias.source.shape.push(1);
        }
        Ok(())
    }

    fn narrow(&mut self, to: &str, from: &str) -> Result<(), ConvertError> {
        self.push(to.to_owned(), self.model.get(from)?.clone(), false);
        Ok(())
    }

    fn wide(&mut self, to: &str, from: &str) -> Result<(), ConvertError> {
        self.push(to.to_owned(), self.model.get(from)?.clone(), true);
        Ok(())
    }

    fn push(&mut self, name: String, source: Variable<'a>, wide: bool) {
        self.tensors.push(Tensor { name, source, wide });
    }
}

impl Tensor<'_> {
    fn write(&self, out: &mut dyn Write) -> Result<(), ConvertError> {
        size(out, self.source.shape.len())?;
        size(out, self.name.len())?;
        int(out, i32::from(!self.wide))?;
        for dimension in self.source.shape.iter().rev() {
            size(out, *dimension)?;
        }
        out.write_all(self.name.as_bytes())?;
        self.write_data(out)
    }

    fn write_data(&self, out: &mut dyn Write) -> Result<(), ConvertError> {
        let data = self.source.data;
        match (self.source.element, self.wide) {
            (Element::F16, false) | (Element::F32, true) => out.write_all(data)?,
            (Element::F16, true) => {
                mapped(out, data, |bytes: [u8; 2]| {
                    f16::from_le_bytes(bytes).to_f32().to_le_bytes()
                })?;
            }
            (Element::F32, false) => {
                mapped(out, data, |bytes| f16::from_f32(f32::from_le_bytes(bytes)).to_le_bytes())?;
            }
            (other, _) => {
                let name = &self.name;
                let message = format!("is quantised ({name} is {other:?}); floats are needed");
                return Err(ConvertError::Ct2(message));
            }
        }
        Ok(())
    }
}

/// Writes `data` with every value mapped, in chunks.
fn mapped<const IN: usize, const OUT: usize>(
    out: &mut dyn Write,
    data: &[u8],
    map: impl Fn([u8; IN]) -> [u8; OUT],
) -> std::io::Result<()> {
    let (values, _) = data.as_chunks::<IN>();
    values.chunks(CHUNK_VALUES).try_for_each(|chunk| {
        let bytes: Vec<u8> = chunk.iter().flat_map(|value| map(*value)).collect();
        out.write_all(&bytes)
    })
}

fn filters(out: &mut dyn Write, mels: usize) -> Result<(), ConvertError> {
    // No Whisper has more; and a count from a file must not size an allocation.
    if !(1..=128).contains(&mels) {
        return Err(ConvertError::Ct2(format!("wants {mels} mel filters, 80 or 128 are usual")));
    }
    size(out, mels)?;
    size(out, mel::BINS)?;
    let bytes: Vec<u8> = mel::slaney(mels).into_iter().flat_map(f32::to_le_bytes).collect();
    Ok(out.write_all(&bytes)?)
}

fn size(out: &mut dyn Write, value: usize) -> Result<(), ConvertError> {
    let too_large = |_| ConvertError::Ct2(format!("has a dimension of {value}"));
    int(out, i32::try_from(value).map_err(too_large)?)
}

fn int(out: &mut dyn Write, value: i32) -> Result<(), ConvertError> {
    Ok(out.write_all(&value.to_le_bytes())?)
}
