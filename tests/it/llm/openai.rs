//! The engine elsewhere, against a server that answers by programme.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use troupe::id::PersonaId;
use troupe::llm::openai::{Key, OpenAiEngine, Options, Policy, Server};
use troupe::llm::{Engine, EngineError, Event, Finish, Message, Question, Request, Role, Sampling};
use troupe::time::Clock;

/// What the server does with one call.
#[derive(Clone)]
enum Act {
    /// Sends these pieces of a stream, and closes.
    Stream(Vec<String>),
    /// Sends these, and waits until the client goes.
    Hang(Vec<String>),
    /// Answers with a status and a body.
    Refuse(u16, &'static str),
    /// Answers in one piece.
    Say(&'static str),
}

struct Double {
    url: String,
    /// The calls' heads and bodies.
    asked: Arc<Mutex<Vec<String>>>,
    /// A client went away in the middle of an answer.
    gone: mpsc::Receiver<()>,
}

/// A server that does these things, one for each call.
async fn server(acts: Vec<Act>) -> Double {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (went, gone) = mpsc::channel(8);
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        for act in acts {
            let (mut client, _) = listener.accept().await.unwrap();
            let call = read_call(&mut client).await;
            heard.lock().unwrap().push(call);
            answer(&mut client, act, &went).await;
        }
    });
    Double { url, asked, gone }
}

async fn read_call(client: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut more = [0; 4_096];
        let count = client.read(&mut more).await.unwrap();
        bytes.extend_from_slice(&more[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            line.to_lowercase().strip_prefix("content-length: ").map(|n| n.parse().unwrap())
        });
        if body.len() >= length.unwrap_or(0) {
            return text;
        }
    }
}

