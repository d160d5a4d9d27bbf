use std::ops::RangeInclusive;
use std::time::Duration;

/// Range of both timeouts.
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_mins(1);
/// Range of the number of connections.
const CONNECTIONS: RangeInclusive<usize> = 1..=1_000;

/// Options of a [`PostgresStore`](crate::PostgresStore): its schema, its connections and its
/// timeouts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The schema that holds all tables and functions. Stores with the same database and schema are
    /// one store. 1 to 32 characters of `a-z`, `0-9` and `_`, the first a letter. Default `otpmux`.
    pub schema: String,
    /// Whether the store creates its schema, tables and functions, and those of a later version.
    /// Otherwise it needs those of its version, and returns errors without them; see
    /// [`migration`](Self::migration). Default `true`.
    pub migrate: bool,
    /// The most connections of this store: so many steps run at the same time, and further ones
    /// wait. 1 to 1,000, default 10.
    pub connections: usize,
    /// The longest time to get a connection: to wait for one that is free, and to connect. 10 ms to
    /// 1 minute, default 2 s.
    pub connect_timeout: Duration,
    /// The longest time for PostgreSQL to answer. 10 ms to 1 minute, default 2 s. A call takes at
    /// most the sum of both timeouts.
    pub answer_timeout: Duration,
    /// The clock that clients use. Default [`Time::Server`].
    pub time: Time,
}

/// The clock that the clients of a store use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Time {
    /// The server's clock: clients measure how far their own is off, and correct it.
    #[default]
    Server,
    /// The client's own clock: for tests that set the time.
    Caller,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            schema: "otpmux".to_owned(),
            migrate: true,
            connections: 10,
            connect_timeout: Duration::from_secs(2),
            answer_timeout: Duration::from_secs(2),
            time: Time::Server,
        }
    }
}

impl Options {
    /// Sets the schema.
    pub fn with_schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// Sets whether the store creates what it needs.
    pub fn with_migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// Sets the most connections.
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Sets the longest time to get a connection.
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the longest time for PostgreSQL to answer.
    pub fn with_answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }

    /// Sets the clock that clients use.
    pub fn with_time(mut self, time: Time) -> Self {
        self.time = time;
        self
    }

    /// Returns the SQL statement that creates the schema, its tables and its functions, or adds what
    /// an older version lacks: for an administrator, where [`migrate`](Self::migrate) is off. It
    /// changes nothing where nothing is missing.
    ///
    /// # Errors
    ///
    /// The schema's name is invalid.
    ///
    /// ```
    /// let options = otpmux_postgres::Options::default().with_schema("login");
    /// assert!(options.migration()?.contains("CREATE SCHEMA login"));
    /// # Ok::<(), otpmux_postgres::OptionsError>(())
    /// ```
    pub fn migration(&self) -> Result<String, OptionsError> {
        self.check_schema()?;
        Ok(crate::sql::migration(&self.schema))
    }

    /// Checks everything that can be checked without a server, apart from the URL.
    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        self.check_schema()?;
        if !CONNECTIONS.contains(&self.connections) {
            return Err(OptionsError::Connections);
        }
        if !TIMEOUTS.contains(&self.connect_timeout) {
            return Err(OptionsError::ConnectTimeout);
        }
        if !TIMEOUTS.contains(&self.answer_timeout) {
            return Err(OptionsError::AnswerTimeout);
        }
        Ok(())
    }

    /// The name becomes part of SQL statements, so nothing else may be in it.
    fn check_schema(&self) -> Result<(), OptionsError> {
        let bytes = self.schema.as_bytes();
        let allowed = |b: &u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let right = (1..=32).contains(&bytes.len())
            && bytes[0].is_ascii_lowercase()
            && bytes.iter().all(allowed)
            && !self.schema.starts_with("pg_");
        if right { Ok(()) } else { Err(OptionsError::Schema) }
    }
}

/// Error returned by [`PostgresStore::connect`](crate::PostgresStore::connect) for invalid options or
/// an invalid URL. Shows no part of the URL, since it may hold a password.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// The text is not the URL of a PostgreSQL server.
    #[error(
        "not of the form postgres://user:password@host:port/database; several hosts are separated \
         by commas, and a socket's directory is the parameter `host`"
    )]
    Url,
    /// The URL asks for TLS in a way that does not protect.
    #[error(
        "sslmode must be disable, require or verify-full; with TLS, the certificate is always \
         checked"
    )]
    SslMode,
    /// The system's root certificates cannot be read.
    #[error(
        "the system has no root certificates, and the connection needs TLS; install them, or name \
         a file in SSL_CERT_FILE"
    )]
    Roots,
    /// The schema cannot be the name of one.
    #[error(
        "schema must be 1 to 32 characters of a-z, 0-9 and '_', begin with a letter, and not with \
         pg_"
    )]
    Schema,
    /// The number of connections is out of range.
    #[error("connections must be from 1 to 1000")]
    Connections,
    /// The connect timeout is out of range.
    #[error("connect_timeout must be from 10 ms to 1 m")]
    ConnectTimeout,
    /// The answer timeout is out of range.
    #[error("answer_timeout must be from 10 ms to 1 m")]
    AnswerTimeout,
}

otpmux_core::debug_as_display!(OptionsError);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Options)) -> Result<(), OptionsError> {
        let mut options = Options::default();
        change(&mut options);
        options.check()
    }

    #[test]
    fn refuses_what_cannot_be() {
        assert_eq!(check(|_| ()), Ok(()));
        for schema in
            ["", "Login", "a-b", "a b", "a;drop", "1a", "_a", "pg_temp", "ä", &"x".repeat(33)]
        {
            let named = |options: &mut Options| options.schema = schema.to_owned();
            assert_eq!(check(named), Err(OptionsError::Schema), "{schema:?}");
            let options = Options::default().with_schema(schema);
            assert_eq!(options.migration(), Err(OptionsError::Schema));
        }
        for connections in [0, 1_001] {
            let many = check(|options| options.connections = connections);
            assert_eq!(many, Err(OptionsError::Connections));
        }
        for time in [Duration::ZERO, Duration::from_millis(9), Duration::from_secs(61)] {
            let connect = check(|options| options.connect_timeout = time);
            assert_eq!(connect, Err(OptionsError::ConnectTimeout));
            let answer = check(|options| options.answer_timeout = time);
            assert_eq!(answer, Err(OptionsError::AnswerTimeout));
        }
    }
}
