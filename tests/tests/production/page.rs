//! The programs on the gateway's page, copied from it and run.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::support::{API_KEY, Serving};

const NUMBER: &str = "+919876543210";
/// The id in every example.
const ID: &str = "0af7651916cd43dd8448eb211c80319c";
/// For a busy machine; it is much faster otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the page's programs are run, in the order in which they stand there.
const LANGUAGES: [&[&str]; 3] =
    [&["sh", "-c"], &["python3", "-c"], &["node", "--input-type=module", "-e"]];

/// The text of the page for a call in a language, as a browser would copy it.
fn example(page: &str, call: &str, language: usize) -> String {
    let section = page.split(&format!("<section class=\"card\" id=\"{call}\">")).nth(1);
    let section = section.expect(call).split("</section>").next().expect("an end");
    let text = section.split("<pre>").nth(language + 1).expect("an example");
    let text = text.split("</pre>").next().expect("an end");
    text.replace("&quot;", "\"").replace("&lt;", "<").replace("&amp;", "&")
}

async fn run(language: usize, program: &str, gateway: &str) -> String {
    let [command, arguments @ ..] = LANGUAGES[language] else { panic!("a command") };
    let ended = Command::new(command)
        .args(arguments)
        .arg(program)
        .env("OTPMUX_URL", gateway)
        .env("OTPMUX_API_KEY", API_KEY)
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended = timeout(PATIENCE, ended).await.expect("an end in time");
    let ended = ended.unwrap_or_else(|error| {
        panic!("{command} cannot be started ({error}); scripts/check installs it")
    });
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{program}\n{errors}");
    String::from_utf8(ended.stdout).unwrap()
}

#[tokio::test]
async fn every_example_of_the_page_does_what_it_says() {
    for language in 0..LANGUAGES.len() {
        let serving = Serving::start("", false).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let page = http.get(format!("{}/docs", serving.url())).send().await.unwrap();
        let page = page.text().await.unwrap();
        let create = example(&page, "create_verification", language);
        let sent = run(language, &create, &serving.url()).await;
        let id = sent.split("\"id\":\"").nth(1).and_then(|rest| rest.get(..32)).expect(&sent);
        let code = serving.emulator.last_code(NUMBER).expect("a message");
        for (call, expected) in [
            ("show_verification", "\"reason\":\"preferred\""),
            ("verify_code", "\"verdict\":\"approved\""),
            ("show_capabilities", "\"channels\":"),
            ("healthz", "\"status\":\"ok\""),
        ] {
            let program = example(&page, call, language).replace(ID, id).replace("004217", &code);
            let answer = run(language, &program, &serving.url()).await;
            assert!(answer.contains(expected), "{program}\n{answer}");
        }
        serving.end().await;
    }
}
