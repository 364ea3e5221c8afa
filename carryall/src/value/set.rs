//! Storing values by key: at the end of what is being filled, or wherever the key leads.

use super::entries::{Entry, mark};
use super::map::{Found, has_dot};
use super::op::{Action, Effect, Guard, Op};
use super::place::{Slot, Span};
use super::run::Run;
use super::segment::State;
use super::{AROUND, Contents};
use crate::error::Error;
use crate::format::Format;

impl Contents {
    /// Stores a [packed](crate::format::pack) value. If the key was read before, it is stored only as long as it is what
    /// was read.
    ///
    /// A path that is no key leads into nested maps, which are made if they are missing. An error leaves everything as it
    /// was.
    pub(crate) fn set(&mut self, segment: &str, path: &str, packed: &[u8]) -> Result<(), Error> {
        let mark = mark(path.as_bytes());
        match self.segment_without(segment, path, mark) {
            Some(at) => self.append(at, path, mark, packed),
            None => self.set_anywhere(segment, path, packed),
        }
    }

    /// The segment, if it is seen at a glance that a path is a key which it never had, that nobody has looked, and that
    /// the value can be appended: so it is when a session is filled, and finding out about everything else takes longer
    /// than storing the value.
    #[inline]
    fn segment_without(&self, segment: &str, path: &str, mark: u8) -> Option<usize> {
        let at = self.find(segment.as_bytes())?;
        let segment = &self.segments[at];
        let is_new = matches!(segment.state, State::Map { .. })
            && !segment.entries.may_have(mark)
            && !segment.is_seen
            && segment.entries.is_tail_at(self.written.len())
            && self.reading.is_empty()
            && !has_dot(path.as_bytes());
        is_new.then_some(at)
    }

    /// The same without a glance.
    fn set_anywhere(&mut self, segment: &str, path: &str, packed: &[u8]) -> Result<(), Error> {
        let at = self.open_at(segment, path)?;
        let found = self.resolve(at, path);
        let guard = self.guard_of(at, &found)?;
        let segment = self.segments[at].name;
        if found.rest.is_some() {
            let place = self.place_of(at, &found)?;
            let value = self.keep_packed(packed)?;
            return self.apply(segment, Action::Set { place, value, guard });
        }
        let Some(entry) = found.entry else {
            return match guard {
                Guard::Blind => self.append(at, found.key, mark(found.key.as_bytes()), packed),
                _ => self.add(at, found.key, guard, packed),
            };
        };
        let key = self.segments[at].entries[entry].key;
        let value = self.keep_packed(packed)?;
        self.remember(Op::set(segment, key, value, guard));
        self.overwrite(at, entry, (Some(Slot::written(value)), None), true);
        Ok(())
    }

    /// Stores the value of a key that is new to its segment and at which nobody has looked; in MessagePack key and value
    /// as the entry that they will be in the payload.
    fn append(&mut self, at: usize, key: &str, mark: u8, packed: &[u8]) -> Result<(), Error> {
        if self.format == Format::Json {
            return self.add(at, key, Guard::Blind, packed);
        }
        let field = self.keep_with(|_, out| {
            Format::MessagePack.put_text(out, key.as_bytes());
            out.extend_from_slice(packed);
            Ok(())
        })?;
        let segment = &mut self.segments[at];
        let run = Run::of(field);
        segment.entries.append(run, mark);
        let name = segment.name;
        self.remember_run(name, run);
        Ok(())
    }

    /// Adds to the write-set that values were appended. Most that fill a session follow on what was appended last, and
    /// take no op of their own.
    #[inline]
    pub(super) fn remember_run(&mut self, segment: Slot, added: Run) {
        self.grown += AROUND + added.fields().len() + segment.len();
        if let Some(Op { segment: last, action: Action::Fill(run), effect }) = self.ops.last_mut()
            && *last == segment
            && run.extend(added)
        {
            *effect = Effect::Stored(run.fields());
        } else {
            let effect = Effect::Stored(added.fields());
            self.ops.push(Op { segment, action: Action::Fill(added), effect });
        }
    }

    /// Stores the value of a key that is new to its segment.
    fn add(&mut self, at: usize, key: &str, guard: Guard, packed: &[u8]) -> Result<(), Error> {
        let mark = mark(key.as_bytes());
        let key = Slot::written(self.keep(key.as_bytes())?);
        let value = self.keep_packed(packed)?;
        self.remember(Op::set(self.segments[at].name, key, value, guard));
        let now = Some(Slot::written(value));
        self.segments[at].entries.push(Entry { now, is_own: true, ..Entry::absent(key, mark) });
        Ok(())
    }

    fn keep_packed(&mut self, packed: &[u8]) -> Result<Span, Error> {
        self.keep_with(|format, out| format.put_packed(packed, out))
    }

    #[inline]
    fn guard_of(&self, at: usize, found: &Found<'_>) -> Result<Guard, Error> {
        let segment = &self.segments[at];
        let is_entry_seen = found.entry.is_some_and(|entry| segment.entries[entry].is_seen);
        if !is_entry_seen && !segment.is_seen {
            return if self.reading.is_empty() {
                Ok(Guard::Blind)
            } else {
                self.guard_of_marks(at, found.key.as_bytes())
            };
        }
        let stored = match found.entry {
            Some(entry) if segment.is_sliced_of_base() => {
                segment.entries[entry].origin.and_then(Slot::in_base)
            }
            _ => self.stored_value(at, found.key.as_bytes()),
        };
        Ok(stored.map_or(Guard::Absent, |span| Guard::Base(0, span)))
    }
}
