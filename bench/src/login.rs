//! The session that every contestant carries: someone who is signed in, 299 bytes as JSON.

use serde::{Deserialize, Serialize};

/// The value of `counter` in a new session. Seven digits leave room to count without changing the size.
pub(crate) const FIRST: u64 = 1_000_041;

/// A login session as an application keeps it: ten keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) user_id: u64,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) roles: Vec<String>,
    pub(crate) tenant: String,
    pub(crate) counter: u64,
    pub(crate) signed_in: u64,
    pub(crate) cart_items: u32,
    pub(crate) return_to: String,
    pub(crate) preferences: Preferences,
}

/// The nested part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Preferences {
    pub(crate) theme: String,
    pub(crate) language: String,
    pub(crate) page_size: u16,
    pub(crate) notify: Notify,
}

/// The part nested in that.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Notify {
    pub(crate) mail: bool,
    pub(crate) push: bool,
}

impl Login {
    /// The session as it is right after the login.
    pub(crate) fn new() -> Self {
        Self {
            user_id: 184_467,
            name: "Margarethe Winter".into(),
            email: "winter@example.org".into(),
            roles: vec!["editor".into(), "billing".into()],
            tenant: "acme".into(),
            counter: FIRST,
            signed_in: 1_767_225_600,
            cart_items: 3,
            return_to: "/account".into(),
            preferences: Preferences {
                theme: "dark".into(),
                language: "de-AT".into(),
                page_size: 50,
                notify: Notify { mail: true, push: false },
            },
        }
    }

    /// The session as JSON text.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain data has a JSON form")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_299_bytes_of_json_whatever_it_counted() {
        let mut login = Login::new();
        assert_eq!(login.to_json().len(), 299);
        login.counter += 1_000_000;
        assert_eq!(login.to_json().len(), 299);
    }
}
