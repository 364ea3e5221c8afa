//! Where a ring comes from: text, the environment, a file.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::{Key, KeyRing, KeyState};
use crate::error::ConfigError;
use crate::random::SystemRandom;

/// A ring of a hundred keys fits many times over.
const LARGEST_FILE: u64 = 64 * 1024;

impl KeyRing {
    /// A ring from text: one item a key, apart by white space or commas; lines that start with `#` are skipped.
    ///
    /// An item is `active:KEY`, `accepted:KEY` or `announced:KEY`, where `KEY` is 32 to 64 random bytes in
    /// base64url without padding. A single item may be a bare `KEY`, which is active.
    ///
    /// Errors: as [`KeyRingBuilder::build`](super::KeyRingBuilder::build), unreadable items, weak keys. No message
    /// contains any of the text.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let items = lines.flat_map(|line| line.split(|c: char| c.is_whitespace() || c == ','));
        let items: Vec<&str> = items.filter(|item| !item.is_empty()).collect();
        let mut keys = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let in_item = |error| ConfigError::new(format!("item {} of the key ring: {error}", i + 1));
            let (state, key) = match item.split_once(':') {
                Some((word, key)) => (state(word).map_err(in_item)?, key),
                None if items.len() == 1 => (KeyState::Active, *item),
                None => return Err(in_item(no_state())),
            };
            keys.push((state, Key::from_base64url(key).map_err(in_item)?));
        }
        Self::from_keys(keys)
    }

    /// A ring from an environment variable with the text of [`parse`](Self::parse). Errors: as there, or if the
    /// variable is not set.
    pub fn from_env(variable: &str) -> Result<Self, ConfigError> {
        let text = std::env::var(variable).map(Zeroizing::new).map_err(|_| {
            ConfigError::new(format!(
                "the environment variable {variable} is not set: put the key ring into it"
            ))
        })?;
        Self::parse(&text).map_err(|error| ConfigError::new(format!("{variable}: {error}")))
    }

    /// A ring from a file with the text of [`parse`](Self::parse).
    ///
    /// Errors: as there, a file that cannot be read, has more than 64 KiB, or (on Unix) that others than its owner
    /// may read or write.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let failed = |what: &dyn std::fmt::Display| ConfigError::new(format!("{}: {what}", path.display()));
        let file = File::open(path).map_err(|error| failed(&error))?;
        refuse_shared(&file).map_err(|error| failed(&error))?;
        let mut text = Zeroizing::new(String::new());
        let read = file.take(LARGEST_FILE + 1).read_to_string(&mut text).map_err(|error| failed(&error))?;
        if read as u64 > LARGEST_FILE {
            return Err(failed(&"a key file has at most 64 KiB"));
        }
        Self::parse(&text).map_err(|error| failed(&error))
    }

    /// Makes a new key, writes it to a file that only its owner may read, and returns the ring of it.
    ///
    /// Errors: a file that exists, which is never overwritten, or cannot be written.
    pub fn generate_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let failed = |error: &dyn std::fmt::Display| ConfigError::new(format!("{}: {error}", path.display()));
        let key = Key::random(&SystemRandom).map_err(|error| failed(&error))?;
        let text = Zeroizing::new(format!(
            "# Keys of the sessions. Whoever reads this file can make sessions: keep it secret.\nactive:{}\n",
            *key.to_base64url()
        ));
        let mut file = create_private(path).map_err(|error| failed(&error))?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| failed(&error))?;
        Self::from_keys(vec![(KeyState::Active, key)])
    }
}

fn state(word: &str) -> Result<KeyState, ConfigError> {
    [KeyState::Active, KeyState::Accepted, KeyState::Announced]
        .into_iter()
        .find(|state| state.name() == word)
        .ok_or_else(no_state)
}

fn no_state() -> ConfigError {
    ConfigError::new("start it with `active:`, `accepted:` or `announced:`")
}

#[cfg(unix)]
fn create_private(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Asks the opened file and not the path, which may name another one by now.
#[cfg(unix)]
fn refuse_shared(file: &File) -> Result<(), ConfigError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = file.metadata().map_err(|error| ConfigError::new(error.to_string()))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(ConfigError::new(format!(
            "others may read or change this key file (mode {mode:03o}): allow its owner alone, with `chmod 600`"
        )));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_shared(_: &File) -> Result<(), ConfigError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> String {
        Key::random(&SystemRandom).unwrap().to_base64url().to_string()
    }

    #[test]
    fn text_gives_every_key_its_state() {
        let (a, b, c) = (text(), text(), text());
        let ring =
            KeyRing::parse(&format!("# old ones last\n announced:{a},active:{b}\n\taccepted:{c}\n")).unwrap();
        let states: Vec<_> = ring.inventory().into_iter().map(|(_, state)| state).collect();
        assert_eq!(states, [KeyState::Announced, KeyState::Active, KeyState::Accepted]);
        assert_eq!(KeyRing::parse(&a).unwrap().inventory()[0].1, KeyState::Active);
    }

    #[test]
    fn text_that_leaves_a_doubt_is_refused_without_being_shown() {
        let (a, b) = (text(), text());
        let sample = "active:Y2FycnlhbGwtc2FtcGxlLWtleS1ub3QtZm9yLXVzZSE";
        for wrong in [
            String::new(),
            "# nothing\n".to_owned(),
            format!("{a},{b}"),
            format!("active:{a} active:{b}"),
            format!("accepted:{a}"),
            format!("Active:{a}"),
            format!("active:{a} accepted:{a}"),
            format!("active:{a}="),
            format!("active: {a}"),
            format!("active:{}", &a[..40]),
            sample.to_owned(),
        ] {
            let error = KeyRing::parse(&wrong).unwrap_err().to_string();
            assert!(!error.contains(&a[..6]) && !error.contains(&b[..6]), "{error}");
        }
        assert!(KeyRing::parse(sample).unwrap_err().to_string().contains("text"));
    }

    #[test]
    fn an_unset_variable_is_named() {
        let error = KeyRing::from_env("CARRYALL_NO_SUCH_VARIABLE").unwrap_err();
        assert!(error.to_string().contains("CARRYALL_NO_SUCH_VARIABLE"));
        // A variable that is set and holds no keys: its content stays out of the message.
        let error = KeyRing::from_env("CARGO_MANIFEST_DIR").unwrap_err().to_string();
        assert!(!error.contains(env!("CARGO_MANIFEST_DIR")), "{error}");
    }

    #[test]
    fn a_generated_file_is_private_read_back_and_never_overwritten() {
        let directory = std::env::temp_dir().join(format!("carryall-keys-{}", text()));
        std::fs::create_dir(&directory).unwrap();
        let path = directory.join("keys");
        let made = KeyRing::generate_file(&path).unwrap();
        assert_eq!(KeyRing::from_file(&path).unwrap().inventory(), made.inventory());
        assert!(KeyRing::generate_file(&path).is_err());
        assert_eq!(KeyRing::from_file(&path).unwrap().inventory(), made.inventory());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            for mode in [0o640, 0o604, 0o620] {
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
                let error = KeyRing::from_file(&path).unwrap_err().to_string();
                assert!(error.contains("chmod 600"), "{error}");
            }
        }
        assert!(KeyRing::from_file(directory.join("absent")).is_err());
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
