//! A page made from an `OpenAPI` document: every call with its input, its answers and example
//! programs. It needs no script.

use serde_json::Value;

use super::examples::write_examples;
use super::fields::{Side, fields, write_fields};
use super::html::{escape, push};
use crate::problem::PAGES;

pub(super) const STYLE: &str = concat!(include_str!("palette.css"), include_str!("page.css"));
const METHODS: [&str; 3] = ["get", "post", "delete"];

/// The same mark as on the handset page.
pub(super) const MARK: &str = r##"<svg width="28" height="28" viewBox="0 0 32 32" aria-hidden="true"><rect x="7" y="2" width="18" height="28" rx="5" fill="#4353d6"/><rect x="9.5" y="5.5" width="13" height="18" rx="2" fill="#fff"/><g fill="#4353d6"><circle cx="12.6" cy="14.5" r="1.5"/><circle cx="16" cy="14.5" r="1.5"/><circle cx="19.4" cy="14.5" r="1.5"/></g><rect x="13.5" y="26" width="5" height="1.6" rx=".8" fill="#fff"/></svg>"##;

pub(super) fn of(document: &Value) -> String {
    let text = |at: &str| escape(document.pointer(at).and_then(Value::as_str).unwrap_or_default());
    let groups: Vec<_> = list(document, "tags")
        .iter()
        .map(|tag| {
            let name = tag["name"].as_str().unwrap_or_default();
            let mut calls: Vec<_> = calls(document).filter(|call| call.is_of(name)).collect();
            calls.sort_by_key(Call::place);
            (escape(tag["description"].as_str().unwrap_or_default()), calls)
        })
        .collect();
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light \
         dark\"><title>{title} API</title><style>{STYLE}</style><header class=\"bar\">{MARK}<h1>{title} \
         <span>API {version}</span></h1><a href=\"/openapi.json\">openapi.json</a></header><div \
         class=\"layout\">",
        title = text("/info/title"),
        version = text("/info/version"),
    );
    write_contents(&mut page, &groups);
    push(
        &mut page,
        format_args!(
            "<main><section class=\"card\" id=\"start\"><h3><a href=\"#start\">Start</a></h3><p>{}</p><p>Send your \
             API key with every call: <code>Authorization: Bearer KEY</code>. The examples take it \
             from the variable <code>OTPMUX_API_KEY</code>, and the gateway's address from \
             <code>OTPMUX_URL</code>, such as <code>http://127.0.0.1:8080</code>.</p></section>",
            text("/info/description"),
        ),
    );
    for (about, calls) in &groups {
        push(&mut page, format_args!("<h2>{about}</h2>"));
        for call in calls {
            write_call(&mut page, document, call);
        }
    }
    write_problems(&mut page, document);
    page.push_str("</main></div></html>");
    page
}

/// One call of the document.
pub(super) struct Call<'a> {
    pub(super) path: &'a str,
    pub(super) method: &'static str,
    value: &'a Value,
}

impl<'a> Call<'a> {
    fn text(&self, key: &str) -> String {
        escape(self.value[key].as_str().unwrap_or_default())
    }

    fn is_of(&self, tag: &str) -> bool {
        self.value["tags"][0] == tag
    }

    /// The order in which an application uses the calls; an OpenAPI document has no order.
    fn place(&self) -> usize {
        const ORDER: [&str; 12] = [
            "create_verification",
            "verify_code",
            "resend_verification",
            "show_verification",
            "cancel_verification",
            "show_capabilities",
            "healthz",
            "readyz",
            "metrics",
            "reload_configuration",
            "docs",
            "problem",
        ];
        ORDER.iter().position(|id| self.value["operationId"] == **id).unwrap_or(ORDER.len())
    }

