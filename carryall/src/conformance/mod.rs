//! The laws of stores as a suite that any implementation can run (feature `conformance`).
//!
//! Each law is a sentence. All of them run, each on a store of its own, and the test fails with the sentences that
//! do not hold and what was seen instead:
//!
//! ```
//! use carryall::conformance;
//! use carryall::store::MemoryStore;
//!
//! # fn main() {
//! # /*
//! #[tokio::test]
//! # */
//! # #[tokio::main(flavor = "current_thread")]
//! async fn it_keeps_the_laws_of_a_store() {
//!     conformance::store(async || MemoryStore::new()).await;
//!     conformance::sweep(async || MemoryStore::new()).await;
//!     conformance::subjects(async || MemoryStore::new()).await;
//! }
//! # it_keeps_the_laws_of_a_store()
//! # }
//! ```
//!
//! Runs inside a tokio runtime; several worker threads make its races real ones. Keys are random, so that one
//! database can serve many runs. Loops are bounded and nothing sleeps: time is handed to the store, beginning with
//! the present and going on for hours, so a server that expires records by its own clock can take part.

mod admission_races;
mod admitting;
mod contents;
mod creation;
mod expiry;
mod law;
mod listing;
mod races;
mod removal;
mod sweeping;
#[cfg(test)]
mod tests;
mod touching;
mod versions;

use crate::store::{AnyStore, Store, Sweep};
use law::{Law, broken, report};

/// Runs the laws of [`Store`], each on a store that `make` gives.
///
/// # Panics
///
/// If a law does not hold, with the text of all that do not.
pub async fn store<S: Store>(make: impl AsyncFn() -> S) {
    report(&broken(laws_of_stores(), make).await);
}

/// Runs the laws of [`Sweep`], each on a store that `make` gives. Here it has to be an empty one.
///
/// # Panics
///
/// If a law does not hold, with the text of all that do not.
pub async fn sweep<S: Sweep>(make: impl AsyncFn() -> S) {
    report(&broken(sweeping::laws(), make).await);
}

/// Runs the laws of [`ListSubjects`](crate::store::ListSubjects), each on a store that `make` gives, as far as the store
/// declares that it keeps them: what is turned into an [`AnyStore`] is put to the test, whatever is wrapped around what.
///
/// # Panics
///
/// If a law does not hold, with the text of all that do not, which they all do if nothing is declared.
pub async fn subjects<S: Into<AnyStore>>(make: impl AsyncFn() -> S) {
    report(&broken(laws_of_subjects(), async || make().await.into()).await);
}

fn laws_of_subjects() -> Vec<Law<AnyStore>> {
    let mut laws = listing::laws();
    laws.extend(admitting::laws());
    laws.extend(admission_races::laws());
    laws
}

fn laws_of_stores<S: Store>() -> Vec<Law<S>> {
    let mut laws = creation::laws();
    laws.extend(versions::laws());
    laws.extend(contents::laws());
    laws.extend(touching::laws());
    laws.extend(expiry::laws());
    laws.extend(removal::laws());
    laws.extend(races::laws());
    laws
}
