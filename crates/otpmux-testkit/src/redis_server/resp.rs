use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;

use super::PATIENCE;

/// Answer of a Redis server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has no other answers")]
pub enum Reply {
    /// A text or bytes; invalid UTF-8 is replaced.
    Text(String),
    /// A number.
    Number(i64),
    /// The null answer.
    Nothing,
    /// Several answers.
    Many(Vec<Self>),
    /// An error, which begins with its code.
    Error(String),
}

impl Reply {
    /// Returns the text.
    ///
    /// # Panics
    ///
    /// If it is another kind of answer.
    #[track_caller]
    pub fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            other => panic!("no text but {other:?}"),
        }
    }

    /// Returns the number.
    ///
    /// # Panics
    ///
    /// If it is another kind of answer.
    #[track_caller]
    pub fn number(self) -> i64 {
        match self {
            Self::Number(number) => number,
            other => panic!("no number but {other:?}"),
        }
    }

    /// Returns the answers.
    ///
    /// # Panics
    ///
    /// If it is another kind of answer.
    #[track_caller]
    pub fn many(self) -> Vec<Self> {
        match self {
            Self::Many(many) => many,
            other => panic!("no list but {other:?}"),
        }
    }
}

/// Sends one command over a separate connection.
pub(super) fn ask(port: u16, words: &[&[u8]]) -> Result<Reply> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut command = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        command.extend(format!("${}\r\n", word.len()).bytes());
        command.extend_from_slice(word);
        command.extend_from_slice(b"\r\n");
    }
    stream.write_all(&command)?;
    read(&mut BufReader::new(stream))
}

fn read(stream: &mut BufReader<TcpStream>) -> Result<Reply> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let line = line.trim_end();
    let (kind, rest) = line.split_at_checked(1).ok_or_else(|| strange(line))?;
    let number = || rest.parse::<i64>().map_err(|_| strange(line));
    Ok(match kind {
        "+" => Reply::Text(rest.to_owned()),
        "-" => Reply::Error(rest.to_owned()),
        ":" => Reply::Number(number()?),
        "$" | "*" if rest == "-1" => Reply::Nothing,
        "$" => {
            let length = usize::try_from(number()?).map_err(|_| strange(line))?;
            let mut bytes = vec![0; length + 2];
            stream.read_exact(&mut bytes)?;
            Reply::Text(String::from_utf8_lossy(&bytes[..length]).into_owned())
        }
        "*" => Reply::Many((0..number()?).map(|_| read(stream)).collect::<Result<_>>()?),
        _ => return Err(strange(line)),
    })
}

fn strange(line: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("no answer of a Redis server: {line:?}"))
}
