//! What a segment comes to when it is written, and whether that is what was loaded.

use std::borrow::Cow;
use std::ops::Range;

use super::Contents;
use super::entries::{Entries, Entry};
use super::place::{Slot, Span};
use super::segment::{Segment, State};
use crate::format::{Length, Sink};

/// What would be written as a segment's body.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    /// These bytes.
    Raw(&'a [u8]),
    /// A map of those entries that are not removed.
    Entries(&'a Entries),
    /// This map of the base with other values in some places.
    Patched(Span, &'a Entries),
}

impl Contents {
    /// What would be written as this segment's body; `None` if it is left out.
    pub(super) fn body_of<'a>(&'a self, segment: &'a Segment) -> Option<Body<'a>> {
        let whole = match segment.state {
            State::Gone => None,
            State::Stored => segment.base.map(|base| Slot::base(base.body)),
            State::Document { body, .. } => Some(body),
            State::Glimpsed if !segment.entries.is_any_written() => {
                segment.base.map(|base| Slot::base(base.body))
            }
            State::Map { whole, .. } if !segment.entries.is_any_written() => whole,
            State::Map { .. } | State::Glimpsed => {
                let is_live = segment.entries.tail().is_some()
                    || segment.entries.iter().any(|entry| entry.now.is_some());
                return is_live.then(|| match segment.base_in_place() {
                    Some(base) => Body::Patched(base, &segment.entries),
                    None => Body::Entries(&segment.entries),
                });
            }
        };
        whole.map(|slot| Body::Raw(self.bytes(slot)))
    }

    /// The bytes of a body, put together if they have to be.
    pub(super) fn collect<'a>(&self, body: Body<'a>) -> Cow<'a, [u8]> {
        match body {
            Body::Raw(bytes) => Cow::Borrowed(bytes),
            Body::Entries(_) | Body::Patched(..) => {
                let mut out = Vec::with_capacity(self.len_of(body));
                self.put(&mut out, body);
                Cow::Owned(out)
            }
        }
    }

    pub(super) fn len_of(&self, body: Body<'_>) -> usize {
        let mut length = Length::default();
        self.put(&mut length, body);
        length.0
    }

    /// Appends a body.
    pub(super) fn put(&self, out: &mut impl Sink, body: Body<'_>) {
        match body {
            Body::Raw(bytes) => out.put(bytes),
            Body::Entries(entries) => self.put_entries(out, entries),
            Body::Patched(base, entries) => self.put_patched(out, base, entries),
        }
    }

    fn put_patched(&self, out: &mut impl Sink, map: Span, entries: &Entries) {
        let Range { mut start, end } = map.range();
        for entry in entries.iter().filter(|entry| entry.is_written()) {
            let (Some(origin), Some(now)) = (entry.origin.and_then(Slot::in_base), entry.now) else {
                continue;
            };
            out.put(&self.base[start..origin.range().start]);
            out.put(self.bytes(now));
            start = origin.range().end;
        }
        out.put(&self.base[start..end]);
    }

    /// Appends a map; neighbours that lie one behind the other are copied in one go.
    fn put_entries(&self, out: &mut impl Sink, entries: &Entries) {
        let format = self.format;
        let listed = entries.iter().filter(|entry| entry.now.is_some()).count();
        let tail = entries.tail();
        format.open_map(out, listed + tail.map_or(0, |tail| tail.count() as usize));
        let mut is_first = true;
        let mut rest = &**entries;
        while let Some((entry, after)) = rest.split_first() {
            rest = after;
            let Some(now) = entry.now else { continue };
            if let Some(mut run) = entry.whole() {
                while let Some((entry, after)) = rest.split_first()
                    && let Some(longer) = entry.whole().and_then(|next| run.joined(next))
                {
                    run = longer;
                    rest = after;
                }
                format.put_fields(out, is_first, self.bytes(run));
            } else {
                format.put_field(out, is_first, self.bytes(entry.key), self.bytes(now));
            }
            is_first = false;
        }
        if let Some(tail) = tail {
            format.put_fields(out, is_first, self.written(tail.fields()));
        }
        format.close_map(out);
    }

    /// Whether it would be written with another meaning than it was loaded with.
    pub(super) fn is_segment_changed(&self, segment: &Segment) -> bool {
        if segment.is_sliced_of_base() {
            return segment.version() != segment.base.map_or(0, |base| base.version)
                || segment.entries.tail().is_some()
                || segment.entries.iter().any(|entry| self.is_entry_changed(entry));
        }
        if matches!(segment.state, State::Stored) {
            return false;
        }
        match (segment.base, self.body_of(segment)) {
            (None, None) => false,
            (Some(base), Some(body)) => {
                base.version != segment.version()
                    || !self.format.is_equal(&self.base[base.body.range()], &self.collect(body))
            }
            (None, Some(_)) | (Some(_), None) => true,
        }
    }

    fn is_entry_changed(&self, entry: &Entry) -> bool {
        entry.is_written()
            && match (entry.origin, entry.now) {
                (Some(origin), Some(now)) => !self.format.is_equal(self.bytes(origin), self.bytes(now)),
                (origin, now) => origin.is_some() != now.is_some(),
            }
    }
}