    /// The schema of the request body.
    pub(super) fn body(&self) -> Option<&'a Value> {
        self.value.pointer("/requestBody/content/application~1json/schema")
    }

    fn headers(&self) -> impl Iterator<Item = &'a Value> {
        list(self.value, "parameters").iter().filter(|it| it["in"] == "header")
    }

    pub(super) fn takes_header(&self, name: &str) -> bool {
        self.headers().any(|header| header["name"] == name)
    }

    /// Whether the call needs an API key: an empty security requirement means that it does not.
    pub(super) fn needs_key(&self) -> bool {
        self.value.get("security").is_none()
    }

    fn answers(&self) -> impl Iterator<Item = Answer<'a>> {
        let responses = self.value["responses"].as_object().into_iter().flatten();
        responses.map(|(status, value)| {
            let content = value["content"].as_object().and_then(|content| content.iter().next());
            let (kind, content) =
                content.map_or(("", &Value::Null), |(kind, content)| (kind.as_str(), content));
            Answer {
                status,
                about: value["description"].as_str().unwrap_or_default(),
                schema: &content["schema"],
                is_problem: kind == "application/problem+json",
            }
        })
    }
}

struct Answer<'a> {
    status: &'a str,
    about: &'a str,
    schema: &'a Value,
    is_problem: bool,
}

impl Answer<'_> {
    fn class(&self) -> char {
        self.status.chars().next().unwrap_or('2')
    }
}

fn calls(document: &Value) -> impl Iterator<Item = Call<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        METHODS
            .into_iter()
            .filter_map(move |method| Some(Call { path, method, value: item.get(method)? }))
    })
}