async fn answer(client: &mut TcpStream, act: Act, went: &mpsc::Sender<()>) {
    let head = |status: &str, kind: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n")
    };
    match act {
        Act::Refuse(status, body) => {
            let head = head(&format!("{status} No"), "application/json");
            client.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
        Act::Say(body) => {
            let head = head("200 OK", "application/json");
            client.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
        Act::Stream(pieces) | Act::Hang(pieces) if pieces.is_empty() => {
            let _ = client.shutdown().await;
        }
        Act::Stream(pieces) => {
            client.write_all(head("200 OK", "text/event-stream").as_bytes()).await.unwrap();
            for piece in pieces {
                client.write_all(format!("data: {piece}\n\n").as_bytes()).await.unwrap();
            }
        }
        Act::Hang(pieces) => {
            client.write_all(head("200 OK", "text/event-stream").as_bytes()).await.unwrap();
            for piece in pieces {
                client.write_all(format!("data: {piece}\n\n").as_bytes()).await.unwrap();
            }
            // Nothing more is sent: the next thing to read is the client's end.
            let mut rest = [0; 16];
            while client.read(&mut rest).await.is_ok_and(|count| count > 0) {}
            went.send(()).await.unwrap();
        }
    }
}

fn piece(text: &str) -> String {
    format!(r#"{{"choices":[{{"delta":{{"content":{text:?}}}}}]}}"#)
}

fn whole(words: &[&str], finish: &str) -> Vec<String> {
    let mut pieces: Vec<String> = words.iter().map(|word| piece(word)).collect();
    pieces.push(format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":{finish:?}}}]}}"#));
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":50,"completion_tokens":2,
        "prompt_tokens_details":{"cached_tokens":40}}}"#;
    pieces.extend([usage.replace('\n', ""), "[DONE]".to_owned()]);
    pieces
}

fn engine(url: &str) -> OpenAiEngine {
    let key = Some(Key("sk-very-secret".to_owned()));
    let server =
        Server { url: url.to_owned(), model: "qwen".to_owned(), key, sees: false, hears: false };
    let policy = Policy { wait: Duration::from_millis(1), ..Policy::default() };
    let options = Options { server, open_max: 2, policy };
    assert!(!format!("{options:?}").contains("very-secret"));
    OpenAiEngine::new(options, Clock::start()).unwrap()
}

fn request() -> Request {
    let say = |role, content: &str| Message::new(role, content);
    Request {
        seat: PersonaId::new("nora"),
        messages: [
            say(Role::System, "You are Nora."),
            say(Role::User, "Tom: Hello."),
            say(Role::Assistant, "Nora:"),
        ]
        .into(),
        max_tokens: 8,
        sampling: Sampling::default(),
        stop: vec!["\n".to_owned()],
        deadline: Duration::from_secs(20),
        cancel: CancellationToken::new(),
    }
}

/// The text of a reply, what was counted of its prompt, and its end.
async fn read(mut events: mpsc::Receiver<Event>) -> (String, Option<(u32, u32)>, Event) {
    let (mut said, mut counted) = (String::new(), None);
    loop {
        match events.recv().await.expect("the last event is an end") {
            Event::Text { text, .. } => said += &text,
            Event::Counted { prompt_tokens, cached_tokens, .. } => {
                counted = Some((prompt_tokens, cached_tokens));
            }
            Event::Started { .. } => {}
            Event::Prefilled { .. } => panic!("nobody knows when"),
            end => return (said, counted, end),
        }
    }
}

async fn failure(acts: Vec<Act>) -> String {
    let double = server(acts).await;
    match read(engine(&double.url).generate(request()).unwrap()).await.2 {
        Event::Failed { error, .. } => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_reply_is_streamed_and_counted() {
    let double = server(vec![Act::Stream(whole(&["Good", " day."], "stop"))]).await;
    let engine = engine(&double.url);
    let (said, counted, end) = read(engine.generate(request()).unwrap()).await;
    assert_eq!((said.as_str(), counted), ("Good day.", Some((50, 40))));
    assert!(matches!(end, Event::Done { finish: Finish::Stop, completion_tokens: 2, .. }));
    let stats = engine.stats();
    assert_eq!((stats.prompt_tokens, stats.cached_tokens, stats.waiting), (50, 40, 0));
    let asked = double.asked.lock().unwrap().join("");
    for part in [
        "POST /v1/chat/completions",
        "Bearer sk-very-secret",
        r#""model":"qwen""#,
        r#""stream":true"#,
        r#""continue_final_message":true"#,
        r#"{"role":"user","content":"Tom: Hello."}"#,
    ] {
        assert!(asked.contains(part), "{part} is not in {asked}");
    }
}

#[tokio::test]
async fn limits_hold_even_where_the_server_does_not_keep_them() {
    let many = [" a"; 40];
    let double = server(vec![Act::Stream(whole(&many, "stop"))]).await;
    let (said, _, end) = read(engine(&double.url).generate(request()).unwrap()).await;
    assert_eq!(said, " a".repeat(8));
    assert!(matches!(end, Event::Done { finish: Finish::Length, .. }));
    let double = server(vec![Act::Stream(whole(&["Yes.", "\nTom: No."], "stop"))]).await;
    let (said, _, end) = read(engine(&double.url).generate(request()).unwrap()).await;
    assert_eq!(said, "Yes.");
    assert!(matches!(end, Event::Done { finish: Finish::Stop, .. }));
}

#[tokio::test]
async fn a_cancel_and_a_dropped_receiver_close_the_connection() {
    let hang = Act::Hang(vec![piece("Well")]);
    let mut double = server(vec![hang.clone(), hang]).await;
    let engine = engine(&double.url);
    let asked = request();
    let cancel = asked.cancel.clone();
    let mut events = engine.generate(asked).unwrap();
    while !matches!(events.recv().await, Some(Event::Text { .. })) {}
    cancel.cancel();
    assert!(matches!(read(events).await.2, Event::Done { finish: Finish::Cancelled, .. }));
    double.gone.recv().await.unwrap();
    let mut events = engine.generate(request()).unwrap();
    while !matches!(events.recv().await, Some(Event::Text { .. })) {}
    drop(events);
    double.gone.recv().await.unwrap();
    assert_eq!(engine.stats().cancelled, 2);
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_a_refusing_one_is_not() {
    let busy = Act::Refuse(503, r#"{"error":{"message":"loading the model"}}"#);
    let double = server(vec![busy.clone(), Act::Stream(whole(&["Hi."], "stop"))]).await;
    let (said, ..) = read(engine(&double.url).generate(request()).unwrap()).await;
    assert_eq!(said, "Hi.");
    let error = failure(vec![busy.clone(), busy.clone(), busy]).await;
    assert!(error.contains("503") && error.contains("loading the model"), "{error}");
    let error = failure(vec![Act::Refuse(401, "{}")]).await;
    assert!(error.contains("set OPENAI_API_KEY") && !error.contains("very-secret"), "{error}");
    let error = failure(vec![Act::Refuse(404, r#"{"error":{"message":"no model qwen"}}"#)]).await;
    assert!(error.contains("no model qwen"), "{error}");
}

#[tokio::test]
async fn a_stream_that_is_no_answer_is_told() {
    let cases = [
        (vec![piece("Hi")], "ended before its answer did"),
        (vec![piece("Hi"), "nonsense".to_owned()], "no answer"),
        (vec![r#"{"error":{"message":"out of memory"}}"#.to_owned()], "out of memory"),
    ];
    for (pieces, expected) in cases {
        let error = failure(vec![Act::Stream(pieces)]).await;
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_at_boot() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let system = Message::new(Role::System, "You are Nora.");
    let warm = engine(&url).warm_up(&PersonaId::new("nora"), &[system]).await;
    let error = warm.unwrap_err().to_string();
    assert!(error.contains("cannot be reached") && error.contains("models.language"), "{error}");
}

fn question() -> Question {
    let before = request().messages[..2].to_vec();
    Question { seat: PersonaId::new("nora"), messages: before, text: " Who?".into() }
}

#[tokio::test]
async fn whether_a_line_is_for_a_persona_is_read_off_the_first_token() {
    let odds = r#"{"choices":[{"message":{"content":"No"},"logprobs":{"content":[{"top_logprobs":[
        {"token":"No","logprob":-0.5108},{"token":" Yes","logprob":-2.3026},
        {"token":"yes","logprob":-2.3026},{"token":"Maybe","logprob":-1.6094}]}]}}]}"#;
    let double = server(vec![Act::Say(odds)]).await;
    let scores = engine(&double.url).score(vec![question()], Duration::from_secs(20)).await;
    // 0.6 for no, twice 0.1 for yes.
    let yes = scores.unwrap()[0].nats.exp();
    assert!((yes - 0.25).abs() < 1e-3, "{yes}");
    let asked = double.asked.lock().unwrap().join("");
    assert!(asked.contains("Tom: Hello. Who?") && asked.contains(r#""logprobs":true"#), "{asked}");
    assert!(asked.contains(r#""max_tokens":1"#) && !asked.contains("grammar"), "{asked}");
}

#[tokio::test]
async fn a_server_without_probabilities_is_bound_to_yes_or_no() {
    let [plain, yes, no, other] = ["Well", "yes", " No\\n", "Maybe"].map(|word| {
        let body = format!(r#"{{"choices":[{{"message":{{"content":"{word}"}}}}]}}"#);
        Act::Say(body.leak())
    });
    let double = server(vec![plain, yes, no, other]).await;
    let engine = engine(&double.url);
    let ask = || engine.score(vec![question()], Duration::from_secs(20));
    let (yes, no) = (ask().await.unwrap()[0], ask().await.unwrap()[0]);
    assert!(yes.nats > no.nats && yes.tokens == 1, "{yes:?} {no:?}");
    let error = ask().await.unwrap_err().to_string();
    assert!(error.contains("neither yes nor no"), "{error}");
    let asked = double.asked.lock().unwrap().clone();
    let bound = asked.iter().map(|call| call.contains(r#""grammar":"root ::="#));
    assert_eq!(bound.collect::<Vec<_>>(), [false, true, true, true]);
    let late = engine.score(vec![question()], Duration::ZERO).await;
    assert!(matches!(late, Err(EngineError::Deadline(_))), "{late:?}");
}

#[tokio::test]
async fn as_many_are_open_as_may_be() {
    let hang = Act::Hang(vec![piece("Well")]);
    let double = server(vec![hang.clone(), hang]).await;
    let engine = engine(&double.url);
    let _open = [engine.generate(request()).unwrap(), engine.generate(request()).unwrap()];
    let third = engine.generate(request());
    assert!(matches!(third, Err(EngineError::Overloaded { waiting: 2 })));
    assert_eq!(engine.stats().refused, 1);
}
