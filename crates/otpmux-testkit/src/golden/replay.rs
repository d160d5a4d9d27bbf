use otpmux_golden::{Golden, Request, Response, Wire};
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::faulty::{self, FaultyServer, Play, Reply};

/// Vendor that gives the answer of one golden file to every request, and records the requests.
#[derive(Debug)]
pub struct Replay {
    server: FaultyServer,
    golden: Golden,
}

impl Replay {
    /// Starts a vendor with the answer of a golden file.
    pub async fn start(golden: &Golden) -> Self {
        let server = FaultyServer::start(Play::answer(&reply(&golden.response))).await;
        Self { server, golden: golden.clone() }
    }

    /// Returns its URL, without a base path.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Compares the only received request with the file's.
    ///
    /// # Errors
    ///
    /// No request came, or several, or it differs; the text says how.
    pub fn check(&self, wire: &Wire) -> Result<(), String> {
        let asked = self.server.requests();
        let [asked] = &asked[..] else {
            return Err(format!("{} requests instead of one", asked.len()));
        };
        match wire {
            Wire::Same => same(&self.golden.request, asked, &[]),
            Wire::SameButFor(fields) => same(&self.golden.request, asked, fields),
            _ => Ok(()),
        }
    }
}

fn reply(response: &Response) -> Reply {
    let reply = Reply::new(response.status);
    let headers = response.headers.iter();
    headers
        .fold(reply, |reply, (name, value)| reply.with_header(name, value))
        .with_body(response.text())
}

fn same(golden: &Request, asked: &faulty::Request, but_for: &[String]) -> Result<(), String> {
    let line = |method: &str, path: &str| format!("{method} {path}");
    let (expected, got) = (line(&golden.method, &golden.path), line(&asked.method, &asked.target));
    if expected != got {
        return Err(format!("the request is {got} instead of {expected}"));
    }
    let left_out = |name: &str| {
        let names = but_for.iter().filter_map(|field| field.strip_prefix("header:"));
        names.into_iter().any(|left_out| left_out.eq_ignore_ascii_case(name))
    };
    for (name, value) in &golden.headers {
        // Files have this header also for requests without a body.
        if left_out(name) || (name == "Content-Type" && golden.body.is_null()) {
            continue;
        }
        let got = asked.header(&name.to_ascii_lowercase());
        if got != Some(value) {
            return Err(format!("the header {name} is {got:?} instead of {value:?}"));
        }
    }
    let body = match &golden.body {
        Value::Object(_) if golden.is_form() => form_fields(&asked.body),
        Value::String(_) => Value::String(asked.text()),
        _ => serde_json::from_slice(&asked.body).unwrap_or(Value::Null),
    };
    let (expected, got) = (without(golden.body.clone(), but_for), without(body, but_for));
    if expected != got {
        return Err(format!("the body is {got} instead of {expected}"));
    }
    Ok(())
}

/// The fields of a form. A field that is there twice is a list, which no file has.
fn form_fields(body: &[u8]) -> Value {
    let mut fields = Map::<String, Value>::new();
    for (name, value) in form_urlencoded::parse(body) {
        let value = Value::from(value.into_owned());
        let value = match fields.remove(&*name) {
            Some(earlier) => Value::Array(vec![earlier, value]),
            None => value,
        };
        fields.insert(name.into_owned(), value);
    }
    Value::Object(fields)
}

fn without(mut body: Value, fields: &[String]) -> Value {
    if let Some(body) = body.as_object_mut() {
        body.retain(|field, _| !fields.contains(field));
    }
    body
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    fn golden() -> Golden {
        serde_json::from_value(json!({
            "source": "[DOC] a page", "documented": true,
            "request": {
                "method": "POST", "path": "/send?a=1", "headers": { "X-Key": "k" },
                "body": { "to": "1", "key": "of the file" },
            },
            "response": { "status": 418, "headers": {}, "body": "short and stout" },
        }))
        .unwrap()
    }

    #[tokio::test]
    async fn a_form_is_compared_field_by_field() {
        let mut golden = golden();
        golden.request.headers =
            [("Content-Type", "application/x-www-form-urlencoded"), ("X-Signature", "of then")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        golden.request.body = json!({ "To": "+1", "Text": "a b" });
        let head = "content-type: application/x-www-form-urlencoded\r\nx-signature: of now";
        let but_for = Wire::SameButFor(vec!["header:x-signature".to_owned()]);
        for (body, wire, expected) in [
            ("Text=a+b&To=%2B1", &but_for, Ok(())),
            ("Text=a+b&To=%2B1", &Wire::Same, Err("the header X-Signature")),
            ("Text=a+b&To=+1", &but_for, Err("the body")),
            ("Text=a+b&To=%2B1&To=%2B1", &but_for, Err("the body")),
            ("Text=a+b", &but_for, Err("the body")),
        ] {
            let replay = Replay::start(&golden).await;
            ask(&replay, "POST /send?a=1", head, body).await;
            let checked = replay.check(wire);
            match expected {
                Ok(()) => assert_eq!(checked, Ok(()), "{body}"),
                Err(start) => assert!(checked.unwrap_err().starts_with(start), "{body}"),
            }
        }
    }

    async fn ask(replay: &Replay, line: &str, header: &str, body: &str) -> String {
        let address = replay.url().replace("http://", "");
        let mut client = TcpStream::connect(address).await.unwrap();
        let length = body.len();
        let request =
            format!("{line} HTTP/1.1\r\n{header}\r\ncontent-length: {length}\r\n\r\n{body}");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"stout") {
            let mut byte = [0];
            client.read_exact(&mut byte).await.unwrap();
            answer.extend(byte);
        }
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn the_answer_is_the_files_and_the_request_is_compared() {
        let key = Wire::SameButFor(vec!["key".to_owned()]);
        for (line, header, body, wire, expected) in [
            (
                "POST /send?a=1",
                "x-key: k",
                r#"{"to":"1","key":"of the file"}"#,
                &Wire::Same,
                Ok(()),
            ),
            ("POST /send?a=1", "x-key: k", r#"{"to":"1","key":"x"}"#, &key, Ok(())),
            ("POST /send?a=1", "x-key: k", r#"{"to":"1","key":"x"}"#, &Wire::Same, Err("the body")),
            ("POST /send?a=1", "x-key: k", r#"{"to":"2"}"#, &key, Err("the body")),
            ("POST /send?a=1", "x-key: l", r#"{"to":"1"}"#, &key, Err("the header X-Key")),
            ("POST /send", "x-key: k", r#"{"to":"1"}"#, &key, Err("the request is POST /send ")),
            ("GET /", "x-key: l", "", &Wire::Other, Ok(())),
        ] {
            let replay = Replay::start(&golden()).await;
            assert!(replay.check(wire).unwrap_err().starts_with("0 requests"));
            let answer = ask(&replay, line, header, body).await;
            assert!(answer.starts_with("HTTP/1.1 418 ") && answer.ends_with("short and stout"));
            match (replay.check(wire), expected) {
                (Ok(()), Ok(())) => {}
                (Err(told), Err(begin)) => assert!(told.starts_with(begin), "{told}"),
                (got, _) => panic!("{line}, {header}, {body}: {got:?}"),
            }
        }
    }
}
