//! Programs to copy, made from the description of a call: curl, Python, Node.js.

use serde_json::{Map, Value};

use super::fields::{example, resolve};
use super::html::{plain, push};
use super::page::{Call, list};

/// An example id for the path.
const ID: &str = "0af7651916cd43dd8448eb211c80319c";
const DELIVERY_ID: &str = "0af7651916cd43dd8448eb211c80319d";

pub(super) fn write_examples(page: &mut String, document: &Value, call: &Call<'_>) {
    let is_delivery = call.path.starts_with("/v1/deliveries");
    let example = Example {
        method: call.method.to_uppercase(),
        path: call
            .path
            .replace("{id}", if is_delivery { DELIVERY_ID } else { ID })
            .replace("{type}", "rate_limited"),
        key: call.needs_key(),
        name: call.takes_header("Idempotency-Key"),
        body: call.body().map(|schema| body(document, schema)),
    };
    let group = plain(call.path).replace('/', "-");
    page.push_str("<div><h4>Example</h4><div class=\"tabs\">");
    let languages =
        [("curl", example.curl()), ("Python", example.python()), ("Node.js", example.node())];
    for (place, (language, text)) in languages.into_iter().enumerate() {
        let id = format!("{}{group}-{place}", call.method);
        let checked = if place == 0 { " checked" } else { "" };
        push(
            page,
            format_args!(
                "<input type=\"radio\" name=\"{}{group}\" id=\"{id}\"{checked}><label \
                 for=\"{id}\">{language}</label><pre>{}</pre>",
                call.method,
                plain(&text),
            ),
        );
    }
    page.push_str("</div></div>");
}

struct Example {
    method: String,
    path: String,
    key: bool,
    name: bool,
    body: Option<Value>,
}

impl Example {
    fn curl(&self) -> String {
        let mut text = "curl -sS".to_owned();
        if self.method != "GET" && self.body.is_none() {
            push(&mut text, format_args!(" -X {}", self.method));
        }
        push(&mut text, format_args!(" \"$OTPMUX_URL{}\"", self.path));
        let mut line = |it: std::fmt::Arguments<'_>| push(&mut text, format_args!(" \\\n  {it}"));
        if self.key {
            line(format_args!("-H \"Authorization: Bearer $OTPMUX_API_KEY\""));
        }
        if self.name {
            line(format_args!("-H 'Idempotency-Key: {}'", self.own_name()));
        }
        if let Some(body) = &self.body {
            line(format_args!("-H 'Content-Type: application/json'"));
            line(format_args!("-d '{body}'"));
        }
        text
    }

    fn python(&self) -> String {
        let mut text = "import json, os, urllib.request\n\n".to_owned();
        push(
            &mut text,
            format_args!(
                "request = urllib.request.Request(\n    os.environ[\"OTPMUX_URL\"] + \"{}\",\n    \
                 method=\"{}\",\n",
                self.path, self.method
            ),
        );
        let mut headers = Vec::new();
        if self.key {
            headers
                .push("\"Authorization\": \"Bearer \" + os.environ[\"OTPMUX_API_KEY\"]".to_owned());
        }
        if self.name {
            headers.push(format!("\"Idempotency-Key\": \"{}\"", self.own_name()));
        }
        if self.body.is_some() {
            headers.push("\"Content-Type\": \"application/json\"".to_owned());
        }
        if !headers.is_empty() {
            push(
                &mut text,
                format_args!("    headers={{\n        {},\n    }},\n", headers.join(",\n        ")),
            );
        }
        if let Some(body) = &self.body {
            // These values are written the same in both languages.
            push(&mut text, format_args!("    data=json.dumps({body}).encode(),\n"));
        }
        text.push_str(
            ")\nwith urllib.request.urlopen(request) as answer:\n    print(answer.read().decode())",
        );
        text
    }

    fn node(&self) -> String {
        let mut text =
            format!("const answer = await fetch(`${{process.env.OTPMUX_URL}}{}`, {{\n", self.path);
        push(&mut text, format_args!("  method: \"{}\",\n", self.method));
        let mut headers = Vec::new();
        if self.key {
            headers.push("authorization: `Bearer ${process.env.OTPMUX_API_KEY}`".to_owned());
        }
        if self.name {
            headers.push(format!("\"idempotency-key\": \"{}\"", self.own_name()));
        }
        if self.body.is_some() {
            headers.push("\"content-type\": \"application/json\"".to_owned());
        }
        if !headers.is_empty() {
            push(
                &mut text,
                format_args!("  headers: {{\n    {},\n  }},\n", headers.join(",\n    ")),
            );
        }
        if let Some(body) = &self.body {
            push(&mut text, format_args!("  body: JSON.stringify({body}),\n"));
        }
        text.push_str("});\nconsole.log(answer.status, await answer.text());");
        text
    }

    /// An example idempotency key that shows what the key is for.
    fn own_name(&self) -> &'static str {
        match self.path.rsplit('/').next() {
            Some("resend") => "login-42-resend-1",
            Some("verify") => "login-42-guess-1",
            _ => "login-42",
        }
    }
}

/// The required fields of a body, and those that most callers set.
fn body(document: &Value, schema: &Value) -> Value {
    const USUAL: [&str; 2] = ["purpose", "channel"];
    let schema = resolve(document, schema);
    // Of several forms, the first is shown.
    let schema = list(schema, "oneOf").first().map_or(schema, |form| resolve(document, form));
    let required = list(schema, "required");
    let properties = schema["properties"].as_object().into_iter().flatten();
    let shown = properties.filter(|(name, _)| {
        required.iter().any(|it| it == *name)
            || (USUAL.contains(&name.as_str()) && (required.is_empty() || *name == "purpose"))
    });
    let mut body = Map::new();
    for (name, field) in shown {
        if let Some(example) = example(field) {
            body.insert(name.clone(), example.clone());
        }
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send() -> Example {
        let document = crate::openapi();
        let schema = &document["components"]["schemas"]["CreateVerification"];
        Example {
            method: "POST".to_owned(),
            path: "/v1/verifications".to_owned(),
            key: true,
            name: true,
            body: Some(body(&document, schema)),
        }
    }

    #[test]
    fn an_example_holds_what_a_call_needs() {
        let send = send();
        for text in [send.curl(), send.python(), send.node()] {
            for part in
                ["/v1/verifications", "OTPMUX_API_KEY", "OTPMUX_URL", "login-42", "+919876543210"]
            {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
        assert!(send.curl().ends_with(r#"-d '{"purpose":"login","to":"+919876543210"}'"#));
    }

    #[test]
    fn an_example_without_key_and_body_has_neither() {
        let path = "/healthz".to_owned();
        let alive = Example { method: "GET".to_owned(), path, key: false, name: false, body: None };
        assert_eq!(alive.curl(), "curl -sS \"$OTPMUX_URL/healthz\"");
        assert!(!alive.python().contains("headers") && !alive.node().contains("headers"));
    }
}