fn write_contents(page: &mut String, groups: &[(String, Vec<Call<'_>>)]) {
    page.push_str("<nav aria-label=\"Contents\"><a href=\"#start\">Start</a>");
    for (about, calls) in groups {
        push(page, format_args!("<div><h2>{about}</h2><ul>"));
        for call in calls {
            let (id, summary, method) =
                (call.text("operationId"), call.text("summary"), call.method);
            push(
                page,
                format_args!(
                    "<li><a href=\"#{id}\"><span class=\"method\" data-method=\"{method}\">{}</span>\
                     {summary}</a>",
                    method.to_uppercase(),
                ),
            );
        }
        page.push_str("</ul></div>");
    }
    page.push_str("<a href=\"#problems\">Problems</a></nav>");
}

fn write_call(page: &mut String, document: &Value, call: &Call<'_>) {
    push(
        page,
        format_args!(
            "<section class=\"card\" id=\"{id}\"><h3><a href=\"#{id}\">{summary}</a></h3><p \
             class=\"call\"><span class=\"method\" data-method=\"{method}\">{name}</span> \
             <code>{path}</code></p><p class=\"about\">{about}{key}</p>",
            id = call.text("operationId"),
            summary = call.text("summary"),
            method = call.method,
            name = call.method.to_uppercase(),
            path = escape(call.path),
            about = call.text("description"),
            key = if call.needs_key() { "" } else { " Needs no API key." },
        ),
    );
    let mut headers = call.headers().peekable();
    if headers.peek().is_some() {
        page.push_str("<div><h4>Headers</h4><dl class=\"fields\">");
        for header in headers {
            let text = |key: &str| escape(header[key].as_str().unwrap_or_default());
            push(
                page,
                format_args!(
                    "<div><dt><code>{}</code><span class=\"kind\">string</span></dt><dd>{}</dd></div>",
                    text("name"),
                    text("description"),
                ),
            );
        }
        page.push_str("</dl></div>");
    }
    if let Some(schema) = call.body() {
        let fields = fields(document, schema);
        if !fields.is_empty() {
            page.push_str("<div><h4>Takes</h4>");
            write_fields(page, &fields, Side::Request);
            page.push_str("</div>");
        }
    }
    write_examples(page, document, call);
    let (problems, answers): (Vec<_>, Vec<_>) = call.answers().partition(|it| it.is_problem);
    page.push_str("<div><h4>Answers</h4>");
    for answer in answers {
        push(
            page,
            format_args!(
                "<p class=\"status\"><span class=\"pill\" data-class=\"{}\">{}</span><span>{}</span></p>",
                answer.class(),
                escape(answer.status),
                escape(answer.about),
            ),
        );
        write_fields(page, &fields(document, answer.schema), Side::Answer);
    }
    page.push_str("</div>");
    if !problems.is_empty() {
        page.push_str("<div><h4>Problems</h4><p class=\"pills\">");
        for problem in problems {
            let (class, status) = (problem.class(), escape(problem.status));
            push(
                page,
                format_args!(
                    "<a class=\"pill\" data-class=\"{class}\" href=\"#status-{status}\">{status}</a> "
                ),
            );
        }
        page.push_str("</p></div>");
    }
    page.push_str("</section>");
}

/// Writes the form of a problem and the meaning of each status, once for all calls.
fn write_problems(page: &mut String, document: &Value) {
    page.push_str(
        "<h2>Problems</h2><section class=\"card\" id=\"problems\"><h3><a href=\"#problems\">What every \
         problem says</a></h3><p class=\"about\">Whatever is no success is a problem (RFC 9457), as \
         <code>application/problem+json</code>. Programs look at <code>type</code>; the texts are \
         for people.</p>",
    );
    let problem = &document["components"]["schemas"]["Problem"];
    write_fields(page, &fields(document, problem), Side::Answer);
    page.push_str("<div><h4>Types, each with its cause and what to do</h4><p class=\"pills\">");
    for (kind, _) in PAGES {
        push(page, format_args!("<a class=\"pill\" href=\"/problems/{kind}\">{kind}</a> "));
    }
    page.push_str("</p></div>");
    page.push_str(
        "</section><section class=\"card\" id=\"statuses\"><h3><a href=\"#statuses\">What each \
                   status means</a></h3><dl class=\"meanings\">",
    );
    let mut told: Vec<&str> = Vec::new();
    let mut all: Vec<_> =
        calls(document).flat_map(|call| call.answers().collect::<Vec<_>>()).collect();
    // The description of a single call comes after those that several calls share.
    all.sort_by_key(|answer| answer.status);
    for answer in all.iter().filter(|answer| answer.is_problem) {
        if told.contains(&answer.status) {
            continue;
        }
        told.push(answer.status);
        let same = all.iter().filter(|other| other.is_problem && other.status == answer.status);
        let mut abouts: Vec<_> = same.map(|other| other.about).collect();
        // The longest first: it may repeat others, which most calls share.
        abouts.sort_by_key(|about| std::cmp::Reverse(about.len()));
        let mut about = String::new();
        for part in abouts.iter().flat_map(|about| about.split("; ")) {
            if !about.contains(part) {
                about = if about.is_empty() { part.to_owned() } else { format!("{about}; {part}") };
            }
        }
        let (class, status) = (answer.class(), escape(answer.status));
        push(
            page,
            format_args!(
                "<div id=\"status-{status}\"><dt><span class=\"pill\" \
                 data-class=\"{class}\">{status}</span></dt><dd>{}</dd></div>",
                escape(&about),
            ),
        );
    }
    page.push_str("</dl></section>");
}

pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> (Value, String) {
        let document = crate::openapi();
        let page = of(&document);
        (document, page)
    }

    #[test]
    fn the_page_names_every_call_and_is_whole() {
        let (document, page) = page();
        for call in calls(&document) {
            let id = call.text("operationId");
            assert!(page.contains(&escape(call.path)), "{id}");
            assert!(page.contains(&format!("<a href=\"#{id}\"><span class=\"method\"")), "{id}");
            assert!(page.contains(&format!("<section class=\"card\" id=\"{id}\">")), "{id}");
            for answer in call.answers().filter(|answer| answer.is_problem) {
                let target = format!("<div id=\"status-{}\">", answer.status);
                assert_eq!(page.matches(&target).count(), 1, "{target}");
            }
        }
        for (element, end) in [("<section", "</section>"), ("<dl", "</dl>"), ("<div", "</div>")] {
            assert_eq!(page.matches(element).count(), page.matches(end).count(), "{element}");
        }
        for attribute in ["href", "src", "action"] {
            assert!(!page.contains(&format!("{attribute}=\"http")), "{attribute}");
        }
        assert!(!page.contains("url(") && !page.contains("@import"));
        assert!(!page.contains("<script") && !page.contains("<table"));
    }

    #[test]
    fn no_meaning_of_a_status_is_shown_twice() {
        let (_, page) = page();
        assert_eq!(page.matches("no valid API key").count(), 1);
        assert_eq!(page.matches("is still under way").count(), 1);
    }
}
