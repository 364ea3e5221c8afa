//! Where names and values lie: in the loaded payload, or among what this request wrote.

use std::borrow::Cow;
use std::ops::Range;

use super::Contents;
use crate::error::{Error, ErrorKind};
use crate::format::Format;

/// Room for what a request usually writes, so that it is reserved once.
const USUALLY_WRITTEN: usize = 512;

/// A place in a buffer of less than 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The whole of a buffer of that length, if it is not too long for one.
    pub(super) fn whole(len: usize) -> Option<Self> {
        Some(Self { start: 0, end: u32::try_from(len).ok()? })
    }

    /// From `start` to the end of a buffer of that length, if it is not too long for one.
    fn tail(start: usize, len: usize) -> Option<Self> {
        Some(Self { start: u32::try_from(start).ok()?, end: u32::try_from(len).ok()? })
    }

    /// A part of this span, relative to its start.
    #[inline]
    pub(super) fn part(self, range: &Range<usize>) -> Self {
        let at = |offset| self.start + u32::try_from(offset).unwrap_or(u32::MAX - self.start);
        Self { start: at(range.start), end: at(range.end) }
    }

    /// From the start of this one to the end of a later one.
    fn to(self, later: Self) -> Self {
        Self { start: self.start, end: later.end }
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        self.range().len()
    }

    #[inline]
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Where a name, a key or an encoded value lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// In the loaded payload.
    Base(Span),
    /// Among what was written since, or had to be unescaped.
    Written(Span),
}

impl Slot {
    /// Nothing at all: the name of the default segment.
    pub(super) const EMPTY: Self = Self::Base(Span { start: 0, end: 0 });

    /// The key of an entry of a map, whose text begins `at`: in it, or appended to what was unescaped, which will lie that far `behind`.
    ///
    /// `None` if it is no UTF-8, which every key was checked to be, or too much was unescaped.
    pub(super) fn of_key(
        (key, at): (&Cow<'_, [u8]>, usize),
        map: Self,
        behind: usize,
        unescaped: &mut Vec<u8>,
    ) -> Option<Self> {
        match key {
            Cow::Borrowed(key) => Some(map.part(&(at..at + key.len()))),
            Cow::Owned(key) => {
                std::str::from_utf8(key).ok()?;
                let start = behind + unescaped.len();
                unescaped.extend_from_slice(key);
                Span::tail(start, start + key.len()).map(Self::Written)
            }
        }
    }

    /// A part of it, relative to its start.
    #[inline]
    pub(super) fn part(self, range: &Range<usize>) -> Self {
        match self {
            Self::Base(span) => Self::Base(span.part(range)),
            Self::Written(span) => Self::Written(span.part(range)),
        }
    }

    /// This entry of a map and the next one as one piece. In the base only punctuation is between entries; what
    /// was written may have anything in between.
    pub(super) fn joined(self, next: Self) -> Option<Self> {
        match (self, next) {
            (Self::Base(span), Self::Base(next)) => Some(Self::Base(span.to(next))),
            (Self::Written(span), Self::Written(next)) if span.end == next.start => {
                Some(Self::Written(span.to(next)))
            }
            _ => None,
        }
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        let (Self::Base(span) | Self::Written(span)) = self;
        span.len()
    }
}

impl Contents {
    /// A name or key, each of which was checked to be UTF-8 when it was found.
    pub(super) fn text(&self, slot: Slot) -> &str {
        std::str::from_utf8(self.bytes(slot)).unwrap_or_default()
    }

    #[inline]
    pub(super) fn bytes(&self, slot: Slot) -> &[u8] {
        match slot {
            Slot::Base(span) => &self.base[span.range()],
            Slot::Written(span) => self.written(span),
        }
    }

    #[inline]
    pub(super) fn written(&self, span: Span) -> &[u8] {
        &self.written[span.range()]
    }

    /// Keeps bytes for as long as these contents live.
    pub(super) fn keep(&mut self, bytes: &[u8]) -> Result<Span, Error> {
        self.keep_with(|_, out| {
            out.extend_from_slice(bytes);
            Ok(())
        })
    }

    /// Keeps what `write` appends; nothing if it fails.
    pub(super) fn keep_with(
        &mut self,
        write: impl FnOnce(Format, &mut Vec<u8>) -> Result<(), Error>,
    ) -> Result<Span, Error> {
        if self.written.capacity() == 0 {
            self.written.reserve_exact(USUALLY_WRITTEN);
        }
        let start = self.written.len();
        let span = write(self.format, &mut self.written).and_then(|()| {
            Span::tail(start, self.written.len())
                .ok_or_else(|| Error::new(ErrorKind::TooLarge, "all values have to be smaller than 4 GiB"))
        });
        if span.is_err() {
            self.written.truncate(start);
        }
        span
    }

    /// Forgets bytes that nothing points to any more, if they were kept last.
    pub(super) fn forget(&mut self, span: Span) {
        if span.range().end == self.written.len() {
            self.written.truncate(span.range().start);
        }
    }
}
