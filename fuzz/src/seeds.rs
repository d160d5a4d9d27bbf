//! Inputs to start from: the golden wire files, and what is written by hand.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::vendor::{CALLS, STATUSES};

/// A golden wire file, as far as targets use it.
#[derive(Debug)]
struct Golden {
    /// The path and the body of the request.
    request: Vec<u8>,
    method: String,
    status: u16,
    body: Vec<u8>,
}

/// The golden wire files: in `tests/wire`, and in the folders of the adapters.
fn golden() -> Vec<Golden> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["tests/wire", "crates/adapters"] {
        collect(&root.join(folder), &mut files);
    }
    files.sort();
    files.iter().filter_map(|file| read(file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

fn read(file: &Path) -> Option<Golden> {
    let wire: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    let (request, response) = (wire.get("request")?, wire.get("response")?);
    let path = request["path"].as_str()?.trim_start_matches('/');
    Some(Golden {
        request: [path.as_bytes(), b"\n", &bytes(&request["body"])].concat(),
        method: request["method"].as_str()?.to_owned(),
        status: u16::try_from(response["status"].as_u64()?).ok()?,
        body: bytes(&response["body"]),
    })
}

/// A body as it is on the wire.
fn bytes(body: &Value) -> Vec<u8> {
    match body {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        json => json.to_string().into_bytes(),
    }
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

pub(crate) fn recipients() -> Vec<Vec<u8>> {
    let typed = [
        "+919876543210",
        "+14155550123",
        "+4407911123456",
        "+5215512345678",
        "+54 11 15 2345 6789",
        "098765 43210",
        "(415) 555-0123",
        "8 912 345-67-89",
        "0091 98765 43210",
        "tel:+91-98765-43210",
        "+٩١٩٨٧٦٥٤٣٢١٠",
        "\u{200e}+91 98765 43210\u{a0}",
        "06 1234 5678",
        "+39 06 1234 5678",
        "+8801712345678",
        "Ann+shop@Example.com",
        "a.n.n+x@googlemail.com",
        "ann@bücher.example",
        "ann@xn--bcher-kva.example.",
        "a@b@example.com",
        "!#$%&'*+-/=?^_`{|}~@example.co.uk",
        "+tag@example.com",
        "@",
        "+",
        "",
    ];
    typed.iter().zip(0u8..).map(|(text, place)| [&[place % 10], text.as_bytes()].concat()).collect()
}

pub(crate) fn codes() -> Vec<Vec<u8>> {
    texts(&[
        "004217",
        "0042",
        "1234567890",
        "004 217\n",
        "004-217",
        "\u{200e}００４２１７",
        "٠٠٤٢١٧",
        "G-004217",
        " s3cret-key\r\n",
        "\u{feff}sk_live_1",
        "\"quoted\"",
        "s3\u{a0}cret",
        "",
    ])
}

pub(crate) fn settings() -> Vec<Vec<u8>> {
    texts(&[
        "500ms",
        "10s",
        "5m",
        "1h",
        "7d",
        "0s",
        "18446744073709551615ms",
        "99999999999999999999h",
        "1.5s",
        "10s\n2/1m\n15/1h\n50/1d",
        "15/1h/2",
        "+15/1h",
        "4294967295/584942417355d",
        "any",
        "managed",
        r#"{"timeout":"10s","limits":["2/1m"],"countries":["IN"],"mode":"managed","length":6}"#,
        r#"{"limits":[],"countries":"any"}"#,
    ])
}

pub(crate) fn configurations() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut seeds: Vec<_> = fs::read(root.join("deploy/otpmux.toml")).into_iter().collect();
    seeds.extend(texts(&[
        "[providers.p]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\n",
        "[store]\nurl = \"memory:\"\ncapacity = 10\n[[server_keys]]\nid = \"a\"\nkey = \"env:SERVER_KEY\"\n",
        "[policy]\ncountries = [\"IN\", \"GB+\"]\ndeadline = \"20s\"\nchannels = [\"sms\", \"voice\"]\n",
        "[limits]\nrecipient = [\"2/1m\", \"15/1h\"]\nglobal = []\n",
        "[[routes]]\nname = \"india\"\nproviders = [\"p\"]\n",
        "[server]\nlisten = \"127.0.0.1:8080\"\ntrusted_proxies = [\"10.0.0.0/8\"]\n\
         [[server.api_keys]]\nname = \"web\"\nkey = \"env:KEY\"\n",
        "a = 1\na = 2\n", "a.b.c = '''x\n'''\n", "[a]\n[a.b]\n[[a.b]]\n", "x = 1979-05-27T07:32:00Z\n",
        "x = [1, { y = nan }, inf]\n", "\u{feff}", "",
    ]));
    seeds
}

/// Each golden answer, to each call of the first providers.
pub(crate) fn vendor_answers() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (wire, place) in golden().iter().zip(0u8..=u8::MAX).collect::<Vec<_>>() {
        let status = STATUSES.iter().position(|status| *status == wire.status).unwrap_or_default();
        let status = u8::try_from(status).unwrap_or_default();
        for provider in [place, place.wrapping_add(7)] {
            for call in 0..CALLS {
                seeds.push([&[provider, call, status, 0], wire.body.as_slice()].concat());
            }
        }
    }
    for body in ["", "null", "[]", "{}", "\"verified\"", "true", "<html>", "0", "120\n", "{\"a\":"]
    {
        for fields in 0..8 {
            seeds.push([&[0, 1, fields, fields], body.as_bytes()].concat());
        }
    }
    seeds
}

/// A record as the store writes it, and the other answers of its scripts.
pub(crate) fn redis_replies() -> Vec<Vec<u8>> {
    let time = [1, 0x9a, 0xce, 0x5f, 0x20, 0];
    let field = |bytes: &[u8]| {
        let length = u8::try_from(bytes.len()).expect("a short field");
        [&[length], bytes].concat()
    };
    let head =
        [&b"\x01p\0\0\0\x01\0\0\0\x05"[..], &time, &[0; 4], &time, &[0xab; 32], &[0]].concat();
    let code = [&[2][..], &[0xcd; 32], b"a"].concat();
    let fields: [&[u8]; 10] = [b"A", &code, b"login", b"", b"", b"", b"", &[6], b"a", b"sealed"];
    let attempt = [&[7; 16][..], &time, &[1, 1], &field(b"p")].concat();
    let end = [&[0, 0][..], &field(b""), &field(b"=ref-1"), &field(b"")].concat();
    let delivery = [&[0, 0][..], &[0, 0x5a, 0xf3, 0x10, 0x7a, 0x40]].concat();
    let entries = [(b'A', &attempt), (b'E', &end), (b'D', &delivery)]
        .map(|(letter, body)| [&[letter][..], &field(body)].concat());
    let record = [head, fields.map(field).concat(), entries.concat()].concat();
    let mut seeds = vec![[&b"\0record\0"[..], &record].concat()];
    seeds.extend(texts(&[
        "\0none",
        "\u{1}marks\0*",
        "\u{1}marks\0*{}\u{1}{\"provider\":\"p\"}",
        "\u{2}cancelled",
        "\u{2}over",
        "\u{3}time\0:1764400000000",
        "\u{3}\0:-1",
        "\u{4}keys",
        "\u{4}\0:0",
        "\u{5}done",
        "\u{5}",
    ]));
    seeds
}

pub(crate) fn gateway_requests() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (call, line, body) in [
        (0, "", r#"{"to":"+919876543210"}"#),
        (
            0,
            "key-1",
            r#"{"to":"98765 43210","country":"IN","channel":"sms","purpose":"login","locale":"en"}"#,
        ),
        (
            0,
            "203.0.113.7",
            r#"{"to":"ann@example.com","channel":"email","client":{"ip":"203.0.113.7","user_agent":"x"}}"#,
        ),
        (
            0,
            "",
            r#"{"to":"+14155550123","ttl":"5m","code_length":6,"message":"x {code}","metadata":{}}"#,
        ),
        (2, "", r#"{"code":"004217"}"#),
        (2, "key-2", r#"{"code":"004 217","to":"+919876543210","purpose":"login"}"#),
        (3, "", r#"{"to":"+919876543210","purpose":"login","code":"004217"}"#),
        (3, "key-3", r#"{"to":"98765 43210","country":"IN","code":"004 217"}"#),
        (3, "", r#"{"external_id":"order-7","code":"004217","client":{"ip":"203.0.113.7"}}"#),
        (4, "", r#"{"channel":"voice"}"#),
        (4, "", ""),
        (5, "7b4d6022-7260-4568-b6b7-29c366c47bbc", ""),
        (6, "", ""),
        (7, "v1/admin/reload", ""),
        (8, "readyz", ""),
        (8, "openapi.json", ""),
        (8, "docs?x=%00", ""),
        (9, "", ""),
    ] {
        for with in [0, 4, 8, 12, 2, 1, 16, 32] {
            seeds.push([&[call, with], line.as_bytes(), b"\n", body.as_bytes()].concat());
        }
    }
    // A hook: JSON, and a form.
    for (line, with, body) in [
        ("", 64, r#"{"to":"+919876543210","code":"482913","id":"1","locale":"en"}"#),
        ("", 64, r#"{"to":"98765 43210","text":"Your code is 482913","channel":"voice"}"#),
        ("application/x-www-form-urlencoded", 96, "to=%2B919876543210&text=482913%20is%20it"),
    ] {
        seeds.push([&[1, with], line.as_bytes(), b"\n", body.as_bytes()].concat());
    }
    seeds
}

/// Each golden request, with each credential.
pub(crate) fn emulator_requests() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for wire in golden() {
        let method = u8::from(wire.method != "POST");
        for credential in 0..9 {
            seeds.push([&[method + 4 * credential], wire.request.as_slice()].concat());
        }
    }
    for (method, request) in [
        (1, "_emulator\n"),
        (1, "_emulator/messages?vendor=easyotp&to=%2B919876543210\n"),
        (1, "_emulator/requests\n"),
        (1, "\n"),
        (0, "_emulator/clock\n{\"advance_seconds\":60}"),
        (2, "_emulator/faults/easyotp\n{\"kind\":\"status\",\"status\":500}"),
        (2, "_emulator/accounts/easyotp\n{\"balance\":\"10.50\"}"),
        (3, "_emulator/messages\n"),
    ] {
        seeds.push([&[method], request.as_bytes()].concat());
    }
    seeds
}
