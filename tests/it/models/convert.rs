//! CTranslate2 → whisper.cpp.

use half::f16;
use proptest::prelude::*;
use troupe::models::whisper_to_ggml;

use super::fixture::{Ct2File, F32, I8, MELS, STATE, TOKENIZER, sha256};

/// SHA-256 of the 80 × 201 little-endian floats in OpenAI's and whisper.cpp's published files.
const PUBLISHED_FILTERS: &str = "85818f156f7e189453901a515e4726d270d307f976e161cf9403e8caab405498";

fn convert(file: &Ct2File) -> Result<Vec<u8>, String> {
    convert_with(file, TOKENIZER)
}

fn convert_with(file: &Ct2File, tokenizer: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    whisper_to_ggml(&file.bytes(), tokenizer, &mut out).map_err(|e| e.to_string()).map(|()| out)
}

/// A second, independent reader of the layout.
struct Ggml {
    header: Vec<i32>,
    filters: Vec<u8>,
    tokens: Vec<Vec<u8>>,
    tensors: Vec<Tensor>,
}

#[derive(Debug, PartialEq)]
struct Tensor {
    name: String,
    shape: Vec<i32>,
    wide: bool,
    data: Vec<u8>,
}

impl Ggml {
    fn read(file: &[u8]) -> Self {
        let mut rest = file;
        let header: Vec<i32> = (0..14).map(|_| int(&mut rest)).collect();
        let filters = take(&mut rest, header[12] * header[13] * 4);
        let tokens = (0..int(&mut rest)).map(|_| {
            let length = int(&mut rest);
            take(&mut rest, length)
        });
        let tokens = tokens.collect();
        let mut tensors = Vec::new();
        while !rest.is_empty() {
            let (rank, name_length, narrow) = (int(&mut rest), int(&mut rest), int(&mut rest));
            let shape: Vec<i32> = (0..rank).map(|_| int(&mut rest)).collect();
            let name = String::from_utf8(take(&mut rest, name_length)).expect("a name");
            let count: i32 = shape.iter().product();
            let data = take(&mut rest, count * if narrow == 1 { 2 } else { 4 });
            tensors.push(Tensor { name, shape, wide: narrow == 0, data });
        }
        Self { header, filters, tokens, tensors }
    }

    fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.iter().find(|tensor| tensor.name == name).expect("the tensor")
    }
}

fn int(rest: &mut &[u8]) -> i32 {
    i32::from_le_bytes(take(rest, 4).try_into().expect("four bytes"))
}

fn take(rest: &mut &[u8], count: i32) -> Vec<u8> {
    let (head, tail) = rest.split_at(usize::try_from(count).expect("a count"));
    *rest = tail;
    head.to_vec()
}

fn narrow(values: std::ops::Range<u16>) -> Vec<u8> {
    values.flat_map(|v| f16::from_f32(f32::from(v)).to_le_bytes()).collect()
}

fn wide(values: std::ops::Range<u16>) -> Vec<u8> {
    values.flat_map(|v| f32::from(v).to_le_bytes()).collect()
}

#[test]
fn the_header_gives_the_sizes_of_the_model() {
    let ggml = Ggml::read(&convert(&Ct2File::whisper()).expect("a conversion"));
    let (state, mels) = (STATE as i32, MELS as i32);
    let sizes = [3, 6, state, 2, 1, 5, state, 2, 1, mels];
    assert_eq!(ggml.header[0], 0x6767_6d6c);
    assert_eq!(ggml.header[1..11], sizes);
    assert_eq!(ggml.header[11..], [1, mels, 201]);
}

#[test]
fn the_filters_are_the_published_ones_bit_for_bit() {
    let ggml = Ggml::read(&convert(&Ct2File::whisper()).expect("a conversion"));
    assert_eq!(sha256(&ggml.filters), PUBLISHED_FILTERS);
}

#[test]
fn tokens_are_decoded_to_bytes_in_the_order_of_their_ids() {
    let ggml = Ggml::read(&convert(&Ct2File::whisper()).expect("a conversion"));
    assert_eq!(ggml.tokens, [b"a".to_vec(), b" b".to_vec(), b"<|endoftext|>".to_vec()]);
}

#[test]
fn tensors_come_in_the_order_of_the_published_file() {
    let ggml = Ggml::read(&convert(&Ct2File::whisper()).expect("a conversion"));
    let names: Vec<&str> = ggml.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    insta::with_settings!({ snapshot_path => "../../snapshots" }, {
        insta::assert_snapshot!(names.join("\n"));
    });
}

#[test]
fn stacked_projections_are_taken_apart() {
    let ggml = Ggml::read(&convert(&Ct2File::whisper()).expect("a conversion"));
    let block = (STATE * STATE) as u16;
    let own = |role: &str| ggml.tensor(&format!("encoder.blocks.0.attn.{role}.weight"));
    let cross = |role: &str| ggml.tensor(&format!("decoder.blocks.0.cross_attn.{role}.weight"));
    for (tensor, index) in [
        (own("query"), 0),
        (own("key"), 1),
        (own("value"), 2),
        (own("out"), 0),
        (cross("query"), 0),
        (cross("key"), 0),
        (cross("value"), 1),
        (cross("out"), 0),
    ] {
        assert_eq!(tensor.data, narrow(index * block..(index + 1) * block), "{}", tensor.name);
        assert_eq!(tensor.shape, [STATE as i32, STATE as i32], "{}", tensor.name);
    }
    let bias = ggml.tensor("encoder.blocks.0.attn.value.bias");
    assert_eq!(bias.data, wide(2 * STATE as u16..3 * STATE as u16));
}

