use std::net::IpAddr;
use std::time::Duration;

use lettre::message::Mailbox;
use otpmux_core::settings::{Adapter, ConfigError, VendorSettings, required};
use otpmux_core::{Capabilities, ProviderId, Secret};

use crate::Smtp;
use crate::provider::capabilities;

/// The subject if neither a message nor the settings have one without the code.
const SUBJECT: &str = "Your verification code";

otpmux_core::settings! {
    /// The settings of one mail server; [`Smtp::builder`] makes them.
    #[derive(Clone, Debug)]
    pub struct SmtpBuilder {
        /// The name or address of the mail server. The name must be in its certificate.
        pub host: Option<String> = None, text().required().check(check_host),
            example "smtp.example.com";
        /// The port. Absent: 587 with `starttls`, 465 with `implicit`, 25 with `none`.
        pub port: Option<u32> = None, integer(1..=65_535), example 587;
        /// When TLS begins: `starttls` (after a greeting in clear text; a server that does not offer it
        /// gets nothing), `implicit` (with the connection), or `none` (never; for loopback
        /// addresses only).
        pub tls: String = "starttls".to_owned(), choice(&["starttls", "implicit", "none"]),
            example "implicit";
        /// The user name. Absent: no login.
        pub username: Option<String> = None, text().check(check_line), example "otp@example.com";
        /// The password; with `auth = "xoauth2"` the access token. Absent: no login.
        pub password: Option<Secret> = None, secret(), example "env:SMTP_PASSWORD";
        /// The way to log in: `auto` (the first that the server offers of `plain` and `login`), `plain`,
        /// `login` or `xoauth2`.
        pub auth: String = "auto".to_owned(), choice(&["auto", "plain", "login", "xoauth2"]),
            example "login";
        /// The sender: an address, with or without a name. Without a name, the name of the service
        /// is used.
        pub from: Option<String> = None, text().required().check(check_mailbox),
            example "Acme <otp@example.com>";
        /// Where replies go. Absent: to the sender.
        pub reply_to: Option<String> = None, text().check(check_mailbox), example "help@example.com";
        /// The subject of messages that have none, and of those whose subject holds the code while
        /// `code_in_subject` is false.
        pub subject: String = SUBJECT.to_owned(), text().check(check_line), example "Your Acme code";
        /// Allow the code in the subject. Lock screens and logs of mail servers show subjects.
        pub code_in_subject: bool = false, flag(), example true;
        /// The name by which otpmux greets the server (`EHLO`). Absent: the domain of `from`.
        pub ehlo_name: Option<String> = None, text().check(check_host), example "app.example.com";
        /// A file with certificates in PEM form that are trusted beside those of the system.
        /// Absent: those of the system only.
        pub ca_file: Option<String> = None, text(), example "/etc/otpmux/mail-ca.pem";
        /// How long one message may take, from connecting to the server's last answer.
        pub timeout: Duration = Duration::from_secs(15),
            duration(Duration::from_millis(100)..=Duration::from_mins(5)), example "20s";
        /// How long connecting may take. Absent: 5s, and at most half of `timeout`.
        pub connect_timeout: Option<Duration> = None,
            duration(Duration::from_millis(50)..=Duration::from_mins(1)), example "3s";
        /// How long an idle connection is kept for the next message. 0s uses none twice.
        pub pool_idle_timeout: Duration = Duration::from_secs(20),
            duration(Duration::ZERO..=Duration::from_mins(4)), example "60s";
    }
}

/// The adapter, for a registry.
pub const ADAPTER: Adapter = SmtpBuilder::ADAPTER;

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    Upgrade,
    Implicit,
    None,
}

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Tls,
    pub(crate) login: Option<(String, Secret)>,
    pub(crate) from: Mailbox,
    pub(crate) reply_to: Option<Mailbox>,
    pub(crate) ehlo_name: String,
    pub(crate) connect_timeout: Duration,
}

impl SmtpBuilder {
    /// Builds the provider under a name of your choice. Opens no connection.
    ///
    /// # Errors
    ///
    /// The first value that is not valid, with its key as the path.
    pub fn build(&self, name: &str) -> Result<Smtp, ConfigError> {
        self.build_as(name)
    }

