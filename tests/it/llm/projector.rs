//! Projectors of noise: small eyes with the right shapes and nothing learnt, and what of one is
//! refused before native code sees it.

use std::fs;
use std::path::Path;

use troupe::llm::adapter::noise::Noise;
use troupe::llm::gguf::{Gguf, write};
use troupe::llm::projector::check;

/// Values inside the eyes, and of their feed-forward layers.
const INNER: u64 = 32;
const FORWARD: u64 = 64;

pub(super) enum Value {
    Number(u32),
    Real(f32),
    Flag(bool),
    Text(String),
    Reals(Vec<f32>),
    Numbers(Vec<i32>),
}

pub(super) struct Tensor {
    name: String,
    /// The innermost first.
    shape: Vec<u64>,
    values: Vec<f32>,
}

/// A projector's file.
pub(super) struct Projector {
    pub entries: Vec<(String, Value)>,
    pub tensors: Vec<Tensor>,
    dice: u32,
}

impl Projector {
    /// Eyes for square pictures of `image` pixels, looked at in squares of `patch`.
    fn eyes(kind: &str, image: u32, patch: u32) -> Self {
        let mut file = Self { entries: Vec::new(), tensors: Vec::new(), dice: 7 };
        file.set("general.architecture", Value::Text("clip".to_owned()));
        file.set("clip.has_vision_encoder", Value::Flag(true));
        file.set("clip.projector_type", Value::Text(kind.to_owned()));
        file.set("clip.use_gelu", Value::Flag(true));
        file.set("clip.vision.attention.layer_norm_epsilon", Value::Real(1e-5));
        file.set("clip.vision.image_mean", Value::Reals(vec![0.5; 3]));
        file.set("clip.vision.image_std", Value::Reals(vec![0.5; 3]));
        for (key, number) in [
            ("embedding_length", INNER as u32),
            ("attention.head_count", 2),
            ("feed_forward_length", FORWARD as u32),
            ("block_count", 2),
            ("projection_dim", INNER as u32),
            ("image_size", image),
            ("patch_size", patch),
        ] {
            file.set(&format!("clip.vision.{key}"), Value::Number(number));
        }
        let places = u64::from(image / patch).pow(2);
        let side = u64::from(patch);
        file.noise("v.patch_embd.weight", &[side, side, 3, INNER], 0.2);
        file.noise("v.position_embd.weight", &[INNER, places], 0.2);
        for layer in 0..2 {
            for name in ["attn_q", "attn_k", "attn_v", "attn_out"] {
                file.noise(&format!("v.blk.{layer}.{name}.weight"), &[INNER, INNER], 0.3);
            }
            file.noise(&format!("v.blk.{layer}.ffn_up.weight"), &[INNER, FORWARD], 0.3);
            file.noise(&format!("v.blk.{layer}.ffn_down.weight"), &[FORWARD, INNER], 0.3);
            for name in ["ln1", "ln2"] {
                file.noise(&format!("v.blk.{layer}.{name}.weight"), &[INNER], 1.0);
                file.noise(&format!("v.blk.{layer}.{name}.bias"), &[INNER], 0.1);
            }
        }
        file
    }

    /// LLaVA's: sixteen positions a picture, and nothing else, for a model of so many values.
    pub(super) fn plain(width: u64) -> Self {
        let mut file = Self::eyes("mlp", 32, 8);
        file.noise("mm.0.weight", &[INNER, INNER], 0.4);
        file.noise("mm.0.bias", &[INNER], 0.2);
        file.noise("mm.2.weight", &[INNER, width], 0.4);
        file.noise("mm.2.bias", &[width], 0.2);
        file
    }

    /// LLaVA's with tiles: a picture is several, one behind the other.
    pub(super) fn tiled(width: u64) -> Self {
        let mut file = Self::plain(width);
        let sizes = vec![64, 32, 32, 64, 64, 64];
        file.set("clip.vision.image_grid_pinpoints", Value::Numbers(sizes));
        file
    }

    /// Gemma's: words before and behind four positions that all see each other.
    pub(super) fn wrapped(width: u64) -> Self {
        Self::pooled(width, 32, 8, 2)
    }

    /// As [`Self::wrapped`], and slow: sixteen thousand squares become four positions.
    #[cfg(feature = "llama")]
    pub(super) fn slow(width: u64) -> Self {
        Self::pooled(width, 512, 4, 64)
    }

    fn pooled(width: u64, image: u32, patch: u32, merged: u32) -> Self {
        let mut file = Self::eyes("gemma3", image, patch);
        file.set("clip.vision.projector.scale_factor", Value::Number(merged));
        file.noise("mm.soft_emb_norm.weight", &[INNER], 1.0);
        file.noise("mm.input_projection.weight", &[width, INNER], 0.3);
        file
    }