#[test]
fn what_is_added_is_widened_and_matrices_are_not() {
    let ggml = Ggml::read(&convert(&Ct2File::whisper()).expect("a conversion"));
    for tensor in &ggml.tensors {
        let added = tensor.shape.len() == 1
            || tensor.name.ends_with("positional_embedding")
            || tensor.name.ends_with(".bias");
        assert_eq!(tensor.wide, added, "{}", tensor.name);
    }
    assert_eq!(ggml.tensor("encoder.conv1.bias").shape, [1, STATE as i32]);
    assert_eq!(ggml.tensor("encoder.conv1.weight").shape, [3, MELS as i32, STATE as i32]);
}

#[test]
fn a_32_bit_model_gives_the_same_file() {
    let narrow = Ct2File::whisper();
    let mut wide = narrow.clone();
    for (_, _, element, data) in wide.variables.iter_mut().filter(|v| !v.1.is_empty()) {
        let (values, _) = data.as_chunks::<2>();
        *data = values.iter().flat_map(|v| f16::from_le_bytes(*v).to_f32().to_le_bytes()).collect();
        *element = F32;
    }
    assert_eq!(convert(&wide), convert(&narrow));
}

#[test]
fn what_cannot_be_converted_says_why() {
    let refuses = |change: &dyn Fn(&mut Ct2File), why: &str| {
        let mut file = Ct2File::whisper();
        change(&mut file);
        let error = convert(&file).expect_err(why);
        assert!(error.contains(why), "{error:?} does not say {why:?}");
    };
    refuses(&|f| f.version = 5, "layout version 5");
    refuses(&|f| f.spec = "TransformerSpec", "holds a `TransformerSpec`, not a Whisper");
    refuses(&|f| f.variables.truncate(3), "has no variable");
    refuses(&|f| f.find("encoder/layer_norm/beta").2 = 9, "the unknown type 9");
    refuses(&|f| f.find("encoder/layer_norm/beta").1 = vec![STATE; 9], "9 dimensions");
    refuses(&|f| f.find("encoder/layer_norm/beta").1 = vec![u32::MAX; 8], "for the shape");
    refuses(&|f| f.find("encoder/conv1/weight").1 = vec![STATE * MELS * 3], "only 1 dimensions");
    refuses(&|f| f.find("encoder/num_heads").2 = F32, "bytes for the shape");
    refuses(&|f| f.find("encoder/layer_0/self_attention/linear_0/bias").3.fill(1), "keys a bias");
    let odd = |f: &mut Ct2File| {
        let variable = f.find("encoder/layer_0/self_attention/linear_0/bias");
        (variable.1, variable.3) = (vec![4], vec![0; 8]);
    };
    refuses(&odd, "a multiple of 3");
    let quantised = |f: &mut Ct2File| {
        let variable = f.find("encoder/layer_norm/beta");
        (variable.2, variable.3) = (I8, vec![0; STATE as usize]);
    };
    refuses(&quantised, "is quantised");
    let mels = |f: &mut Ct2File| {
        let variable = f.find("encoder/conv1/weight");
        (variable.1, variable.3) = (vec![1, 1000, 1], vec![0; 2000]);
    };
    refuses(&mels, "1000 mel filters");
}

#[test]
fn a_tokenizer_that_cannot_be_used_says_why() {
    for (json, why) in [
        ("{", "EOF"),
        (r#"{"model": {"vocab": {"a": 0, "b": 2}}}"#, "ids have holes"),
        (r#"{"model": {"vocab": {"a": 4000000000}}}"#, "ids have holes"),
        (r#"{"model": {"vocab": {"日": 0}}}"#, "token 0 is not in the byte alphabet"),
    ] {
        let error = convert_with(&Ct2File::whisper(), json.as_bytes()).expect_err(why);
        assert!(error.contains(why), "{error:?} does not say {why:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_truncated_file_is_refused(keep in 0.0..1.0f64) {
        let whole = Ct2File::whisper().bytes();
        // Behind the last variable come only aliases, which are not read.
        let aliases_bytes = 4 + 2 * 28;
        let end = ((whole.len() - aliases_bytes) as f64 * keep) as usize;
        prop_assert!(whisper_to_ggml(&whole[..end], TOKENIZER, &mut Vec::new()).is_err());
    }

    #[test]
    fn a_changed_file_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut file = Ct2File::whisper().bytes();
        let at = at.index(file.len());
        file[at] = byte;
        let _ = whisper_to_ggml(&file, TOKENIZER, &mut Vec::new());
    }

    #[test]
    fn random_bytes_are_refused(tail in prop::collection::vec(any::<u8>(), 0..400)) {
        let start = Ct2File { variables: Vec::new(), ..Ct2File::whisper() }.bytes();
        let file = [&start[..22], &tail].concat();
        prop_assert!(whisper_to_ggml(&file, TOKENIZER, &mut Vec::new()).is_err());
        prop_assert!(whisper_to_ggml(&tail, TOKENIZER, &mut Vec::new()).is_err());
    }
}