    pub(crate) fn checked(&self) -> Result<Checked, ConfigError> {
        let host = required("host", &self.host)?;
        let tls = match self.tls.as_str() {
            "implicit" => Tls::Implicit,
            "none" => Tls::None,
            _ => Tls::Upgrade,
        };
        if tls == Tls::None && !is_loopback(&host) {
            let message = "must be `starttls` or `implicit`: `none` is for loopback addresses only";
            return Err(ConfigError::new("tls", message));
        }
        let login = match (&self.username, &self.password) {
            (None, None) => None,
            (Some(user), Some(password)) => {
                check_line(password.expose()).map_err(|rule| ConfigError::new("password", rule))?;
                Some((user.clone(), password.clone()))
            }
            (Some(_), None) => {
                return Err(ConfigError::new("password", "missing; `username` needs it"));
            }
            (None, Some(_)) => {
                return Err(ConfigError::new("username", "missing; `password` needs it"));
            }
        };
        let from = mailbox("from", &required("from", &self.from)?)?;
        let reply_to = self.reply_to.as_deref().map(|text| mailbox("reply_to", text));
        let half = self.timeout / 2;
        let connect_timeout = self.connect_timeout.unwrap_or(Duration::from_secs(5).min(half));
        if connect_timeout >= self.timeout {
            return Err(ConfigError::new("connect_timeout", "must be shorter than `timeout`"));
        }
        Ok(Checked {
            // The range of the key has only ports.
            port: self.port.and_then(|port| u16::try_from(port).ok()).unwrap_or(match tls {
                Tls::Upgrade => 587,
                Tls::Implicit => 465,
                Tls::None => 25,
            }),
            ehlo_name: self.ehlo_name.clone().unwrap_or_else(|| from.email.domain().to_owned()),
            reply_to: reply_to.transpose()?,
            host,
            tls,
            login,
            from,
            connect_timeout,
        })
    }
}

impl VendorSettings for SmtpBuilder {
    const KIND: &'static str = "smtp";
    type Provider = Smtp;

    fn describe(&self) -> Result<Capabilities, ConfigError> {
        self.checked().map(|_| capabilities())
    }

    fn provider(&self, id: ProviderId) -> Result<Smtp, ConfigError> {
        Smtp::new(id, self)
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn check_host(text: &str) -> Result<(), String> {
    let fits = text.len() <= 253
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
        && (text.parse::<IpAddr>().is_ok() || !text.contains(':'));
    let rule = || "must be a host name or an IP address, without a port".to_owned();
    fits.then_some(()).ok_or_else(rule)
}

fn check_line(text: &str) -> Result<(), String> {
    let rule = || "must not hold control characters or line ends".to_owned();
    (!text.contains(char::is_control)).then_some(()).ok_or_else(rule)
}

fn check_mailbox(text: &str) -> Result<(), String> {
    check_line(text)?;
    let rule = |_| "must be an address such as `Acme <otp@example.com>`".to_owned();
    text.parse::<Mailbox>().map(drop).map_err(rule)
}

fn mailbox(key: &str, text: &str) -> Result<Mailbox, ConfigError> {
    check_mailbox(text).map_err(|rule| ConfigError::new(key, rule))?;
    // Checked by the line above.
    text.parse().map_err(|_| ConfigError::new(key, "must be an address"))
}

#[cfg(test)]
mod tests {
    use otpmux_core::settings::{Section as _, SettingsReader};
    use serde_json::{Value, json};

    use super::*;

    fn build(table: &Value) -> Result<Checked, String> {
        let resolve = |_: &str| Ok(Secret::new("swordfish"));
        let settings = SettingsReader::new(&resolve)
            .read("p", ADAPTER.settings, table.as_object().unwrap())
            .map_err(|errors| errors[0].to_string())?;
        let mut builder = SmtpBuilder::default();
        builder.apply(&settings);
        builder.checked().map_err(|error| settings.locate(error).to_string())
    }

    #[test]
    fn the_port_follows_tls() {
        for (tls, host, port) in [
            ("starttls", "smtp.example.com", 587),
            ("implicit", "smtp.example.com", 465),
            ("none", "127.0.0.1", 25),
        ] {
            let table = json!({ "host": host, "tls": tls, "from": "otp@example.com" });
            let checked = build(&table).unwrap();
            assert_eq!((checked.port, &*checked.ehlo_name), (port, "example.com"));
        }
    }

    #[test]
    fn names_what_is_wrong() {
        let good = json!({ "host": "smtp.example.com", "from": "Acme <otp@example.com>" });
        for (change, expected) in [
            (json!({ "host": null }), "p.host: missing"),
            (json!({ "host": "smtp.example.com:25" }), "p.host: must be a host name"),
            (json!({ "host": "a b" }), "p.host: must be a host name"),
            (json!({ "from": "otp" }), "p.from: must be an address such as"),
            (
                json!({ "from": "A <otp@example.com>\r\nBcc: b@example.com" }),
                "p.from: must not hold",
            ),
            (json!({ "reply_to": "nobody" }), "p.reply_to: must be an address"),
            (json!({ "subject": "a\nb" }), "p.subject: must not hold control"),
            (json!({ "tls": "none" }), "p.tls: must be `starttls` or `implicit`"),
            (json!({ "tls": "none", "host": "127.0.0.1.example.com" }), "p.tls: must be"),
            (json!({ "username": "otp" }), "p.password: missing"),
            (json!({ "password": "env:P" }), "p.username: missing"),
            (
                json!({ "timeout": "1s", "connect_timeout": "1s" }),
                "p.connect_timeout: must be shorter",
            ),
        ] {
            let mut table = good.clone();
            for (key, value) in change.as_object().unwrap() {
                table[key] = value.clone();
            }
            table.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            let error = build(&table).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
            assert!(!error.contains("swordfish"));
        }
    }
}
