//! A page made from an `OpenAPI` document: every call, what it takes and what it answers.

use std::fmt::Write as _;

use serde_json::Value;

const STYLE: &str = include_str!("page.css");
const METHODS: [&str; 3] = ["get", "post", "delete"];

pub(super) fn of(document: &Value) -> String {
    let text = |at: &str| escape(document.pointer(at).and_then(Value::as_str).unwrap_or_default());
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{title} API</title>\
         <style>{STYLE}</style><main><h1>{title} <small>{version}</small></h1><p>{about}</p>\
         <p>Send your API key as <code>Authorization: Bearer KEY</code>. Programs read \
         <a href=\"/openapi.json\">openapi.json</a>.</p>",
        title = text("/info/title"),
        version = text("/info/version"),
        about = text("/info/description"),
    );
    for tag in list(document, "tags") {
        let name = tag["name"].as_str().unwrap_or_default();
        let about = tag["description"].as_str().unwrap_or_default();
        push(&mut page, format_args!("<h2>{}</h2>", escape(about)));
        let mut calls: Vec<_> =
            calls(document).filter(|(_, _, call)| call["tags"][0] == name).collect();
        calls.sort_by_key(|(_, _, call)| place(call));
        for (path, method, call) in calls {
            write_call(&mut page, document, path, method, call);
        }
    }
    page.push_str("<section id=\"problem\"><h2>Problems</h2>");
    write_schema(&mut page, document, &document["components"]["schemas"]["Problem"]);
    page.push_str("</section></main></html>");
    page
}

/// The order in which an application meets the calls; a document has none.
fn place(call: &Value) -> usize {
    const ORDER: [&str; 6] = [
        "create_verification",
        "verify_code",
        "resend_verification",
        "show_verification",
        "cancel_verification",
        "show_capabilities",
    ];
    ORDER.iter().position(|id| call["operationId"] == **id).unwrap_or(ORDER.len())
}

fn calls(document: &Value) -> impl Iterator<Item = (&str, &'static str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        METHODS
            .into_iter()
            .filter_map(move |method| Some((path.as_str(), method, item.get(method)?)))
    })
}

fn write_call(page: &mut String, document: &Value, path: &str, method: &str, call: &Value) {
    let text = |key: &str| escape(call[key].as_str().unwrap_or_default());
    push(
        page,
        format_args!(
            "<section id=\"{id}\"><h3><a href=\"#{id}\">{summary}</a></h3>\
             <p class=\"call\"><b>{method}</b> <code>{path}</code></p><p>{about}</p>",
            id = text("operationId"),
            summary = text("summary"),
            method = method.to_uppercase(),
            path = escape(path),
            about = text("description"),
        ),
    );
    let headers: Vec<_> =
        list(call, "parameters").iter().filter(|it| it["in"] == "header").collect();
    for header in headers {
        push(
            page,
            format_args!(
                "<p>Header <code>{}</code>: {}</p>",
                escape(header["name"].as_str().unwrap_or_default()),
                escape(header["description"].as_str().unwrap_or_default()),
            ),
        );
    }
    if let Some(schema) = call.pointer("/requestBody/content/application~1json/schema") {
        page.push_str("<h4>Takes</h4>");
        write_schema(page, document, schema);
    }
    page.push_str("<h4>Answers</h4>");
    for (status, answer) in call["responses"].as_object().into_iter().flatten() {
        let about = escape(answer["description"].as_str().unwrap_or_default());
        let (kind, content) = answer["content"]
            .as_object()
            .and_then(|content| content.iter().next())
            .map_or(("", &Value::Null), |(kind, content)| (kind.as_str(), content));
        let problem = kind == "application/problem+json";
        let link = if problem { " (a <a href=\"#problem\">problem</a>)" } else { "" };
        push(page, format_args!("<p><b>{}</b> {about}{link}</p>", escape(status)));
        if !problem {
            write_schema(page, document, &content["schema"]);
        }
    }
    page.push_str("</section>");
}

/// A table of the fields, where it has any.
fn write_schema(page: &mut String, document: &Value, schema: &Value) {
    let fields = fields(document, schema);
    if fields.is_empty() {
        return;
    }
    page.push_str("<table><thead><tr><th>field<th>type<th>meaning</thead>");
    for field in fields {
        let optional = if field.required { "" } else { "?" };
        push(
            page,
            format_args!(
                "<tr><td><code>{}{optional}</code><td>{}<td>{}",
                escape(&field.name),
                escape(&kind(document, field.schema)),
                escape(field.schema["description"].as_str().unwrap_or_default()),
            ),
        );
    }
    page.push_str("</table>");
}

struct Field<'a> {
    name: String,
    required: bool,
    schema: &'a Value,
}

fn fields<'a>(document: &'a Value, schema: &'a Value) -> Vec<Field<'a>> {
    let schema = resolve(document, schema);
    let mut all = Vec::new();
    for part in list(schema, "allOf").iter().chain(list(schema, "oneOf")) {
        all.extend(fields(document, part));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let required = list(schema, "required").iter().any(|it| it == name.as_str());
        let inner = fields(document, field);
        all.push(Field { name: name.clone(), required, schema: field });
        all.extend(
            inner
                .into_iter()
                .map(|field| Field { name: format!("{name}.{}", field.name), ..field }),
        );
    }
    all
}

/// What stands behind a reference.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

fn kind(document: &Value, schema: &Value) -> String {
    let schema = resolve(document, schema);
    let words = list(schema, "enum");
    if !words.is_empty() {
        let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
        return words.join(", ");
    }
    let name = |kind: &Value| kind.as_str().unwrap_or_default().to_owned();
    let mut kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(name).collect(),
        Value::String(kind) => vec![kind.clone()],
        _ => vec!["object".to_owned()],
    };
    kinds.retain(|kind| kind != "null");
    if kinds == ["array"] {
        return format!("list of {}", kind(document, &schema["items"]));
    }
    kinds.join(" or ")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = page.write_fmt(text);
}

/// Text as HTML; what stands between backticks is code.
fn escape(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let mut html = String::with_capacity(escaped.len());
    for (at, part) in escaped.split('`').enumerate() {
        match at % 2 {
            1 => push(&mut html, format_args!("<code>{part}</code>")),
            _ => html.push_str(part),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_call_and_is_whole() {
        let document = crate::openapi();
        let page = of(&document);
        for (path, method, call) in calls(&document) {
            assert!(page.contains(&escape(path)), "{path}");
            assert!(page.contains(&format!("<b>{}</b>", method.to_uppercase())));
            assert!(page.contains(&escape(call["summary"].as_str().unwrap())));
        }
        for field in ["client.ip", "attempts_left", "retry_after"] {
            assert!(page.contains(field), "{field}");
        }
        assert!(!page.contains("http://") && !page.contains("https://"), "nothing from elsewhere");
        assert_eq!(page.matches("<section").count(), page.matches("</section>").count());
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escape("a <b> & \"c\" `d<e`"),
            "a &lt;b> &amp; &quot;c&quot; <code>d&lt;e</code>"
        );
    }
}
