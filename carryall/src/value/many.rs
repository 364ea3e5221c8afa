//! Storing several values at once: the fields of a struct, or the entries of a map.

use serde::Serialize;

use super::Contents;
use super::entries::{Marks, mark};
use super::map::has_dot;
use super::op::{Action, Effect, Op};
use super::run::Run;
use crate::error::{Error, ErrorKind};
use crate::format::{Draft, Flaw, Format, Sink, pack, scan};

/// Room for what a session is usually filled with, so that packing it allocates once.
const USUAL: usize = 512;

/// Several values, packed as one map, and what is seen of its keys on the way.
pub(crate) struct Fields {
    packed: Vec<u8>,
    marks: Marks,
    /// Every key may be stored as it is, and none has the mark of another.
    are_plain: bool,
}

/// How far the write-set had come.
pub(crate) struct Checkpoint {
    ops: usize,
    grown: usize,
    /// The last op, if it is one that grows.
    growing: Option<Run>,
}

impl Fields {
    /// Takes down what serde describes, which is the application's code.
    pub(crate) fn pack<T: Serialize + ?Sized>(values: &T) -> Result<Self, Error> {
        let mut fields = Self { packed: Vec::with_capacity(USUAL), marks: Marks::default(), are_plain: true };
        pack(values, &mut fields)?;
        Ok(fields)
    }
}

impl Sink for Fields {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.packed.extend_from_slice(bytes);
    }
}

impl Draft for Fields {
    fn written(&mut self) -> &mut [u8] {
        &mut self.packed
    }

    fn len(&self) -> usize {
        self.packed.len()
    }

    #[inline]
    fn note_key(&mut self, key: &'static str) {
        self.are_plain &= is_plain(key.as_bytes(), &mut self.marks);
    }

    fn note_key_at(&mut self, start: usize) {
        self.are_plain &= match self.packed[start..].split_first() {
            Some((header, key)) if header & 0xe0 == 0xa0 => is_plain(key, &mut self.marks),
            // Keys that are too long for such a header are looked at one by one later.
            _ => false,
        };
    }
}

impl Contents {
    /// Stores every one of the values as [`set`](Self::set) does, one after the other. After an error some of them may be
    /// stored, and so they may if all together take more than twice `most`, what fits at most.
    pub(crate) fn set_all(&mut self, segment: &str, mut fields: Fields, most: usize) -> Result<(), Error> {
        let (count, first) = scan::open(&fields.packed).map_err(|_| no_map())?;
        if self.format == Format::MessagePack && self.reading.is_empty() {
            let at = self.open(segment)?;
            if self.are_new(at, &mut fields, (count, first)) {
                return self.append_all(at, fields, (count, first));
            }
        }
        // What is replaced on the way took no more than `most`, so from twice that there is no way back.
        let (enough, mut ask_at) = (2 * most, 2 * most);
        let mut result = Ok(());
        let walked = scan::entries(&fields.packed, count, first, |key, entry| {
            let key = std::str::from_utf8(key).map_err(|_| Flaw::Malformed)?;
            result = self.set(segment, key, &fields.packed[entry.value]);
            let is_enough = self.longest() > ask_at && {
                ask_at = 2 * self.longest();
                self.encoded_len() > enough
            };
            if result.is_ok() && !is_enough { Ok(()) } else { Err(Flaw::Trailing) }
        });
        match walked {
            // Stopped here.
            Ok(()) | Err(Flaw::Trailing) => result,
            Err(flaw) => Err(flaw.while_encoding()),
        }
    }

    /// Whether none of the keys is one that the segment ever had, nor twice among them, nor a path, so that all values can
    /// be appended as they are. Mostly that is seen at a glance.
    fn are_new(&self, at: usize, fields: &mut Fields, (count, first): (usize, usize)) -> bool {
        let segment = &self.segments[at];
        if segment.is_seen {
            return false;
        }
        if fields.are_plain && !segment.entries.may_have_any(&fields.marks) {
            return true;
        }
        let (mut keys, mut marks) = (Vec::new(), Marks::default());
        let walked = scan::entries(&fields.packed, count, first, |key, _| {
            marks.add(mark(key));
            keys.push(key);
            if has_dot(key) { Err(Flaw::NotAMap) } else { Ok(()) }
        });
        keys.sort_unstable();
        let are_new = walked.is_ok()
            && keys.windows(2).all(|pair| pair[0] != pair[1])
            && segment.entries.iter().all(|entry| keys.binary_search(&self.bytes(entry.key)).is_err());
        fields.marks = marks;
        are_new
    }

    fn append_all(&mut self, at: usize, fields: Fields, (count, first): (usize, usize)) -> Result<(), Error> {
        let kept = self.keep_from(fields.packed, first)?;
        let Some(run) = Run::of_fields(kept, count) else { return Ok(()) };
        let segment = &mut self.segments[at];
        segment.entries.append_run(run, &fields.marks);
        let name = segment.name;
        self.remember_run(name, run);
        Ok(())
    }

    /// How far the write-set has come, to go [back](Self::back_to) to.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let growing = match self.ops.last() {
            Some(Op { action: Action::Fill(run), .. }) => Some(*run),
            _ => None,
        };
        Checkpoint { ops: self.ops.len(), grown: self.grown, growing }
    }

    /// Takes back what was done since. Costs as much as doing all that was done before again.
    pub(crate) fn back_to(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        while self.ops.len() > checkpoint.ops {
            self.ops.pop();
        }
        if let (Some(op), Some(run)) = (self.ops.last_mut(), checkpoint.growing) {
            (op.action, op.effect) = (Action::Fill(run), Effect::Stored(run.fields()));
        }
        self.grown = checkpoint.grown;
        self.replay_here()
    }
}

#[inline]
fn is_plain(key: &[u8], marks: &mut Marks) -> bool {
    marks.add(mark(key)) && !has_dot(key)
}

fn no_map() -> Error {
    Error::new(ErrorKind::Encode, "several values are set by a struct or a map; set any other value by a key")
}
