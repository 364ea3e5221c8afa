//! The values of a map segment, in their order, and which keys it cannot have.

use std::ops::{Deref, DerefMut};

use super::place::{Slot, Span};
use super::run::{Field, Run};
use crate::format::Flaw;

/// How many entries are reserved room for when the first is added: a form's worth, and still a small allocation.
const USUAL: usize = 12;

/// The values of a map segment.
#[derive(Clone, Default)]
pub(super) struct Entries {
    list: Vec<Entry>,
    /// One bit for each mark that a key has; most keys are seen to be new by it.
    met: Marks,
    /// What comes last and is not on the list yet, in MessagePack: values that were set at which nobody has looked.
    tail: Option<Run>,
}

/// One value of a map segment. It stays when the value is removed, to know what was there.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: Slot,
    /// The whole of it in the base, key and value, if it comes from there.
    pub(super) raw: Option<Slot>,
    /// The whole of what it is now, if key and value were written together.
    pub(super) field: Option<Slot>,
    /// What it was when the segment was sliced; `None` if it was not there.
    pub(super) origin: Option<Slot>,
    /// What it is; `None` if it is removed.
    pub(super) now: Option<Slot>,
    /// What is compared before the key is.
    pub(super) mark: u8,
    /// Read while it still depended on the base.
    pub(super) is_seen: bool,
    /// Set or removed as a whole by this request: it does not depend on the base.
    pub(super) is_own: bool,
}

impl Entries {
    /// Room for so many.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self { list: Vec::with_capacity(count), ..Self::default() }
    }

    /// One alone.
    pub(super) fn of_one(entry: Entry) -> Self {
        let mut entries = Self::with_capacity(1);
        entries.push(entry);
        entries
    }

    /// Whether there may be an entry with this mark.
    #[inline]
    pub(super) fn may_have(&self, mark: u8) -> bool {
        self.met.have(mark)
    }

    /// Whether there may be an entry with one of these marks.
    pub(super) fn may_have_any(&self, marks: &Marks) -> bool {
        self.met.0.iter().zip(&marks.0).any(|(met, mark)| met & mark != 0)
    }

    /// Adds one with a key that none of the others has.
    #[inline]
    pub(super) fn push(&mut self, entry: Entry) {
        if self.list.len() == self.list.capacity() {
            self.list.reserve(USUAL);
        }
        self.met.add(entry.mark);
        self.list.push(entry);
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.met = Marks::default();
        self.tail = None;
    }

    /// Adds what was written there to the tail, under a key that none of the others has. It has to lie
    /// [where the tail ends](Self::is_tail_at).
    #[inline]
    pub(super) fn append(&mut self, field: Run, mark: u8) {
        self.met.add(mark);
        self.extend_tail(field);
    }

    /// The same for several, which have these marks.
    pub(super) fn append_run(&mut self, fields: Run, marks: &Marks) {
        self.met.0.iter_mut().zip(&marks.0).for_each(|(met, mark)| *met |= mark);
        self.extend_tail(fields);
    }

    #[inline]
    fn extend_tail(&mut self, fields: Run) {
        match &mut self.tail {
            Some(tail) => _ = tail.extend(fields),
            tail @ None => *tail = Some(fields),
        }
    }

    /// Whether what is written next goes on where the tail ends.
    #[inline]
    pub(super) fn is_tail_at(&self, end: usize) -> bool {
        self.tail.is_none_or(|tail| tail.fields().range().end == end)
    }

    #[inline]
    pub(super) fn tail(&self) -> Option<Run> {
        self.tail
    }

    /// Whether this request wrote or removed any, be it to the value it had.
    pub(super) fn is_any_written(&self) -> bool {
        self.tail.is_some() || self.list.iter().any(Entry::is_written)
    }

    /// Takes others off the list; their marks stay.
    pub(super) fn retain(&mut self, keep: impl FnMut(&Entry) -> bool) {
        self.list.retain(keep);
    }

    /// Goes without what is not on the list.
    pub(super) fn drop_tail(&mut self) {
        self.tail = None;
    }

    /// Puts on the list what is not on it yet.
    pub(super) fn list_tail(&mut self, written: &[u8]) -> Result<(), Flaw> {
        let Some(tail) = self.tail else { return Ok(()) };
        tail.each(written, |Field { key, value, whole }| {
            let mark = mark(key.of(&[], written));
            self.push(Entry {
                field: Some(whole),
                now: Some(value),
                is_own: true,
                ..Entry::absent(key, mark)
            });
        })?;
        self.tail = None;
        Ok(())
    }
}

/// One bit for each mark.
#[derive(Clone, Copy, Default)]
pub(super) struct Marks([u64; 4]);

impl Marks {
    #[inline]
    fn have(&self, mark: u8) -> bool {
        self.0[usize::from(mark / 64)] & 1 << (mark % 64) != 0
    }

    /// Adds one; whether it was not among them.
    #[inline]
    pub(super) fn add(&mut self, mark: u8) -> bool {
        let is_new = !self.have(mark);
        self.0[usize::from(mark / 64)] |= 1 << (mark % 64);
        is_new
    }
}

impl Deref for Entries {
    type Target = [Entry];

    #[inline]
    fn deref(&self) -> &[Entry] {
        &self.list
    }
}

/// For changing entries and their order. Keys stay as they are.
impl DerefMut for Entries {
    #[inline]
    fn deref_mut(&mut self) -> &mut [Entry] {
        &mut self.list
    }
}

/// What two equal keys have in common, and others hardly ever.
#[inline]
pub(super) fn mark(key: &[u8]) -> u8 {
    let (Some(first), Some(middle), Some(last)) = (key.first(), key.get(key.len() / 2), key.last()) else {
        return 0;
    };
    let ends = first.wrapping_mul(5).wrapping_add(*last);
    // Of the length only the lowest bits.
    middle.wrapping_mul(31).wrapping_add(ends).wrapping_add(key.len().to_le_bytes()[0])
}

impl Entry {
    /// An entry as the base has it.
    pub(super) fn of_base(key: Slot, mark: u8, raw: Span, value: Span) -> Self {
        let value = Some(Slot::base(value));
        let raw = Some(Slot::base(raw));
        Self { key, mark, raw, field: None, origin: value, now: value, is_seen: false, is_own: false }
    }

    /// An entry that was never there.
    #[inline]
    pub(super) fn absent(key: Slot, mark: u8) -> Self {
        Self { key, mark, raw: None, field: None, origin: None, now: None, is_seen: false, is_own: false }
    }

    /// Where it stands among the entries of the base; new ones stand last.
    pub(super) fn base_order(&self) -> usize {
        self.raw.and_then(Slot::in_base).map_or(usize::MAX, |raw| raw.range().start)
    }

    /// Whether it was written or removed by this request, be it to the value it had.
    pub(super) fn is_written(&self) -> bool {
        self.now != self.origin
    }

    /// The whole of it, key and value, if it lies in one piece.
    pub(super) fn whole(&self) -> Option<Slot> {
        self.now?;
        if self.is_written() { self.field } else { self.raw }
    }
}
