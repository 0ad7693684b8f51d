//! Projectors of noise: small eyes and ears with the right shapes and nothing learnt, and what of
//! one is refused before native code sees it.

use std::fs;
use std::path::Path;

use troupe::llm::Senses;
use troupe::llm::adapter::noise::Noise;
use troupe::llm::gguf::{Gguf, write};
use troupe::llm::projector::{Fit, check, senses};

/// Values inside the eyes and ears, and of their feed-forward layers.
const INNER: u64 = 32;
const FORWARD: u64 = 64;
/// Bands of Whisper's spectrum, and what its encoder makes of 30 seconds.
const BANDS: u64 = 16;
const FRAMES: u64 = 1_500;
/// Of these, so many become a position.
const STACKED: u64 = 100;
/// Samples that Gemma makes a position of: 40 ms.
pub(super) const GEMMA_SAMPLES: u64 = 640;

pub(super) enum Value {
    Number(u32),
    Real(f32),
    Flag(bool),
    Text(String),
    Reals(Vec<f32>),
    Numbers(Vec<i32>),
    #[cfg(feature = "llama")]
    Texts(Vec<String>),
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
    /// A file with nothing in it.
    pub(super) fn empty() -> Self {
        Self { entries: Vec::new(), tensors: Vec::new(), dice: 7 }
    }

    fn new(kind: &str) -> Self {
        let mut file = Self::empty();
        file.set("general.architecture", Value::Text("clip".to_owned()));
        file.set("clip.projector_type", Value::Text(kind.to_owned()));
        file.set("clip.use_gelu", Value::Flag(true));
        file
    }

    /// Eyes for square pictures of `image` pixels, looked at in squares of `patch`.
    fn eyes(kind: &str, image: u32, patch: u32) -> Self {
        let mut file = Self::new(kind);
        file.set("clip.has_vision_encoder", Value::Flag(true));
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
        (0..2).for_each(|layer| file.layer(&format!("v.blk.{layer}")));
        file
    }

    fn layer(&mut self, at: &str) {
        for name in ["attn_q", "attn_k", "attn_v", "attn_out"] {
            self.noise(&format!("{at}.{name}.weight"), &[INNER, INNER], 0.3);
        }
        self.noise(&format!("{at}.ffn_up.weight"), &[INNER, FORWARD], 0.3);
        self.noise(&format!("{at}.ffn_down.weight"), &[FORWARD, INNER], 0.3);
        for name in ["ln1", "ln2"] {
            self.noise(&format!("{at}.{name}.weight"), &[INNER], 1.0);
            self.noise(&format!("{at}.{name}.bias"), &[INNER], 0.1);
        }
    }

    /// Ultravox's ears, with Whisper's encoder: fifteen positions a sound, however long.
    pub(super) fn ears(width: u64) -> Self {
        let mut file = Self::new("ultravox");
        file.add_ears(width, 2);
        file
    }

    /// As [`Self::ears`], and slow.
    #[cfg(feature = "llama")]
    pub(super) fn slow_ears(width: u64) -> Self {
        let mut file = Self::new("ultravox");
        file.add_ears(width, 48);
        file
    }

    /// LLaVA's eyes and Ultravox's ears.
    pub(super) fn both(width: u64) -> Self {
        let mut file = Self::plain(width);
        file.split("mlp", "ultravox");
        file.add_ears(width, 2);
        file
    }

    /// Gemma's eyes, whose positions all see each other, and ears, whose positions do not: one for
    /// each 40 ms of a sound, and words around.
    pub(super) fn gemma(width: u64) -> Self {
        let mut file = Self::wrapped(width);
        file.split("gemma3", "gemma4ua");
        file.audio(1, GEMMA_SAMPLES);
        file.noise("mm.a.input_projection.weight", &[GEMMA_SAMPLES, width], 0.2);
        file
    }

    /// Has a type for each sense.
    fn split(&mut self, eyes: &str, ears: &str) {
        self.remove("clip.projector_type");
        for (sense, kind) in [("vision", eyes), ("audio", ears)] {
            self.set(&format!("clip.{sense}.projector_type"), Value::Text(kind.to_owned()));
        }
    }

