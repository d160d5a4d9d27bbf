//! Numbers of the whole world get messages by decision only.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Ended, File, program, run};

const SERVICE: &str = "[providers.p]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\n\
                       [[server.api_keys]]\nname = \"shop\"\nkey = \"env:API_KEY\"\n";
const NO_GLOBAL: &str = "no limit `global` under [limits]";

fn on(file: &File, arguments: &[&str]) -> Command {
    let mut command = program();
    command
        .args(arguments)
        .arg(file.path())
        .env("KEY", "made-up-key")
        .env("API_KEY", "made-up api key of 32 bytes or more");
    command
}

fn check(text: &str) -> Ended {
    run(&mut on(&File::new(text), &["check-config"]), "")
}

/// The log of `serve` until it listens, and the file that it may read again.
fn log_of_serve(text: &str) -> String {
    let file = File::new(text);
    let mut serve = on(&file, &["serve", "--json", "--listen", "127.0.0.1:0", "--config"]);
    let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    let ready: Result<Value, _> = serde_json::from_str(&line);
    assert!(ready.is_ok_and(|ready| ready["listening"].is_string()), "{line}{log}");
    log
}

#[test]
fn a_service_without_countries_does_not_start() {
    let file = File::new(SERVICE);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--config"];
    for ended in [run(&mut on(&file, &serve), ""), check(SERVICE)] {
        assert_eq!(ended.status, Some(2), "{}", ended.everything());
        for said in ["policy.countries: missing", "countries = [\"IN\"]", "countries = \"any\""] {
            assert!(ended.stderr.contains(said), "{said}\n{}", ended.stderr);
        }
        assert_eq!(ended.stdout, "");
    }
}

/// A service needs more than a client: a key that is missing is reported together with the other mistakes.
#[test]
fn all_mistakes_of_a_service_are_reported_at_once() {
    let wrong = "[providers.p]\nkind = \"easyotp\"\napi_key = \"env:NONE\"\n\
                 [policy]\nttl = \"long\"\n[store]\nurl = \"sqlite:/no/such/directory/otpmux.db\"\n";
    let serve = ["serve", "--listen", "127.0.0.1:0", "--config"];
    let served = |text: &str| {
        let ended = run(&mut on(&File::new(text), &serve), "");
        assert_eq!((ended.status, &*ended.stdout), (Some(2), ""), "{}", ended.everything());
        ended.stderr
    };
    let expected = ["providers.p.api_key: ", "policy.ttl: ", "store.url: the directory "];
    let keyless = served(wrong);
    for said in expected.iter().chain(&["server.api_keys: without a key"]) {
        assert!(keyless.contains(said), "{said}\n{keyless}");
    }
    let unset = format!("{wrong}[[server.api_keys]]\nname = \"shop\"\nkey = \"env:UNSET\"\n");
    for errors in [served(&unset), check(&unset).stderr] {
        let key = "server.api_keys[0].key: the environment variable `UNSET` is not set";
        for said in expected.iter().chain(&[key]) {
            assert!(errors.contains(said), "{said}\n{errors}");
        }
    }
    // Of a section that cannot be read, nothing else is known.
    let errors = served(&format!("server = 7\n{wrong}"));
    assert!(errors.contains("server: ") && !errors.contains("server.api_keys"), "{errors}");
}

#[test]
fn a_service_that_says_any_starts_and_is_warned_of_no_global_limit_in_one_line() {
    for countries in ["\"any\"", "[\"IN\"]"] {
        let open = format!("{SERVICE}[policy]\ncountries = {countries}\n");
        let bounded = format!("{open}[limits]\nglobal = [\"2000/1d\"]\n");
        let checked = check(&open);
        assert_eq!(checked.status, Some(0), "{}", checked.everything());
        for warned in [checked.stderr, log_of_serve(&open)] {
            let lines: Vec<_> = warned.lines().filter(|line| line.contains(NO_GLOBAL)).collect();
            assert_eq!(lines.len(), 1, "{warned}");
        }
        assert_eq!(check(&bounded).stderr, "");
        assert!(!log_of_serve(&bounded).contains(NO_GLOBAL));
    }
}

#[test]
fn a_variable_decides_too_and_any_is_no_country() {
    let file = File::new(SERVICE);
    let mut check_config = on(&file, &["check-config"]);
    let ended = run(check_config.env("OTPMUX_POLICY__COUNTRIES", "any"), "");
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    for wrong in ["[\"any\"]", "[\"IN\", \"any\"]", "\"all\"", "[]"] {
        let ended = check(&format!("{SERVICE}[policy]\ncountries = {wrong}\n"));
        assert_eq!(ended.status, Some(2), "{wrong}: {}", ended.everything());
        assert!(ended.stderr.contains("policy.countries"), "{wrong}: {}", ended.stderr);
    }
}

/// A file that reaches some countries only has decided, and so has one without the section
/// `server`: programs that use the library choose other limits.
#[test]
fn a_provider_of_some_countries_is_no_open_world() {
    let india = SERVICE.replace("easyotp", "startmessaging");
    let routes = format!("{SERVICE}[[routes]]\ncountries = [\"IN\"]\nproviders = [\"p\"]\n");
    for decided in [india, routes] {
        let ended = check(&decided);
        assert_eq!(ended.status, Some(0), "{}", ended.everything());
        assert!(!ended.stderr.contains("countries"), "{}", ended.stderr);
    }
    let library = SERVICE.split("[[server").next().unwrap();
    let ended = check(library);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    let warned = "warning: policy.countries: missing";
    assert!(ended.stderr.contains(warned), "{}", ended.stderr);
}
