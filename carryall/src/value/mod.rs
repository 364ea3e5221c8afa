//! A session's values, kept encoded: what was loaded, what this request did to it, and how to do it again.
//!
//! [`Contents`] is the loaded payload and a write-set. Reading slices the payload and decodes nothing; writing keeps
//! the new bytes beside it; what nobody touched is written back byte for byte. Every mutator leaves an [`op`], those
//! that only fill a session one in common, and [`rebase`] replays them on a payload that another request has written
//! meanwhile.

mod apply;
mod body;
mod document;
mod entries;
mod few;
mod glimpse;
mod json;
mod layout;
mod many;
mod map;
mod op;
mod path;
mod place;
mod reading;
mod rebase;
mod run;
mod segment;
mod set;
mod slice;
#[cfg(test)]
mod tests;
mod unlocked;

use std::fmt;

use bytes::Bytes;

use crate::error::{Error, ErrorKind};
use crate::format::Format;

use body::Body;
use few::Few;
pub(crate) use json::Front;
use layout::Found;
pub(crate) use layout::Unreadable;
pub(crate) use many::Fields;
use op::Op;
pub(crate) use op::{BodyUpdater, Updater};
use reading::Mark;
pub(crate) use rebase::Rebase;
use segment::Segment;

/// The name of the segment that values go into unless another one is named.
pub(crate) const DEFAULT: &str = "";

/// Most segments in one session.
const MOST_SEGMENTS: usize = 256;

/// Longest name of a segment, in bytes.
const LONGEST_NAME: usize = 64;

/// Headers, lengths and punctuation around one value.
const AROUND: usize = 32;

/// All segments of one session, and what this request did to them. A clone shares the payload.
#[derive(Clone)]
pub(crate) struct Contents {
    format: Format,
    /// The payload as it was loaded; everything untouched is a span of it.
    base: Bytes,
    /// Those of the base in its order, then new ones. One that is only here to remember that it was looked for
    /// is never written.
    segments: Few<Segment>,
    /// The write-set, in program order.
    ops: Few<Op>,
    /// Keys and values that were written, and names that had to be unescaped.
    written: Vec<u8>,
    /// How many bytes the ops can have added at most.
    grown: usize,
    /// What was read before a commit or a lost race.
    reading: Vec<Mark>,
}

impl Contents {
    /// Contents without any segment.
    pub(crate) fn empty(format: Format) -> Self {
        let base = Bytes::from_static(layout::empty(format));
        Self::loaded(format, base, Few::new(), Vec::new())
    }

    /// The contents of a payload. Only the segments are found; what is in them is looked at when it is touched.
    pub(crate) fn parse(format: Format, base: Bytes) -> Result<Self, Unreadable> {
        let mut contents = Self::empty(format);
        contents.load(base)?;
        Ok(contents)
    }

    /// Makes empty contents those of a payload, where they lie: every move of them is a copy.
    pub(crate) fn load(&mut self, base: Bytes) -> Result<(), Unreadable> {
        let Self { format, segments, written, .. } = self;
        layout::parse(&mut Found { format: *format, base: &base, segments, written })?;
        self.base = base;
        Ok(())
    }

    /// The contents whose payload was already found to be that of `base`.
    pub(crate) fn of_front(base: Bytes, front: Front) -> Self {
        let (segments, written) = front.into_parts();
        Self::loaded(Format::Json, base, segments, written)
    }

    fn loaded(format: Format, base: Bytes, segments: Few<Segment>, written: Vec<u8>) -> Self {
        Self { format, base, segments, ops: Few::new(), written, grown: 0, reading: Vec::new() }
    }

    /// How the values are encoded.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Appends the payload as it stands now. Maps that became empty and removed documents are left out.
    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        if self.ops.is_empty() {
            out.extend_from_slice(&self.base);
        } else {
            layout::write(self, out);
        }
    }

    /// How many bytes [`write_to`](Self::write_to) appends.
    pub(crate) fn encoded_len(&self) -> usize {
        if self.ops.is_empty() { self.base.len() } else { layout::len(self) }
    }

    /// No fewer bytes than [`encoded_len`](Self::encoded_len), without a walk over the segments.
    pub(crate) fn longest(&self) -> usize {
        self.base.len() + self.grown
    }

    /// Whether any value differs from what was loaded. A value that was changed and changed back does not.
    pub(crate) fn is_changed(&self) -> bool {
        !self.ops.is_empty() && self.segments.iter().any(|segment| self.is_segment_changed(segment))
    }

    /// Whether there is no value in it at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.segments.iter().all(|segment| {
            // Mostly one of the values that were found says so already.
            segment.entries.tail().is_none()
                && segment.entries.iter().all(|entry| entry.now.is_none())
                && match self.body_of(segment) {
                    None => true,
                    Some(Body::Raw(body)) => self.name(segment) == DEFAULT && self.format.is_empty_map(body),
                    Some(Body::Entries(_) | Body::Patched(..)) => false,
                }
        })
    }

    /// The names of all segments with the encoded size of each in bytes.
    pub(crate) fn segments(&self) -> Vec<(String, usize)> {
        self.segments
            .iter()
            .filter_map(|segment| {
                let body = self.body_of(segment)?;
                Some((self.name(segment).to_owned(), self.len_of(body)))
            })
            .collect()
    }

    /// After a commit: what is here is what is stored. The write-set is forgotten; what was read is not.
    pub(crate) fn settle(&mut self) {
        // What was written here is always readable; were it not, the write-set would stay and be replayed.
        let _readable = self.settle_checked();
    }

    fn settle_checked(&mut self) -> Result<(), Unreadable> {
        if self.ops.is_empty() {
            self.grown = 0;
            return Ok(());
        }
        let reading = self.marks_after_commit();
        let mut out = Vec::with_capacity(self.encoded_len());
        self.write_to(&mut out);
        *self = Self { reading, ..Self::parse(self.format, out.into())? };
        Ok(())
    }

    /// The same values in another format, as if they had been loaded in it.
    pub(crate) fn transcode(self, to: Format) -> Result<Self, Error> {
        let mut out = Self::empty(to);
        for segment in &self.segments {
            if let Some(body) = self.body_of(segment) {
                let body = self.format.transcode(&self.collect(body), to)?;
                out.put_body(self.name(segment), segment.version(), &body)?;
            }
        }
        out.settle_checked()
            .map_err(|_| Error::new(ErrorKind::Decode, "a stored segment cannot be carried over"))?;
        Ok(out)
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents")
            .field("format", &self.format)
            .field("segments", &self.segments.len())
            .field("ops", &self.ops.len())
            .finish_non_exhaustive()
    }
}
