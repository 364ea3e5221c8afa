//! A request's way through the house: admit, plan, emit are pure decisions; drive is the only one that does I/O.

pub(crate) mod admit;
mod change;
pub(crate) mod drive;
pub(crate) mod emit;
pub(crate) mod house;
mod load;
#[cfg(not(feature = "metrics"))]
mod meter;
mod outbox;
mod pace;
pub(crate) mod place;
pub(crate) mod plan;
mod queue;
mod record;
pub(crate) mod visit;

#[cfg(feature = "metrics")]
use crate::metrics as meter;

pub use drive::Sweeping;
pub(crate) use outbox::Outbox;
pub use place::Place;
pub(crate) use queue::Queues;
