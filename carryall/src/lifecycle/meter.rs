//! Nothing is measured without the feature `metrics`: the functions of [`crate::metrics`], doing nothing.

use crate::error::Error;
use crate::event::Event;

pub(crate) const COUNTS_EVENTS: bool = false;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch;

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self
    }

    #[allow(clippy::unused_self, reason = "there is nothing to note")]
    pub(crate) fn stop<T>(self, _: &'static str, _: &Result<T, Error>) {}
}

pub(crate) fn event(_: &Event) {}

pub(crate) fn load(_: &'static str) {}

pub(crate) fn commit(_: &Result<(), Error>) {}

pub(crate) fn conflict() {}
