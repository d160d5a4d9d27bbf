//! The directory of one run, or of all runs.

use std::io;
use std::path::PathBuf;

use otpmux::provider::{Entropy as _, OsEntropy};

/// The directory of the database and the keys.
pub(super) struct Home {
    pub(super) path: PathBuf,
    /// Whether the directory is kept when the program ends.
    pub(super) kept: bool,
}

impl Home {
    #[expect(clippy::disallowed_methods, reason = "it is removed when this is dropped")]
    pub(super) fn new(data: Option<PathBuf>) -> io::Result<Self> {
        let kept = data.is_some();
        let path = match data {
            Some(path) => path,
            None => std::env::temp_dir().join(format!("otpmux-dev-{}", random(8)?)),
        };
        let mut builder = std::fs::DirBuilder::new();
        // Only a directory that is kept may exist already.
        builder.recursive(kept);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| {
            let place = path.display();
            let remedy = "choose another by --data, or by the variable TMPDIR";
            let text = format!("the directory {place} cannot be created: {error}; {remedy}");
            io::Error::new(error.kind(), text)
        })?;
        Ok(Self { path, kept })
    }

    /// Returns the key of this name: generated the first time, then stored in the directory.
    pub(super) fn key(&self, name: &str) -> io::Result<String> {
        let path = self.path.join(name);
        match std::fs::read_to_string(&path) {
            Ok(key) => return Ok(key.trim_end().to_owned()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        let key = random(24)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        io::Write::write_all(&mut options.open(path)?, key.as_bytes())?;
        Ok(key)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !self.kept {
            // A directory that cannot be removed does no harm: its keys are not used again.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Returns this number of random bytes, in hex digits.
fn random(bytes: usize) -> io::Result<String> {
    let mut random = vec![0; bytes];
    OsEntropy.fill(&mut random).map_err(io::Error::other)?;
    Ok(base16ct::lower::encode_string(&random))
}
