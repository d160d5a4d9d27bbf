//! Redis' answers, above all the bytes of a record.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use otpmux_core::{Certainty, ErrorKind};
use otpmux_engine::{Create, Record, VerificationId, VerificationStore};
use otpmux_redis::{Options, RedisStore};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

struct World {
    runtime: Runtime,
    store: RedisStore,
    server: Server,
}

/// A server that gives one answer to every script.
#[derive(Clone, Default)]
struct Server {
    answer: Arc<Mutex<Vec<u8>>>,
    /// The arguments of the last script.
    asked: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// The first byte chooses the operation. The rest is the list that the script answers: elements
/// between zero bytes, a number where one begins with `:`, a list of texts where one begins with `*`.
/// After `record`, a zero byte and everything else are one element.
pub(crate) fn reply(data: &[u8]) {
    let Some((operation, list)) = data.split_first() else { return };
    WORLD.with_borrow_mut(|world| {
        let world = world.get_or_insert_with(World::new);
        world.server.will_answer(list);
        world.runtime.block_on(play(&world.store, &world.server, *operation));
    });
}

async fn play(store: &RedisStore, server: &Server, operation: u8) {
    let (id, now) = (VerificationId::from_bytes([3; 16]), NOW);
    let error = match operation % 6 {
        0 => match store.load(id, now).await {
            Ok(Some(record)) => return round_trip(store, server, record).await,
            Ok(None) => return,
            Err(error) => error,
        },
        1 => match store.health(now).await {
            Ok(_) => return,
            Err(error) => error,
        },
        2 => match store.cancel(id, now).await {
            Ok(_) => return,
            Err(error) => error,
        },
        3 => match store.time().await {
            Ok(_) => return,
            Err(error) => error,
        },
        4 => match store.check_keys(&[]).await {
            Ok(_) => return,
            Err(error) => error,
        },
        _ => match store.probe(now).await {
            Ok(_) => return,
            Err(error) => error,
        },
    };
    assert_eq!(error.kind(), ErrorKind::Store, "{error:?}");
    let reads = matches!(operation % 6, 0 | 1 | 3);
    assert!(reads || error.certainty() != Certainty::NotSent, "it may have been done: {error:?}");
}

/// A record that was read is written, and from then on it is the same each time. What was read may have a time
/// that no store writes.
async fn round_trip(store: &RedisStore, server: &Server, record: Record) {
    let id = record.id;
    let written = write(store, server, record).await;
    server.will_answer(&[b"record\0", written.as_slice()].concat());
    let again = store.load(id, NOW).await;
    let again = again.expect("what is written can be read").expect("it is there");
    assert_eq!(write(store, server, again).await, written);
}

/// The bytes that a record is written as.
async fn write(store: &RedisStore, server: &Server, record: Record) -> Vec<u8> {
    server.will_answer(b"key_reused");
    let created = store
        .create(Create { record, external: Vec::new(), limit_hits: Vec::new(), repeat: false }, NOW)
        .await;
    created.expect("the script has answered");
    let asked = server.asked.lock().expect("not poisoned");
    // The command, the script, the number of keys, the keys; then the time, the time to live, and
    // the record.
    let keys = String::from_utf8_lossy(&asked[2]).parse::<usize>().expect("a number");
    asked[3 + keys + 2].clone()
}

impl World {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let url = format!("redis://{}", listener.local_addr().expect("an address"));
        let server = Server::default();
        runtime.spawn(server.clone().serve(listener));
        // Long enough for an instrumented build on a busy machine.
        let options = Options::default().with_answer_timeout(Duration::from_secs(30));
        let store = RedisStore::connect([url], options).expect("valid options");
        Self { runtime, store, server }
    }
}

impl Server {
    fn will_answer(&self, list: &[u8]) {
        let elements: Vec<_> = match list.strip_prefix(b"record\0") {
            Some(record) => vec![&b"record"[..], record],
            None => list.split(|byte| *byte == 0).collect(),
        };
        let mut answer = format!("*{}\r\n", elements.len()).into_bytes();
        for element in elements {
            match element {
                [b':', digits @ ..] if !digits.is_empty() && digits.len() < 19 => {
                    let number = String::from_utf8_lossy(digits).parse::<i64>().unwrap_or_default();
                    answer.extend(format!(":{number}\r\n").into_bytes());
                }
                [b'*', texts @ ..] => {
                    let texts: Vec<_> = texts.split(|byte| *byte == 1).collect();
                    answer.extend(format!("*{}\r\n", texts.len()).into_bytes());
                    for text in texts {
                        bulk(&mut answer, text);
                    }
                }
                text => bulk(&mut answer, text),
            }
        }
        *self.answer.lock().expect("not poisoned") = answer;
    }

    async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(self.clone().serve_one(stream));
        }
    }

    async fn serve_one(self, stream: TcpStream) {
        let mut stream = BufStream::new(stream);
        while let Some(command) = read_command(&mut stream).await {
            let script = command.first().is_some_and(|name| name.starts_with(b"EVAL"));
            let answer = if script {
                *self.asked.lock().expect("not poisoned") = command;
                self.answer.lock().expect("not poisoned").clone()
            } else {
                b"+OK\r\n".to_vec()
            };
            let written = stream.write_all(&answer).await;
            if written.is_err() || stream.flush().await.is_err() {
                break;
            }
        }
    }
}

fn bulk(answer: &mut Vec<u8>, text: &[u8]) {
    answer.extend(format!("${}\r\n", text.len()).into_bytes());
    answer.extend_from_slice(text);
    answer.extend_from_slice(b"\r\n");
}

async fn read_command(stream: &mut BufStream<TcpStream>) -> Option<Vec<Vec<u8>>> {
    let count = read_length(stream, '*').await?;
    let mut command = Vec::with_capacity(count);
    for _ in 0..count {
        let mut text = vec![0; read_length(stream, '$').await? + 2];
        stream.read_exact(&mut text).await.ok()?;
        text.truncate(text.len() - 2);
        command.push(text);
    }
    Some(command)
}

async fn read_length(stream: &mut BufStream<TcpStream>, kind: char) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.strip_prefix(kind)?.trim_end().parse().ok()
}