    fn audio(&mut self, layers: u32, bands: u64) {
        self.set("clip.has_audio_encoder", Value::Flag(true));
        self.set("clip.audio.attention.layer_norm_epsilon", Value::Real(1e-5));
        for (key, number) in [
            ("embedding_length", INNER as u32),
            ("attention.head_count", 2),
            ("feed_forward_length", FORWARD as u32),
            ("block_count", layers),
            ("projection_dim", INNER as u32),
            ("num_mel_bins", bands as u32),
        ] {
            self.set(&format!("clip.audio.{key}"), Value::Number(number));
        }
        for layer in 0..layers {
            self.layer(&format!("a.blk.{layer}"));
            for name in ["attn_q", "attn_v"] {
                self.noise(&format!("a.blk.{layer}.{name}.bias"), &[INNER], 0.1);
            }
        }
    }

    fn add_ears(&mut self, width: u64, layers: u32) {
        self.audio(layers, BANDS);
        self.set("clip.audio.projector.stack_factor", Value::Number(STACKED as u32));
        self.noise("a.conv1d.1.weight", &[3, BANDS, INNER], 0.4);
        self.noise("a.conv1d.2.weight", &[3, INNER, INNER], 0.3);
        self.noise("a.conv1d.1.bias", &[1, INNER], 0.1);
        self.noise("a.conv1d.2.bias", &[1, INNER], 0.1);
        self.noise("a.position_embd.weight", &[INNER, FRAMES], 0.2);
        self.noise("mm.a.norm_pre.weight", &[INNER * STACKED], 1.0);
        self.noise("mm.a.mlp.1.weight", &[INNER * STACKED, 2 * FORWARD], 0.05);
        self.noise("mm.a.norm_mid.weight", &[FORWARD], 1.0);
        self.noise("mm.a.mlp.2.weight", &[FORWARD, width], 0.3);
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
    pub(super) fn noise(&mut self, name: &str, shape: &[u64], size: f32) {
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
                #[cfg(feature = "llama")]
                Value::Texts(all) => {
                    let values = all.iter().flat_map(|one| write::text(one)).collect();
                    (9, [list(8, all.len()), values].concat())
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
    let mut model = Projector::empty();
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
    let eyes = Senses { sees: true, hears: false };
    let ears = Senses { sees: false, hears: true };
    let both = Senses { sees: true, hears: true };
    for (file, takes) in [
        (Projector::plain(8), eyes),
        (Projector::tiled(8), eyes),
        (Projector::wrapped(8), eyes),
        (Projector::ears(8), ears),
        (Projector::both(8), both),
        (Projector::gemma(8), both),
    ] {
        let path = folder.path().join("eyes.gguf");
        let bytes = file.bytes();
        fs::write(&path, &bytes).unwrap();
        let fit = check(&path, &model).unwrap();
        assert_eq!(fit, Fit { bytes: bytes.len() as u64, senses: takes });
        assert_eq!(senses(&path).unwrap(), takes);
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
    let deaf = |key: &str, value: Value| {
        let mut file = Projector::ears(8);
        file.set(key, value);
        file.bytes()
    };
    let mut gemma = Projector::both(8);
    gemma.set("clip.vision.projector_type", Value::Text("gemma3nv".to_owned()));
    gemma.set("clip.has_vision_encoder", Value::Flag(false));
    let mut torn = Projector::both(8);
    torn.remove("mm.a.mlp.2.weight");
    let cases = [
        (Noise::new("llama").bytes(), "general.architecture is llama, not clip"),
        (changed("clip.has_vision_encoder", Value::Flag(false)), "no eyes"),
        (deaf("clip.has_audio_encoder", Value::Flag(false)), "and no ears"),
        (gemma.bytes(), "and no ears"),
        (torn.bytes(), "its mm.a.mlp.2.weight is missing"),
        (deaf("clip.audio.num_mel_bins", Value::Number(0)), "no clip.audio.num_mel_bins"),
        (deaf("clip.audio.attention.head_count", Value::Number(5)), "into 5 heads"),
        (deaf("clip.audio.embedding_length", Value::Number(48)), "has not 48 values"),
        (Projector::ears(9).bytes(), "it makes 9 values of a place, and the model takes 8"),
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
