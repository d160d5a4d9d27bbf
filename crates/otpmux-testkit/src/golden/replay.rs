use otpmux_golden::{Golden, Request, Response, Wire};
use serde_json::Value;

use crate::faulty::{self, FaultyServer, Play, Reply};

/// A vendor that gives the answer of one golden file to everything, and remembers what it was asked.
#[derive(Debug)]
pub struct Replay {
    server: FaultyServer,
    golden: Golden,
}

impl Replay {
    /// Starts to give the answer of a golden file.
    pub async fn start(golden: &Golden) -> Self {
        let server = FaultyServer::start(Play::answer(&reply(&golden.response))).await;
        Self { server, golden: golden.clone() }
    }

    /// Where it listens, without any base path.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Compares the one request that came with the file's.
    ///
    /// # Errors
    ///
    /// None came, or several, or it differs: what differs.
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
    for (name, value) in &golden.headers {
        // Files show this one for requests without a body, too.
        if name == "Content-Type" && golden.body.is_null() {
            continue;
        }
        let got = asked.header(&name.to_ascii_lowercase());
        if got != Some(value) {
            return Err(format!("the header {name} is {got:?} instead of {value:?}"));
        }
    }
    let body = match &golden.body {
        Value::String(_) => Value::String(asked.text()),
        _ => serde_json::from_slice(&asked.body).unwrap_or(Value::Null),
    };
    let (expected, got) = (without(golden.body.clone(), but_for), without(body, but_for));
    if expected != got {
        return Err(format!("the body is {got} instead of {expected}"));
    }
    Ok(())
}

fn without(mut body: Value, fields: &[String]) -> Value {
    if let Some(body) = body.as_object_mut() {
        body.retain(|field, _| !fields.contains(field));
    }
    body
}
