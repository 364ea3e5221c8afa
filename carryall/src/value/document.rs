//! Segments that are one typed document: the verbs for bodies as a whole, and for clearing any segment.

use std::borrow::Cow;

use super::op::{Action, Effect, Guard, Op};
use super::place::Slot;
use super::{Contents, DEFAULT};
use crate::error::{Error, ErrorKind};

impl Contents {
    /// A segment's version and encoded body. From now on the segment counts as read.
    pub(crate) fn body(&mut self, segment: &str) -> Option<(u32, Cow<'_, [u8]>)> {
        let at = self.find_or_note(segment).ok()?;
        self.note_body_seen(at);
        let segment = &self.segments[at];
        Some((segment.version(), self.collect(self.body_of(segment)?)))
    }

    /// A document's version. Does not count as reading it.
    pub(crate) fn version_of(&self, segment: &str) -> Option<u32> {
        let segment = &self.segments[self.find(segment.as_bytes())?];
        self.body_of(segment).map(|_| segment.version())
    }

    /// Stores a document. If the segment was read before, it is stored only as long as it is what was read.
    pub(crate) fn set_body(&mut self, segment: &str, version: u32, body: &[u8]) -> Result<(), Error> {
        refuse_default(segment)?;
        self.put_body(segment, version, body)
    }

    /// Removes a document, whatever it is by then. Whether there was one.
    pub(crate) fn remove_body(&mut self, segment: &str) -> bool {
        let is_there =
            self.find(segment.as_bytes()).is_some_and(|at| self.body_of(&self.segments[at]).is_some());
        self.clear(segment);
        is_there
    }

    /// Removes everything in a segment, whatever it is by then.
    pub(crate) fn clear(&mut self, segment: &str) {
        let known = self.find(segment.as_bytes());
        let name = match known {
            Some(at) => Ok(self.segments[at].name),
            None => self.keep(segment.as_bytes()).map(Slot::written),
        };
        // Only a name that does not fit beside 1 GiB of values fails, and nothing can have been stored under it.
        let Ok(name) = name else { return };
        self.remember(Op { segment: name, action: Action::Clear, effect: Effect::Removed });
        if let Some(at) = known {
            self.clear_at(at);
        }
    }

    /// Removes everything in all segments, also in those that another request makes meanwhile.
    pub(crate) fn clear_all(&mut self) {
        self.remember(Op { segment: Slot::EMPTY, action: Action::ClearAll, effect: Effect::Removed });
        for at in 0..self.segments.len() {
            self.clear_at(at);
        }
    }

    /// Stores a whole segment, also the default one.
    pub(super) fn put_body(&mut self, segment: &str, version: u32, body: &[u8]) -> Result<(), Error> {
        let at = self.find_or_note(segment)?;
        let segment = &self.segments[at];
        let guard = match segment.base {
            _ if !segment.is_any_seen() => self.guard_of_marked_body(at)?,
            Some(base) => Guard::Base(base.version, base.body),
            None => Guard::Absent,
        };
        let name = segment.name;
        let body = self.keep(body)?;
        // What comes of it is plain, and its place was just found.
        let (action, effect) = (Action::SetBody { version, body, guard }, Effect::Stored(body));
        self.remember(Op { segment: name, action, effect });
        self.segments[at].replace(version, Some(Slot::written(body)), true);
        Ok(())
    }

    pub(super) fn note_body_seen(&mut self, at: usize) {
        let segment = &mut self.segments[at];
        segment.is_seen |= !segment.is_own;
    }
}

pub(super) fn refuse_default(segment: &str) -> Result<(), Error> {
    if segment == DEFAULT {
        return Err(Error::new(
            ErrorKind::Misuse,
            "the default segment is a map of values; name the document's segment",
        ));
    }
    Ok(())
}
