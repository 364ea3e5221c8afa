//! Finding the entries of a map segment, which happens when it is first touched.

use super::Contents;
use super::entries::{Entries, Entry, mark};
use super::place::{Slot, Span};
use super::segment::State;
use crate::format::{Flaw, Format, scan};

/// Up to so many keys, comparing is faster than sorting.
const FEW: usize = 32;

impl Contents {
    /// Makes a segment a map, if it can be one, with every value on the list.
    #[inline]
    pub(super) fn slice(&mut self, at: usize) -> Result<(), Flaw> {
        let segment = &self.segments[at];
        let is_sliced = matches!(segment.state, State::Map { .. }) && segment.entries.tail().is_none();
        if is_sliced { Ok(()) } else { self.slice_anew(at) }
    }

    fn slice_anew(&mut self, at: usize) -> Result<(), Flaw> {
        let segment = &self.segments[at];
        let (version, whole) = match segment.state {
            State::Map { .. } => return self.segments[at].entries.list_tail(&self.written),
            State::Glimpsed => return self.look_closely(at),
            State::Stored => (segment.version(), segment.base.map(|base| Slot::base(base.body))),
            State::Document { version, body } => (version, Some(body)),
            State::Gone => (0, None),
        };
        if let Some(body) = whole {
            self.segments[at].entries = self.entries_of(body)?;
        }
        self.segments[at].state = State::Map { version, whole };
        Ok(())
    }

    pub(super) fn entries_of(&mut self, body: Slot) -> Result<Entries, Flaw> {
        if let (Format::MessagePack, Some(map)) = (self.format, body.in_base()) {
            return self.entries_of_base(map);
        }
        let mut fields = self.format.fields(self.bytes(body))?;
        let mut entries = Entries::with_capacity(fields.at_most());
        // Behind what was written before, once the body is not looked at any more.
        let mut unescaped = Vec::new();
        let behind = self.written.len();
        while let Some(field) = fields.step()? {
            let raw = body.in_base().map(|map| Slot::base(map.part(&(field.start..field.value.end))));
            let value = Some(body.part(&field.value));
            entries.push(Entry {
                mark: mark(&field.key),
                key: Slot::of_key((&field.key, field.key_at), body, behind, &mut unescaped)
                    .ok_or(Flaw::Malformed)?,
                raw,
                field: None,
                origin: value,
                now: value,
                is_seen: false,
                is_own: false,
            });
        }
        self.written.extend_from_slice(&unescaped);
        self.refuse_duplicates(&entries)?;
        Ok(entries)
    }

    /// The usual case, and the one that every request with a session goes through.
    fn entries_of_base(&self, map: Span) -> Result<Entries, Flaw> {
        let bytes = &self.base[map.range()];
        let (count, first) = scan::open(bytes)?;
        // An entry takes two bytes at least, so a forged count reserves no more than was sent.
        let mut entries = Entries::with_capacity(count.min(bytes.len() / 2));
        scan::entries(bytes, count, first, |key, found| {
            let mark = mark(key);
            if count <= FEW
                && entries.may_have(mark)
                && entries.iter().any(|other| self.bytes(other.key) == key)
            {
                return Err(Flaw::DuplicateKey);
            }
            let raw = map.part(&(found.start..found.value.end));
            entries.push(Entry::of_base(Slot::base(map.part(&found.key)), mark, raw, map.part(&found.value)));
            Ok(())
        })?;
        if count > FEW {
            self.refuse_duplicates(&entries)?;
        }
        Ok(entries)
    }

    fn refuse_duplicates(&self, entries: &[Entry]) -> Result<(), Flaw> {
        let has_duplicates = if entries.len() <= FEW {
            let is_known = |i: usize, key| entries[..i].iter().any(|other| self.bytes(other.key) == key);
            entries.iter().enumerate().any(|(i, entry)| is_known(i, self.bytes(entry.key)))
        } else {
            let mut keys: Vec<_> = entries.iter().map(|entry| self.bytes(entry.key)).collect();
            keys.sort_unstable();
            keys.windows(2).any(|pair| pair[0] == pair[1])
        };
        if has_duplicates { Err(Flaw::DuplicateKey) } else { Ok(()) }
    }
}
