//! What was read before a commit: it still guards what is set after it.
//!
//! Marks are made only where a request goes on after a commit, or after a lost race. Within one base the entries and
//! segments remember themselves what was read of them.

use super::Contents;
use super::op::{Action, Guard};
use super::segment::{Segment, State};
use crate::error::{Error, ErrorKind};

/// A value as this request knows it.
#[derive(Clone)]
pub(super) struct Mark {
    segment: Box<str>,
    /// `None` for a whole document.
    key: Option<Box<[u8]>>,
    /// The version, 0 for a value of a map, and the bytes; `None` if there was nothing.
    seen: Known<Box<[u8]>>,
}

type Known<B> = Option<(u32, B)>;

impl Mark {
    fn seen(&self) -> Known<&[u8]> {
        self.seen.as_ref().map(|(version, bytes)| (*version, &**bytes))
    }
}

impl Contents {
    /// All that this request has read, with the values that it read.
    pub(super) fn marks(&self) -> Vec<Mark> {
        let mut marks = self.reading.clone();
        let seen = self.segments.iter().enumerate().filter(|(_, segment)| segment.is_any_seen());
        for (at, segment) in seen {
            let name = self.name(segment);
            if segment.is_seen {
                marks.retain(|mark| *mark.segment != *name);
                marks.push(Mark { segment: name.into(), key: None, seen: owned(self.base_of(segment)) });
            }
            for entry in segment.entries.iter().filter(|entry| entry.is_seen) {
                let key = self.bytes(entry.key);
                marks.retain(|mark| *mark.segment != *name || mark.key.as_deref() != Some(key));
                let seen = owned(self.stored(at, key));
                marks.push(Mark { segment: name.into(), key: Some(key.into()), seen });
            }
        }
        marks
    }

    /// The same once the write-set holds: what this request made of a value that it knew, it knows too.
    pub(super) fn marks_after_commit(&self) -> Vec<Mark> {
        let mut marks = self.marks();
        for mark in &mut marks {
            if let Some(now) = self.made_of(mark) {
                mark.seen = now;
            }
        }
        marks
    }

    /// What the write-set makes of what is marked, unless it did that to a value which this request has not read.
    fn made_of(&self, mark: &Mark) -> Option<Known<Box<[u8]>>> {
        let key = mark.key.as_deref();
        let is_removed = self.is_removed(&mark.segment, key);
        let Some(at) = self.find(mark.segment.as_bytes()) else {
            return is_removed.then_some(None);
        };
        let segment = &self.segments[at];
        let is_sliced = segment.is_sliced_of_base();
        let entry = key.and_then(|key| self.find_entry(at, key)).map(|entry| &segment.entries[entry]);
        let is_as_stored = if is_sliced && key.is_some() {
            entry.is_none_or(|entry| !entry.is_written())
        } else {
            matches!(segment.state, State::Stored)
        };
        if is_as_stored && !is_removed {
            return None;
        }
        let is_own = is_removed || segment.is_own || entry.is_some_and(|entry| entry.is_own);
        let stored = key.map_or_else(|| self.base_of(segment), |key| self.stored(at, key));
        if !is_own && !self.is_same(mark.seen(), stored) {
            return None;
        }
        let body = self.body_of(segment).map(|body| self.collect(body));
        Some(body.and_then(|body| match key {
            None => Some((segment.version(), body.into())),
            Some(key) => self.value_in(&body, key).map(|value| (0, value.into())),
        }))
    }

    /// Whether this request removed it, be it that there was nothing to remove any more.
    fn is_removed(&self, segment: &str, key: Option<&[u8]>) -> bool {
        self.ops.iter().any(|op| match &op.action {
            Action::ClearAll => true,
            Action::Clear => self.bytes(op.segment) == segment.as_bytes(),
            Action::Remove { place } => {
                place.rest.is_none()
                    && key == Some(self.bytes(place.key))
                    && self.bytes(op.segment) == segment.as_bytes()
            }
            _ => false,
        })
    }

    /// The value of a key in an encoded map.
    fn value_in<'b>(&self, body: &'b [u8], key: &[u8]) -> Option<&'b [u8]> {
        body.get(self.format.child(body, std::str::from_utf8(key).ok()?)?)
    }

    /// What must be stored for a key to be set that was read before a commit.
    pub(super) fn guard_of_marks(&self, at: usize, key: &[u8]) -> Result<Guard, Error> {
        let name = self.name(&self.segments[at]);
        let mut marks = self.reading.iter().filter(|mark| *mark.segment == *name);
        let own = marks.clone().find(|mark| mark.key.as_deref() == Some(key));
        let Some(mark) = own.or_else(|| marks.find(|mark| mark.key.is_none())) else {
            return Ok(Guard::Blind);
        };
        let seen = match (&mark.key, mark.seen()) {
            (None, Some((_, body))) => self.value_in(body, key).map(|value| (0, value)),
            (_, seen) => seen,
        };
        if !self.is_same(seen, self.stored(at, key)) {
            return Err(conflict(&String::from_utf8_lossy(key)));
        }
        Ok(self.stored_value(at, key).map_or(Guard::Absent, |span| Guard::Base(0, span)))
    }

    /// What must be stored for a document to be set that was read, whole or in parts, before a commit.
    pub(super) fn guard_of_marked_body(&self, at: usize) -> Result<Guard, Error> {
        let segment = &self.segments[at];
        let name = self.name(segment);
        let mut guard = Guard::Blind;
        for mark in self.reading.iter().filter(|mark| *mark.segment == *name) {
            let stored = match &mark.key {
                None => self.base_of(segment),
                Some(key) => self.stored(at, key),
            };
            if !self.is_same(mark.seen(), stored) {
                return Err(conflict(name));
            }
            guard = segment.base.map_or(Guard::Absent, |base| Guard::Base(base.version, base.body));
        }
        Ok(guard)
    }

    /// What the base has of a segment.
    fn base_of(&self, segment: &Segment) -> Known<&[u8]> {
        segment.base.map(|base| (base.version, &self.base[base.body.range()]))
    }

    /// What the base says of a key.
    fn stored(&self, at: usize, key: &[u8]) -> Known<&[u8]> {
        self.stored_value(at, key).map(|span| (0, &self.base[span.range()]))
    }

    fn is_same(&self, one: Known<&[u8]>, other: Known<&[u8]>) -> bool {
        match (one, other) {
            (None, None) => true,
            (Some((of, one)), Some((version, other))) => of == version && self.format.is_equal(one, other),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
}

fn owned(known: Known<&[u8]>) -> Known<Box<[u8]>> {
    known.map(|(version, bytes)| (version, bytes.into()))
}

/// This request knows already that its write cannot be kept.
fn conflict(what: &str) -> Error {
    let message = format!(
        "another request changed `{what}` after this one had read it: read it again, or use `update`"
    );
    Error::new(ErrorKind::Conflict, message)
}
