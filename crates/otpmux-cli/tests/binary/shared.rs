//! Vendors and a store that several runs of the program share.

use std::path::{Path, PathBuf};
use std::process::Command;

use otpmux_emulator::Vendor;
use otpmux_testkit::RedisServer;
use tempfile::TempDir;

use crate::support::{Ended, File, Vendors, program, run};

pub(crate) const TO: &str = "+919876543210";
pub(crate) const SERVER_KEY: &str = "bWFkZS11cCBzZXJ2ZXIga2V5IG9mIDMyIGJ5dGVzISE=";

pub(crate) struct Shared {
    pub(crate) vendors: Vendors,
    pub(crate) store: Store,
    pub(crate) file: File,
}

pub(crate) enum Store {
    Sqlite(Folder),
    Redis(RedisServer),
}

/// A folder of the test's own, removed at its end.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.path().read_dir().unwrap().next().is_none()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("otpmux.db")
    }
}

impl Shared {
    pub(crate) fn sqlite() -> Self {
        Self::with(Store::Sqlite(Folder::new()), "")
    }

    /// The same over each store that processes share.
    pub(crate) fn each() -> [Self; 2] {
        [Self::sqlite(), Self::with(Store::Redis(RedisServer::start()), "")]
    }

    /// EasyOTP first, then StartMessaging, and more lines of configuration.
    pub(crate) fn with(store: Store, more: &str) -> Self {
        let vendors = Vendors::start();
        let url = match &store {
            Store::Sqlite(folder) => format!("sqlite:{}", folder.database().display()),
            Store::Redis(server) => server.url(),
        };
        let easyotp = vendors.emulator.base_url(Vendor::EasyOtp);
        let startmessaging = vendors.emulator.base_url(Vendor::StartMessaging);
        let file = File::new(&format!(
            "[providers.primary]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\n\
             base_url = \"{easyotp}\"\n\
             [providers.backup]\nkind = \"startmessaging\"\napi_key = \"env:SM_KEY\"\n\
             base_url = \"{startmessaging}\"\n\
             [store]\nurl = \"{url}\"\n\
             [[server_keys]]\nid = \"1\"\nkey = \"env:SERVER_KEY\"\n{more}\n"
        ));
        Self { vendors, store, file }
    }

    pub(crate) fn with_sqlite(more: &str) -> Self {
        Self::with(Store::Sqlite(Folder::new()), more)
    }

    /// The program with these arguments, this configuration and what it needs of the environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command
            .args(arguments)
            // The vendors are played: numbers of any country cost nothing.
            .env("OTPMUX_POLICY__COUNTRIES", "any")
            .arg("--config")
            .arg(self.file.path())
            .env("KEY", self.vendors.emulator.easyotp().api_key)
            .env("SM_KEY", self.vendors.emulator.startmessaging().api_key)
            .env("SERVER_KEY", SERVER_KEY);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        run(&mut self.command(arguments), "")
    }

    /// The same where the configuration names a gateway's API key, too.
    pub(crate) fn run_with_keys(&self, arguments: &[&str], api_key: &str) -> Ended {
        run(self.command(arguments).env("API_KEY", api_key), "")
    }

    /// `check-config`, which takes its file by position.
    pub(crate) fn check(&self, arguments: &[&str]) -> Ended {
        let mut command = program();
        command
            .arg("check-config")
            .arg(self.file.path())
            .args(arguments)
            .env("KEY", "made-up-key")
            .env("SM_KEY", "made-up-key")
            .env("SERVER_KEY", SERVER_KEY);
        run(&mut command, "")
    }

    /// Sends in a separate process and returns the id.
    pub(crate) fn send(&self) -> String {
        let ended = self.run(&["send", "--to", TO, "--id-only"]);
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{}", ended.everything());
        ended.stdout.trim().to_owned()
    }

    /// The code of the newest message, and one of the same length that is wrong.
    pub(crate) fn codes(&self) -> (String, String) {
        let right = self.vendors.emulator.last_code(TO).unwrap();
        let last = if right.ends_with('0') { '1' } else { '0' };
        let wrong = format!("{}{last}", &right[..right.len() - 1]);
        (right, wrong)
    }
}