    /// Writes an entry, in place of one with this key.
    pub(super) fn set(&mut self, key: &str, value: Value) {
        self.entries.retain(|(known, _)| known != key);
        self.entries.push((key.to_owned(), value));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.entries.retain(|(known, _)| known != name);
        self.tensors.retain(|tensor| tensor.name != name);
    }

    /// Has the tensor begin with no number.
    #[cfg(feature = "llama")]
    pub(super) fn spoil(&mut self, name: &str) {
        let tensor = self.tensors.iter_mut().find(|tensor| tensor.name == name);
        tensor.unwrap().values[0] = f32::NAN;
    }

    /// A tensor with values of about `size`, the same in each run.
    fn noise(&mut self, name: &str, shape: &[u64], size: f32) {
        let next = |_| write::noise(&mut self.dice) * size;
        let values = (0..shape.iter().product::<u64>()).map(next).collect();
        self.tensors.push(Tensor { name: name.to_owned(), shape: shape.to_vec(), values });
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let list =
            |of: u32, items: usize| [&of.to_le_bytes()[..], &(items as u64).to_le_bytes()].concat();
        let entry = |(key, value): &(String, Value)| {
            let (kind, value) = match value {
                Value::Number(number) => (4, number.to_le_bytes().to_vec()),
                Value::Real(real) => (6, real.to_le_bytes().to_vec()),
                Value::Flag(flag) => (7, vec![u8::from(*flag)]),
                Value::Text(value) => (8, write::text(value)),
                Value::Reals(all) => {
                    let values = all.iter().flat_map(|real| real.to_le_bytes()).collect();
                    (9, [list(6, all.len()), values].concat())
                }
                Value::Numbers(all) => {
                    let values = all.iter().flat_map(|number| number.to_le_bytes()).collect();
                    (9, [list(5, all.len()), values].concat())
                }
            };
            write::entry(key, kind, &value)
        };
        let entries: Vec<_> = self.entries.iter().map(entry).collect();
        let tensors = self.tensors.iter();
        let tensors =
            tensors.map(|tensor| (tensor.name.as_str(), &tensor.shape[..], &tensor.values[..]));
        write::file(&entries, &tensors.collect::<Vec<_>>())
    }
}

/// A "model" of eight values.
fn model(folder: &Path) -> Gguf {
    let mut model = Projector { entries: Vec::new(), tensors: Vec::new(), dice: 7 };
    model.set("general.architecture", Value::Text("llama".to_owned()));
    model.set("llama.embedding_length", Value::Number(8));
    let path = folder.join("model.gguf");
    fs::write(&path, model.bytes()).unwrap();
    Gguf::open(&path).unwrap()
}

#[test]
fn a_projector_for_this_model_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    for file in [Projector::plain(8), Projector::tiled(8), Projector::wrapped(8)] {
        let path = folder.path().join("eyes.gguf");
        let bytes = file.bytes();
        fs::write(&path, &bytes).unwrap();
        assert_eq!(check(&path, &model).unwrap(), bytes.len() as u64);
    }
}

#[test]
fn a_foreign_or_broken_projector_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let changed = |key: &str, value: Value| {
        let mut file = Projector::plain(8);
        file.set(key, value);
        file.bytes()
    };
    let without = |name: &str| {
        let mut file = Projector::plain(8);
        file.remove(name);
        file.bytes()
    };
    let cases = [
        (Noise::new("llama").bytes(), "general.architecture is llama, not clip"),
        (changed("clip.has_vision_encoder", Value::Flag(false)), "it has no eyes"),
        (without("clip.has_vision_encoder"), "it has no eyes"),
        (without("clip.vision.patch_size"), "it has no clip.vision.patch_size"),
        (changed("clip.vision.image_size", Value::Number(0)), "no clip.vision.image_size"),
        (changed("clip.vision.attention.head_count", Value::Number(5)), "into 5 heads"),
        (changed("clip.vision.embedding_length", Value::Number(48)), "has not 48 values"),
        (without("clip.projector_type"), "it has no clip.projector_type"),
        (without("mm.2.weight"), "its mm.2.weight is missing"),
        (Projector::plain(9).bytes(), "it makes 9 values of a place, and the model takes 8"),
        (Projector::wrapped(16).bytes(), "it makes 16 values of a place, and the model takes 8"),
        (Projector::plain(8).bytes()[..3_000].to_vec(), "cut short"),
        (b"not a model at all".to_vec(), "no GGUF file"),
    ];
    for (bytes, expected) in cases {
        let path = folder.path().join("bad.gguf");
        fs::write(&path, bytes).unwrap();
        let error = check(&path, &model).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("bad.gguf"), "{expected}: {error}");
    }
    let missing = check(&folder.path().join("none.gguf"), &model).unwrap_err().to_string();
    assert!(missing.contains("none.gguf cannot be read"), "{missing}");
}
