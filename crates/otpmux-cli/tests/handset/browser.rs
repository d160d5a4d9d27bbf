//! A real Chromium, driven over the `WebDriver` protocol.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// Far more than anything on the page takes, also on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);
/// The key of the reference to an element in `WebDriver`.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A private-use character for each key, as `WebDriver` has them.
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";

pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    client: reqwest::Client,
    /// The profile, and all that the browser leaves behind; removed after its end.
    _temporary: TempDir,
}

impl Browser {
    /// A new browser, with an empty profile, that shows the page once its stream is open.
    pub(crate) async fn open(url: &str) -> Self {
        let browser = Self::at(url).await;
        browser.wait_for("#link", "Live").await;
        browser
    }

    /// The same for any page.
    pub(crate) async fn at(url: &str) -> Self {
        let temporary = TempDir::new().unwrap();
        let (driver, port) = start_driver(temporary.path());
        let profile = format!("--user-data-dir={}", temporary.path().join("profile").display());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut browser =
            Self { driver, port, session: String::new(), client, _temporary: temporary };
        let options = json!({ "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en-GB", profile,
        ]});
        let wanted = json!({
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let capabilities = json!({ "capabilities": { "alwaysMatch": wanted } });
        let session = browser.call("POST", "", capabilities).await;
        browser.session = format!("/{}", session["sessionId"].as_str().unwrap());
        browser.resize(1280, 900, false).await;
        browser.call("POST", "/url", json!({ "url": url })).await;
        browser
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("http://127.0.0.1:{}/session{}{path}", self.port, self.session);
        let request = self.client.request(method.parse().unwrap(), url);
        let request = if method == "POST" {
            request.header("content-type", "application/json").body(body.to_string())
        } else {
            request
        };
        let answer = request.timeout(PATIENCE).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {text}");
        serde_json::from_str::<Value>(&text).unwrap()["value"].take()
    }

    async fn chrome(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.call("POST", "/goog/cdp/execute", body).await
    }

    /// Sets the size of the page, and its colours.
    pub(crate) async fn resize(&self, width: u32, height: u32, dark: bool) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.chrome("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if dark { "dark" } else { "light" };
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.chrome("Emulation.setEmulatedMedia", json!({ "features": [feature] })).await;
    }

    /// Runs a function body on the page and returns its result.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.call("POST", "/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// The text of what the selector finds, all of it, one line each; only what can be seen.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let script = format!(
            "return [...document.querySelectorAll({})].filter((node) => node.checkVisibility())\
             .map((node) => node.innerText.replace(/\\s+/g, ' ')).join('\\n')",
            json!(selector)
        );
        self.run(&script).await.as_str().unwrap().to_owned()
    }

    /// Waits until something of the selector is seen to hold the text.
    pub(crate) async fn wait_for(&self, selector: &str, text: &str) {
        let begun = Instant::now();
        loop {
            let seen = self.text(selector).await;
            if seen.contains(text) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "no {text:?} at {selector}, but {seen:?}");
            sleep(PAUSE).await;
        }
    }

    /// Waits for so many lines at the selector, and gives them.
    pub(crate) async fn wait_for_lines(&self, selector: &str, count: usize) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let seen = self.text(selector).await;
            if seen.lines().count() == count {
                return seen.lines().map(str::to_owned).collect();
            }
            assert!(begun.elapsed() < PATIENCE, "no {count} lines at {selector}, but {seen:?}");
            sleep(PAUSE).await;
        }
    }

    async fn find(&self, selector: &str) -> String {
        let by = json!({ "using": "css selector", "value": selector });
        let element = self.call("POST", "/element", by).await;
        element[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Clicks the first that the selector finds, as a pointer would: it must be in view.
    pub(crate) async fn click(&self, selector: &str) {
        let path = format!("/element/{}/click", self.find(selector).await);
        self.call("POST", &path, json!({})).await;
    }

    /// Chooses an option by its text.
    pub(crate) async fn choose(&self, select: &str, option: &str) {
        let path = format!("/element/{}/value", self.find(select).await);
        self.call("POST", &path, json!({ "text": option })).await;
    }

    /// Empties a field and types into it.
    pub(crate) async fn fill(&self, field: &str, text: &str) {
        let element = self.find(field).await;
        self.call("POST", &format!("/element/{element}/clear"), json!({})).await;
        self.call("POST", &format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    /// Presses keys one after the other, wherever the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        let presses: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": presses });
        self.call("POST", "/actions", json!({ "actions": [keyboard] })).await;
    }

    /// Presses Tab until the element of this id has the focus, which must then be seen.
    pub(crate) async fn tab_to(&self, id: &str) {
        for _ in 0..40 {
            self.press(TAB).await;
            let focus = "const e = document.activeElement; \
                return [e.id, getComputedStyle(e).outlineStyle]";
            let focus = self.run(focus).await;
            if focus[0] == id {
                assert_eq!(focus[1], "solid", "the focus on #{id} is not seen");
                return;
            }
        }
        panic!("Tab does not lead to #{id}");
    }

    /// How much wider the page is than what is seen of it.
    pub(crate) async fn overflow(&self) -> i64 {
        let script = "return document.documentElement.scrollWidth - innerWidth";
        self.run(script).await.as_i64().unwrap()
    }

    /// The console's lines since the last call.
    pub(crate) async fn console(&self) -> Vec<Value> {
        let log = self.call("POST", "/se/log", json!({ "type": "browser" })).await;
        log.as_array().unwrap().clone()
    }

    /// A picture of what is seen, as a PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let picture = self.call("GET", "/screenshot", Value::Null).await;
        STANDARD.decode(picture.as_str().unwrap()).unwrap()
    }
}

fn start_driver(temporary: &Path) -> (Child, u16) {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .env("TMPDIR", temporary)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver (scripts/check installs it)");
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| {
        let line = line.ok()?;
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    (driver, port.expect("chromedriver's port"))
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Without this the browser outlives its driver.
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let session = &self.session;
            let _ = stream.set_read_timeout(Some(PATIENCE));
            let end = format!(
                "DELETE /session{session} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(end.as_bytes());
            let _ = stream.read(&mut [0; 1024]);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
