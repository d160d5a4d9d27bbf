use std::fmt;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, TlsParameters, TlsParametersBuilder,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use otpmux_core::ErrorKind;
use otpmux_core::settings::ConfigError;
use tokio::net::TcpStream;

use crate::SmtpBuilder;
use crate::config::{Checked, Tls};
use crate::line_stream::LineStream;
use crate::pool::Pool;
use crate::stage::{Progress, Stage};

/// A server, how to open a connection to it, and the connections that are open.
pub(crate) struct Server {
    host: String,
    port: u16,
    security: Security,
    login: Option<(Vec<Mechanism>, Credentials)>,
    hello: ClientId,
    connect_timeout: Duration,
    pool: Pool,
}

enum Security {
    None,
    StartTls(TlsParameters),
    Implicit(TlsParameters),
}

/// Why a conversation ended early.
pub(crate) enum Trouble {
    /// The server refused a command, or the connection broke.
    Smtp(SmtpError),
    /// Something that the server said, or did not offer.
    Said(ErrorKind, &'static str),
}

impl From<SmtpError> for Trouble {
    fn from(error: SmtpError) -> Self {
        Self::Smtp(error)
    }
}

impl Server {
    pub(crate) fn new(settings: &SmtpBuilder, checked: &Checked) -> Result<Self, ConfigError> {
        let security = match checked.tls {
            Tls::None => Security::None,
            Tls::Upgrade => Security::StartTls(parameters(settings, &checked.host)?),
            Tls::Implicit => Security::Implicit(parameters(settings, &checked.host)?),
        };
        let mechanisms = match settings.auth.as_str() {
            "plain" => vec![Mechanism::Plain],
            "login" => vec![Mechanism::Login],
            "xoauth2" => vec![Mechanism::Xoauth2],
            _ => vec![Mechanism::Plain, Mechanism::Login],
        };
        let login = checked.login.as_ref().map(|(user, password)| {
            (mechanisms, Credentials::new(user.clone(), password.expose().to_owned()))
        });
        Ok(Self {
            host: checked.host.clone(),
            port: checked.port,
            security,
            login,
            hello: ClientId::Domain(checked.ehlo_name.clone()),
            connect_timeout: checked.connect_timeout,
            pool: Pool::new(settings.pool_idle_timeout),
        })
    }

    /// Hands one message to the server. Returns when the server has taken responsibility for it.
    pub(crate) async fn deliver(
        &self,
        progress: &Progress,
        from: &Address,
        to: &Address,
        message: &[u8],
    ) -> Result<(), Trouble> {
        let mut connection = self.begin(progress, from).await?;
        progress.reach(Stage::Recipient);
        connection.command(Rcpt::new(to.clone(), Vec::new())).await?;
        progress.reach(Stage::Data);
        if !connection.command(Data).await?.has_code(354) {
            return Err(Trouble::Said(ErrorKind::Protocol, "the answer to DATA is not 354"));
        }
        let mut whole = Some(message);
        let parts = std::iter::from_fn(|| {
            let part = whole.take();
            if part.is_none() {
                // The client has written the message and now writes the final dot.
                progress.reach(Stage::End);
            }
            part
        });
        if !connection.message_iter(parts).await?.has_code(250) {
            return Err(Trouble::Said(ErrorKind::Protocol, "the answer to the message is not 250"));
        }
        self.pool.put(connection);
        Ok(())
    }

    /// Returns a connection at which the message has begun (`MAIL FROM`). An idle connection that
    /// the server has closed meanwhile is replaced by a new one: nothing of the message was said.
    async fn begin(
        &self,
        progress: &Progress,
        from: &Address,
    ) -> Result<AsyncSmtpConnection, Trouble> {
        let mail = || Mail::new(Some(from.clone()), Vec::new());
        while let Some(mut kept) = self.pool.take() {
            progress.reach(Stage::Sender);
            match tokio::time::timeout(self.connect_timeout, kept.command(mail())).await {
                Ok(Ok(_)) => return Ok(kept),
                Ok(Err(error)) if !closed(&error) => return Err(error.into()),
                Ok(Err(_)) | Err(_) => {}
            }
        }
        let mut fresh = self.open(progress).await?;
        progress.reach(Stage::Sender);
        fresh.command(mail()).await?;
        Ok(fresh)
    }

    async fn open(&self, progress: &Progress) -> Result<AsyncSmtpConnection, Trouble> {
        progress.reach(Stage::Connect);
        let address = (self.host.trim_matches(['[', ']']), self.port);
        let mut connection = if let Security::Implicit(parameters) = &self.security {
            let parameters = Some(parameters.clone());
            let limit = Some(self.connect_timeout);
            AsyncSmtpConnection::connect_tokio1(address, limit, &self.hello, parameters, None)
                .await?
        } else {
            let stream = tokio::time::timeout(self.connect_timeout, TcpStream::connect(address));
            let stream = match stream.await {
                Ok(Ok(stream)) => stream,
                Ok(Err(_)) => return Err(Trouble::Said(ErrorKind::Transport, NO_CONNECTION)),
                Err(_) => return Err(Trouble::Said(ErrorKind::Timeout, NO_CONNECTION)),
            };
            // Every command waits for its answer.
            let _ = stream.set_nodelay(true);
            let stream = Box::new(LineStream::new(stream));
            AsyncSmtpConnection::connect_with_transport(stream, &self.hello).await?
        };
        if let Security::StartTls(parameters) = &self.security {
            progress.reach(Stage::Tls);
            if !connection.can_starttls() {
                return Err(Trouble::Said(ErrorKind::Configuration, NO_STARTTLS));
            }
            connection.starttls(parameters.clone(), &self.hello).await?;
        }
        if let Some((mechanisms, credentials)) = &self.login {
            progress.reach(Stage::Login);
            if connection.server_info().get_auth_mechanism(mechanisms).is_none() {
                return Err(Trouble::Said(ErrorKind::Configuration, NO_LOGIN));
            }
            connection.auth(mechanisms, credentials).await?;
        }
        Ok(connection)
    }
}

const NO_CONNECTION: &str = "no connection to the mail server";
const NO_STARTTLS: &str =
    "the server does not offer STARTTLS, so neither login nor message was sent; check tls and port";
const NO_LOGIN: &str =
    "the server offers none of the configured ways to log in; check auth and tls";

/// Returns whether the server had closed the connection.
fn closed(error: &SmtpError) -> bool {
    error.status().is_none_or(|code| u16::from(code) == 421)
}

fn parameters(settings: &SmtpBuilder, host: &str) -> Result<TlsParameters, ConfigError> {
    let mut builder: TlsParametersBuilder =
        TlsParameters::builder(host.trim_matches(['[', ']']).to_owned());
    if let Some(path) = &settings.ca_file {
        let unreadable = |why: &str| ConfigError::new("ca_file", why.to_owned());
        let pem = std::fs::read(path).map_err(|_| unreadable("the file cannot be read"))?;
        let certificate = Certificate::from_pem(&pem)
            .map_err(|_| unreadable("the file holds no certificates in PEM form"))?;
        builder = builder.add_root_certificate(certificate);
    }
    let failed = |_| ConfigError::new("tls", "TLS cannot start; are root certificates installed?");
    builder.build().map_err(failed)
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}
