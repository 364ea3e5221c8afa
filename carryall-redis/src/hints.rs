//! Which of the records that were loaded lately were nobody's.

use std::sync::atomic::{AtomicU64, Ordering};

use carryall::id::RecordKey;

/// One place for many keys; the last one that was noted has it. It saves a question when it is right, and nothing
/// depends on it.
#[derive(Debug)]
pub(crate) struct Hints(Box<[AtomicU64]>);

const PLACES: usize = 4096;

impl Default for Hints {
    fn default() -> Self {
        Self((0..PLACES).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Hints {
    pub(crate) fn note(&self, key: &RecordKey, is_nobodys: bool) {
        let (place, mark) = self.place(key);
        place.store(if is_nobodys { mark } else { 0 }, Ordering::Relaxed);
    }

    pub(crate) fn was_nobodys(&self, key: &RecordKey) -> bool {
        let (place, mark) = self.place(key);
        place.load(Ordering::Relaxed) == mark
    }

    fn place(&self, key: &RecordKey) -> (&AtomicU64, u64) {
        let number = u128::from_be_bytes(*key.as_bytes());
        // Never the mark of an empty place.
        let mark = u64::try_from(number >> 64).unwrap_or_default() | 1;
        let place = usize::try_from(number % PLACES as u128).unwrap_or_default();
        (&self.0[place], mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_last_is_known() {
        let hints = Hints::default();
        let key = |n: u128| RecordKey::from_bytes((n << 64).to_be_bytes());
        assert!(!hints.was_nobodys(&key(0)));
        hints.note(&key(2), true);
        assert!(hints.was_nobodys(&key(2)) && !hints.was_nobodys(&key(4)));
        hints.note(&key(4), true);
        assert!(hints.was_nobodys(&key(4)) && !hints.was_nobodys(&key(2)));
        hints.note(&key(4), false);
        assert!(!hints.was_nobodys(&key(4)));
    }
}
