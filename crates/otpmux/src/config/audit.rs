//! `[audit]`

use std::path::PathBuf;

use otpmux_core::settings::ConfigError;
use otpmux_engine::{AuditSink, OpenStoreError};
use serde_json::{Map, Value};

use super::reading::Reading;
use crate::audit::{AuditLog, AuditTo};

otpmux_core::settings! {
    /// The audit log: the section `[audit]` of a configuration file.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AuditSettings {
        /// The file to which lines of JSON are appended. Several processes may share it. A file that
        /// was renamed is created again, so rotation needs no signal. Absent: no file.
        pub file: Option<PathBuf> = None, text(), example "/var/log/otpmux/audit.log";
        /// Write the lines to standard output instead.
        pub stdout: bool = false, flag(), example true;
        /// How many entries may wait while the file cannot be written. Further ones are lost, and
        /// counted by the metric `otpmux_audit_lost_total`.
        pub queue: usize = 10_000, integer(16..=1_000_000), example 50_000;
    }
}

impl AuditSettings {
    /// Returns where the log goes; `None` means that there is none.
    pub fn to(&self) -> Option<AuditTo> {
        match &self.file {
            Some(file) => Some(AuditTo::File(file.clone())),
            None => self.stdout.then_some(AuditTo::Stdout),
        }
    }

    fn conflict(&self) -> Option<ConfigError> {
        match (&self.file, self.stdout) {
            (Some(_), true) => {
                Some(ConfigError::new("audit.stdout", "the log goes to `file` already; remove one"))
            }
            (None, false) => {
                let message = "says not where the log goes; set `file`, or `stdout = true`";
                Some(ConfigError::new("audit", message))
            }
            _ => None,
        }
    }

    /// Returns the name under which a client knows the log, and the function that opens it.
    pub(super) fn opener(&self) -> Option<(String, OpenAudit)> {
        let (to, queue) = (self.to()?, self.queue);
        let name = format!("{to:?} {queue}");
        let open = move || match AuditLog::open(to.clone(), queue) {
            Ok(log) => Ok(std::sync::Arc::new(log) as _),
            Err(error) => Err(OpenStoreError::new(match &to {
                AuditTo::File(path) => format!("{}: {error}", path.display()),
                AuditTo::Stdout => error.to_string(),
            })),
        };
        Some((name, Box::new(open)))
    }
}

type OpenAudit = Box<dyn FnOnce() -> Result<std::sync::Arc<dyn AuditSink>, OpenStoreError> + Send>;

pub(super) fn read(root: &Map<String, Value>, cx: &mut Reading<'_>) -> Option<AuditSettings> {
    let table = cx.table(root, "audit")?;
    let mistakes = cx.errors.len();
    let mut audit = AuditSettings::default();
    cx.apply("audit", table, &mut audit);
    if cx.errors.len() == mistakes {
        cx.errors.extend(audit.conflict());
    }
    Some(audit)
}
