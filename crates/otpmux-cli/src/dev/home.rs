//! The directory of one run, or of all.

use std::io;
use std::path::PathBuf;

use otpmux::provider::{Entropy as _, OsEntropy};

/// Where the database and the keys are.
pub(super) struct Home {
    pub(super) path: PathBuf,
    /// Whether it stays when the program ends.
    pub(super) kept: bool,
}

impl Home {
    pub(super) fn new(data: Option<PathBuf>) -> io::Result<Self> {
        let kept = data.is_some();
        let path = match data {
            Some(path) => path,
            None => std::env::temp_dir().join(format!("otpmux-dev-{}", random(8)?)),
        };
        let mut builder = std::fs::DirBuilder::new();
        // Only a directory that is to be kept may be there already.
        builder.recursive(kept);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Ok(Self { path, kept })
    }

    /// The key of this name: made the first time, and kept with the rest.
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
            // What cannot be removed is of no worth: its keys are known to nobody.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// So many random bytes, in hexadecimal digits.
fn random(bytes: usize) -> io::Result<String> {
    let mut random = vec![0; bytes];
    OsEntropy.fill(&mut random).map_err(io::Error::other)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
}
