use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};
use serde_json::Value;
use tempfile::NamedTempFile;

/// The output of the program, and how it ended.
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Standard output, a JSON value a line.
    pub(crate) fn json(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).expect(line);
        self.stdout.lines().map(parse).collect()
    }

    /// The one error on standard error, in JSON.
    pub(crate) fn error(&self) -> Value {
        let lines: Vec<_> = self.stderr.lines().collect();
        let [line] = lines[..] else { panic!("{}", self.everything()) };
        let mut line: Value = serde_json::from_str(line).expect(line);
        line["error"].take()
    }

    pub(crate) fn everything(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

/// The program with an empty environment, so that no variable of the machine gets in.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otpmux"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// Runs it with these arguments and lines of input.
pub(crate) fn run(command: &mut Command, input: &str) -> Ended {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    finish(child.unwrap(), input)
}

pub(crate) fn finish(mut child: Child, input: &str) -> Ended {
    // It may have ended without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Ended::of(child.wait_with_output().unwrap())
}

/// A file of the test's own, removed at its end.
pub(crate) struct File(NamedTempFile);

impl File {
    pub(crate) fn new(text: &str) -> Self {
        let mut file = NamedTempFile::with_suffix(".toml").unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Self(file)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// An emulator that this process runs while the program is another one.
pub(crate) struct Vendors {
    pub(crate) emulator: Emulator,
    runtime: tokio::runtime::Runtime,
}

impl Vendors {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let emulator = runtime.block_on(Emulator::start(EmulatorConfig::default())).unwrap();
        Self { emulator, runtime }
    }

    /// A file that names EasyOTP alone, with more lines for its table.
    pub(crate) fn file(&self, more: &str) -> File {
        let url = self.emulator.base_url(Vendor::EasyOtp);
        File::new(&format!(
            "[providers.easyotp]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\n\
             base_url = \"{url}\"\n{more}\n"
        ))
    }

    /// `otpmux send`, with the right key in its environment.
    pub(crate) fn send(&self, file: &File, arguments: &[&str]) -> Command {
        let mut command = program();
        command
            .args(["send", "--config"])
            .arg(file.path())
            .args(arguments)
            .env("KEY", self.emulator.easyotp().api_key);
        command
    }

    /// Stops the vendors and returns an address without a listener.
    pub(crate) fn gone(self) -> String {
        let url = self.emulator.base_url(Vendor::EasyOtp);
        let Self { emulator, runtime } = self;
        runtime.block_on(emulator.shutdown());
        url
    }
}
