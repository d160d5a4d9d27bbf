use std::collections::BTreeMap;
use std::path::PathBuf;

use otpmux_core::Secret;

use super::Environment;
use crate::sigv4::Keys;

/// A profile of the shared credentials file, and of the configuration file after it.
#[derive(Debug)]
pub(super) struct Profile {
    name: String,
    credentials: PathBuf,
    config: PathBuf,
}

impl Profile {
    pub(super) fn find(name: Option<&str>, environment: &Environment) -> Self {
        let name = name.map(str::to_owned).or_else(|| environment.get("AWS_PROFILE"));
        let home = environment.get("HOME").or_else(|| environment.get("USERPROFILE"));
        let below_home =
            |file: &str| PathBuf::from(home.clone().unwrap_or_default()).join(".aws").join(file);
        let path = |variable: &str, file: &str| {
            environment.get(variable).map_or_else(|| below_home(file), PathBuf::from)
        };
        Self {
            name: name.unwrap_or_else(|| "default".to_owned()),
            credentials: path("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            config: path("AWS_CONFIG_FILE", "config"),
        }
    }

    /// Reads the keys from the files. The error shows nothing of them.
    pub(super) fn read(&self) -> Result<Keys, String> {
        let name = &self.name;
        let mut found = BTreeMap::new();
        // In the configuration file, every profile but the default one has this word before it.
        let in_config = if name == "default" { name.clone() } else { format!("profile {name}") };
        for (path, section) in [(&self.config, &in_config), (&self.credentials, name)] {
            if let Ok(text) = std::fs::read_to_string(path) {
                found.extend(section_of(&text, section));
            }
        }
        if found.is_empty() {
            return Err(format!("there is no profile `{name}` in the shared files of AWS"));
        }
        let mut take = |key: &str| found.remove(key).filter(|value| !value.is_empty());
        match (take("aws_access_key_id"), take("aws_secret_access_key")) {
            (Some(id), Some(secret)) => Ok(Keys {
                access_key_id: id,
                secret_access_key: Secret::new(secret),
                session_token: take("aws_session_token").map(Secret::new),
            }),
            _ => Err(format!(
                "the profile `{name}` has no aws_access_key_id and aws_secret_access_key; roles, SSO \
                 and credential_process of profiles are not supported"
            )),
        }
    }
}

/// Returns the keys of one section of an INI file.
fn section_of(text: &str, name: &str) -> BTreeMap<String, String> {
    let mut inside = false;
    let mut found = BTreeMap::new();
    for line in text.lines() {
        // An indented line belongs to a nested setting, of which none is used here.
        if line.starts_with([' ', '\t', '#', ';']) {
            continue;
        }
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.split(']').next().unwrap_or_default();
            let words: Vec<&str> = section.split_whitespace().collect();
            inside = words.join(" ") == name;
        } else if let (true, Some((key, value))) = (inside, line.split_once('=')) {
            found.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: &str = "\
# a comment
[default]
aws_access_key_id = AKIDDEFAULT
aws_secret_access_key=one=two

[mail]
aws_access_key_id=AKIDMAIL
AWS_SECRET_ACCESS_KEY = three
s3 =
  aws_access_key_id = nested
aws_session_token = four
";
    const CONFIG: &str = "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/otp\n\
                          [ profile  spread ]\naws_access_key_id = AKIDSPREAD\naws_secret_access_key = five\n";

    fn profile(name: Option<&str>, variable: Option<&str>) -> Result<Keys, String> {
        let folder = tempfile::tempdir().unwrap();
        let [credentials, config] = ["credentials", "config"].map(|name| folder.path().join(name));
        std::fs::write(&credentials, CREDENTIALS).unwrap();
        std::fs::write(&config, CONFIG).unwrap();
        let mut pairs = vec![
            ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
            ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ];
        pairs.extend(variable.map(|name| ("AWS_PROFILE", name)));
        Profile::find(name, &Environment::of(&pairs)).read()
    }

    #[test]
    fn reads_a_profile_of_either_file() {
        for (name, variable, id, secret, token) in [
            (None, None, "AKIDDEFAULT", "one=two", None),
            (None, Some("mail"), "AKIDMAIL", "three", Some("four")),
            (Some("mail"), Some("default"), "AKIDMAIL", "three", Some("four")),
            (Some("spread"), None, "AKIDSPREAD", "five", None),
        ] {
            let keys = profile(name, variable).unwrap();
            assert_eq!((&*keys.access_key_id, keys.secret_access_key.expose()), (id, secret));
            assert_eq!(keys.session_token.as_ref().map(Secret::expose), token);
        }
    }

    #[test]
    fn says_what_a_profile_lacks() {
        assert!(profile(Some("nobody"), None).unwrap_err().contains("no profile `nobody`"));
        assert!(profile(Some("role"), None).unwrap_err().contains("not supported"));
    }
}
