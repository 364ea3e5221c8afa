//! What Redis says, as a store says it.

use carryall::store::{StoreError, StoreErrorKind};
use redis::{ErrorKind, RedisError, make_extension_error};

/// The word under which this crate refuses a server that evicts.
pub(crate) const EVICTING: &str = "EVICTING";
/// The word under which this crate refuses a server that is not what the URL says.
pub(crate) const MISMATCH: &str = "MISMATCH";

pub(crate) fn store_error(error: RedisError) -> StoreError {
    let kind = if says(&error, "OOM") {
        StoreErrorKind::Full
    } else if says(&error, "CORRUPT") || says(&error, "WRONGTYPE") {
        StoreErrorKind::Corrupt
    } else if error.is_timeout() {
        StoreErrorKind::TimedOut
    } else {
        match error.kind() {
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => StoreErrorKind::Corrupt,
            _ => StoreErrorKind::Unavailable,
        }
    };
    StoreError::new(kind).because(error)
}

/// Whether the server has answered that it did not do what it was asked: nothing else is certain.
pub(crate) fn is_refusal(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// Whether the server refused with this word. Redis 6 tells what a script met inside of a longer text.
pub(crate) fn says(error: &RedisError, code: &str) -> bool {
    error.code().is_some_and(|said| {
        said == code
            || (said == "ERR" && error.detail().is_some_and(|text| text.contains(&format!("-{code} "))))
    })
}

pub(crate) fn evicting(policy: &str) -> RedisError {
    let why = format!("its maxmemory-policy is {policy}; set it to noeviction");
    make_extension_error(EVICTING.to_owned(), Some(why))
}

pub(crate) fn mismatch(why: &str) -> RedisError {
    make_extension_error(MISMATCH.to_owned(), Some(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use redis::ServerErrorKind;

    use super::*;

    #[test]
    fn only_what_the_server_answers_is_a_refusal() {
        let kinds = [ErrorKind::Server(ServerErrorKind::ResponseError), ErrorKind::Extension];
        assert!(kinds.into_iter().all(|kind| is_refusal(&(kind, "said").into())));
        for kind in [ErrorKind::Io, ErrorKind::Parse, ErrorKind::UnexpectedReturnType, ErrorKind::Client] {
            assert!(!is_refusal(&(kind, "it may have been done").into()), "{kind:?}");
        }
    }
}
