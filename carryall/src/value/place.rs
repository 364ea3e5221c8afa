//! Where names and values lie: in the loaded payload, or among what this request wrote.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::ops::Range;

use super::Contents;
use crate::error::{Error, ErrorKind};
use crate::format::Format;

/// Room for what a request usually writes, so that it is reserved once.
const USUALLY_WRITTEN: usize = 512;

/// A place in a buffer of less than 1 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The whole of a buffer of that length, if it is not too long for one.
    pub(super) fn whole(len: usize) -> Option<Self> {
        Self::tail(0, len)
    }

    /// From `start` to the end of a buffer of that length, if it is not too long for one.
    fn tail(start: usize, len: usize) -> Option<Self> {
        let [start, end] = [start, len].map(u32::try_from);
        let (start, end) = (start.ok()?, end.ok()?);
        (end <= Slot::MOST).then_some(Self { start, end })
    }

    /// A part of this span, relative to its start.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "a part of what is smaller than 1 GiB")]
    pub(super) fn part(self, range: &Range<usize>) -> Self {
        let at = |offset: usize| self.start.wrapping_add(offset as u32);
        Self { start: at(range.start), end: at(range.end) }
    }

    /// This and what lies right behind it as one.
    #[inline]
    pub(super) fn joined(self, next: Self) -> Option<Self> {
        (self.end == next.start).then_some(Self { start: self.start, end: next.end })
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

/// Where a name, a key or an encoded value lies: in the loaded payload, or among what was written since or had to be
/// unescaped. Kept small, also where there may be none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    /// The start in the upper bits; below it, whether it is among what was written, and a bit that is always set.
    start: NonZeroU32,
    end: u32,
}

impl Slot {
    /// Nothing at all: the name of the default segment.
    pub(super) const EMPTY: Self = Self { start: NonZeroU32::MIN, end: 0 };

    /// How far a slot can reach.
    const MOST: u32 = u32::MAX >> 2;

    /// In the loaded payload.
    #[inline]
    pub(super) fn base(span: Span) -> Self {
        Self { start: NonZeroU32::MIN | span.start << 2, end: span.end }
    }

    /// Among what was written.
    #[inline]
    pub(super) fn written(span: Span) -> Self {
        Self { start: NonZeroU32::MIN | span.start << 2 | 2, end: span.end }
    }

    #[inline]
    fn is_written(self) -> bool {
        self.start.get() & 2 != 0
    }

    /// Its bytes, out of the payload or what was written.
    #[inline]
    pub(super) fn of<'a>(self, base: &'a [u8], written: &'a [u8]) -> &'a [u8] {
        &(if self.is_written() { written } else { base })[self.span().range()]
    }

    #[inline]
    fn span(self) -> Span {
        Span { start: self.start.get() >> 2, end: self.end }
    }

    /// Its place in the payload, if it is there.
    #[inline]
    pub(super) fn in_base(self) -> Option<Span> {
        (!self.is_written()).then(|| self.span())
    }

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
                Span::tail(start, start + key.len()).map(Self::written)
            }
        }
    }

    /// A part of it, relative to its start.
    #[inline]
    pub(super) fn part(self, range: &Range<usize>) -> Self {
        let part = self.span().part(range);
        if self.is_written() { Self::written(part) } else { Self::base(part) }
    }

    /// This entry of a map and the next one as one piece. In the base only punctuation is between entries; what
    /// was written may have anything in between.
    pub(super) fn joined(self, next: Self) -> Option<Self> {
        let are_one = match (self.is_written(), next.is_written()) {
            (false, false) => self.end <= next.span().start,
            (true, true) => self.end == next.span().start,
            _ => false,
        };
        are_one.then_some(Self { start: self.start, end: next.end })
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        self.span().len()
    }
}

impl Contents {
    /// A name or key, each of which was checked to be UTF-8 when it was found.
    pub(super) fn text(&self, slot: Slot) -> &str {
        std::str::from_utf8(self.bytes(slot)).unwrap_or_default()
    }

    #[inline]
    pub(super) fn bytes(&self, slot: Slot) -> &[u8] {
        slot.of(&self.base, &self.written)
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

    /// Keeps all of `bytes` but the front, and them themselves where there is nothing else.
    pub(super) fn keep_from(&mut self, bytes: Vec<u8>, front: usize) -> Result<Span, Error> {
        if self.written.capacity() > 0 || Span::whole(bytes.len()).is_none() {
            return self.keep(&bytes[front..]);
        }
        self.written = bytes;
        Ok(Span { start: 0, end: 0 }.part(&(front..self.written.len())))
    }

    /// Keeps what `write` appends; nothing if it fails.
    pub(super) fn keep_with(
        &mut self,
        write: impl FnOnce(Format, &mut Vec<u8>) -> Result<(), Error>,
    ) -> Result<Span, Error> {
        if self.written.capacity() == 0 {
            self.written = Vec::with_capacity(USUALLY_WRITTEN);
        }
        let start = self.written.len();
        let span = write(self.format, &mut self.written).and_then(|()| {
            Span::tail(start, self.written.len())
                .ok_or_else(|| Error::new(ErrorKind::TooLarge, "all values have to be smaller than 1 GiB"))
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
