//! A visitor with a browser, who tests the page: prints each property that must hold.

use std::error::Error;
use std::net::SocketAddr;

use otpmux_emulator::Emulator;
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, RequestBuilder, StatusCode, redirect};

const NUMBER: &str = "+919876543210";
/// In the national form.
const TYPED: &str = "098765 43210";
const NO_ENTRY: &str = "This code does not let you in.";

struct Browser {
    http: Client,
    origin: String,
    cookie: Option<String>,
}

pub(crate) async fn visit(address: SocketAddr, emulator: &Emulator) -> Result<(), Box<dyn Error>> {
    let mut browser = Browser::new(address)?;
    let page = browser.page().await?;
    says(&page, r#"autocomplete="tel""#)?;

    // A page of another site cannot submit the forms.
    for origin in [None, Some("http://elsewhere.example")] {
        let mut request = browser.http.post(format!("{}/number", browser.origin));
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        let status = form(request, "number", NUMBER).send().await?.status();
        holds(status == StatusCode::FORBIDDEN, "a form from elsewhere is refused")?;
    }
    holds(emulator.last_code(NUMBER).is_none(), "nothing has been sent yet")?;

    let page = browser.submit("/number", "number", "98").await?;
    says(&page, "with its country")?;

    let page = browser.submit("/number", "number", TYPED).await?;
    says(&page, r#"inputmode="numeric" autocomplete="one-time-code" required"#)?;
    says(&page, "The 6 digits that we have sent to +9•••••••••10")?;
    holds(!page.contains(NUMBER), "the page does not repeat the number")?;
    println!("a code was asked for");

    let page = browser.submit("/again", "", "").await?;
    says(&page, "Please wait: it works again in")?;
    says(&page, "data-wait=")?;

    let code = emulator.last_code(NUMBER).ok_or("there is no message")?;
    let wrong = if code.starts_with('0') { "100000" } else { "000000" };
    let page = browser.submit("/code", "code", wrong).await?;
    says(&page, NO_ENTRY)?;
    println!("a wrong code did not let anybody in");

    // The code is valid in the browser that asked for it, and in no other.
    let mut other = Browser::new(address)?;
    let page = other.submit("/code", "code", &code).await?;
    says(&page, "Your mobile number")?;

    let before = browser.cookie.clone();
    // As pasted: in two halves, with a line end.
    let pasted = format!("{}%C2%A0{}%0A", &code[..3], &code[3..]);
    let page = browser.submit("/code", "code", &pasted).await?;
    says(&page, "You are in as +9•••••••••10.")?;
    other.cookie = before;
    says(&other.page().await?, "Your mobile number")?;
    println!("the right one did, in this browser only");

    let page = browser.submit("/leave", "", "").await?;
    says(&page, "Your mobile number")?;

    // The limit per recipient is two messages a minute.
    browser.submit("/number", "number", NUMBER).await?;
    let page = browser.submit("/number", "number", NUMBER).await?;
    says(&page, "Please wait: it works again in")?;
    println!("and a user who asks too often gets a time to come back");
    Ok(())
}

impl Browser {
    fn new(address: SocketAddr) -> Result<Self, reqwest::Error> {
        let http = Client::builder().redirect(redirect::Policy::none()).no_proxy().build()?;
        Ok(Self { http, origin: format!("http://{address}"), cookie: None })
    }

    async fn page(&self) -> Result<String, reqwest::Error> {
        let mut request = self.http.get(&self.origin);
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        request.send().await?.text().await
    }

    /// Sends a form, keeps the cookie, and follows the redirect.
    async fn submit(
        &mut self,
        path: &str,
        name: &str,
        value: &str,
    ) -> Result<String, Box<dyn Error>> {
        let request = self.http.post(format!("{}{path}", self.origin));
        let mut request = form(request, name, value).header(ORIGIN, &self.origin);
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let answer = request.send().await?;
        holds(answer.status() == StatusCode::SEE_OTHER, "a form answers with a redirect")?;
        let to = answer.headers().get(LOCATION).ok_or("it goes nowhere")?;
        holds(to == "/", "the address says nothing")?;
        if let Some(cookie) = answer.headers().get(SET_COOKIE) {
            let cookie = cookie.to_str()?;
            says(cookie, "; HttpOnly; SameSite=Lax;")?;
            self.cookie = cookie.split(';').next().map(ToOwned::to_owned);
        }
        Ok(self.page().await?)
    }
}

fn form(request: RequestBuilder, name: &str, value: &str) -> RequestBuilder {
    let body = format!("{name}={}", value.replace('+', "%2B"));
    request.header("Content-Type", "application/x-www-form-urlencoded").body(body)
}

fn says(text: &str, expected: &str) -> Result<(), Box<dyn Error>> {
    holds(text.contains(expected), &format!("expected {expected:?} in {text}"))
}

fn holds(condition: bool, what: &str) -> Result<(), Box<dyn Error>> {
    if condition { Ok(()) } else { Err(format!("this should hold: {what}").into()) }
}
