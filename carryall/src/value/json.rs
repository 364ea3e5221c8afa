//! The layout in JSON, read in one pass: the segments, and the entries of the default one, which most requests touch.

use super::entries::{Entries, Entry, mark};
use super::few::Few;
use super::layout::{Found, Unreadable};
use super::place::{Slot, Span};
use super::segment::{Segment, State, Stored};
use crate::format::{DEPTH_OF_PAYLOAD, Flaw, Format, json_scan as scan};

/// The member that holds the default segment.
const DATA: &[u8] = b"data";

/// A payload that begins with it.
const DATA_FIRST: &[u8] = b"{\"data\":";

/// The member that holds all the others.
const SEGMENTS: &[u8] = b"segments";

/// Room for one entry in as many bytes: with less, a map of short values grows; with more, room stays unused.
const USUAL_ENTRY: usize = 24;

/// A payload at the front of a text that goes on.
pub(crate) struct Front {
    segments: Few<Segment>,
    written: Vec<u8>,
    len: usize,
}

impl Front {
    /// The payload that `text` begins with, if it does.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let mut front = Self { segments: Few::new(), written: Vec::new(), len: 0 };
        let (segments, written) = (&mut front.segments, &mut front.written);
        let mut found = Found { format: Format::Json, base: text.as_bytes(), segments, written };
        front.len = read(&mut found).ok()?;
        Some(front)
    }

    /// How many bytes of the text it takes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn into_parts(self) -> (Few<Segment>, Vec<u8>) {
        (self.segments, self.written)
    }
}

/// Finds the segments of a payload that is all there is.
pub(super) fn whole(found: &mut Found<'_>) -> Result<(), Unreadable> {
    std::str::from_utf8(found.base).map_err(|_| Unreadable)?;
    let end = read(found)?;
    if scan::space(found.base, end) == found.base.len() { Ok(()) } else { Err(Unreadable) }
}

/// Finds the segments of a payload, in bytes known to be UTF-8; answers where it ends.
fn read(found: &mut Found<'_>) -> Result<usize, Unreadable> {
    let bytes = found.base;
    let whole = Span::whole(bytes.len()).ok_or(Unreadable)?;
    let depth = DEPTH_OF_PAYLOAD - 1;
    let (mut is_first, mut has_segments) = (true, false);
    let mut at = if bytes.starts_with(DATA_FIRST) {
        is_first = false;
        add_default(found, whole, DATA_FIRST.len(), depth)?
    } else {
        scan::open(bytes, 0)?
    };
    loop {
        let key = match scan::key(bytes, at, is_first)? {
            Ok(key) => key,
            Err(end) => return Ok(end),
        };
        is_first = false;
        at = match &*key.read(bytes)? {
            DATA => add_default(found, whole, key.value, depth)?,
            SEGMENTS if !std::mem::replace(&mut has_segments, true) => {
                add_others(found, whole, key.value, depth)?
            }
            _ => return Err(Unreadable),
        };
    }
}

fn add_default(found: &mut Found<'_>, whole: Span, start: usize, depth: u32) -> Result<usize, Unreadable> {
    let (entries, end) = entries(found, whole, start, depth)?;
    let body = whole.part(&(start..end));
    found.add(Slot::EMPTY, Stored { version: 0, body })?;
    if let (Some(entries), Some(segment)) = (entries, found.segments.last_mut()) {
        segment.state = State::Map { version: 0, whole: Some(Slot::base(body)) };
        segment.entries = entries;
    }
    Ok(end)
}

/// The entries of the map that begins at `start`, and where it ends; none if a key comes twice, which is for its
/// reader to be told.
fn entries(
    found: &mut Found<'_>,
    whole: Span,
    start: usize,
    depth: u32,
) -> Result<(Option<Entries>, usize), Flaw> {
    let bytes = found.base;
    let mut at = scan::open(bytes, start)?;
    let mut entries = Entries::with_capacity((bytes.len() - at).div_ceil(USUAL_ENTRY));
    let (mut is_twice, mut is_first) = (false, true);
    loop {
        at = add_plain(found, at, &mut is_first, depth - 1, whole, &mut entries)?;
        let key = match scan::key(bytes, at, is_first)? {
            Ok(key) => key,
            Err(end) => return Ok(((!is_twice).then_some(entries), end)),
        };
        is_first = false;
        at = scan::value(bytes, key.value, depth - 1)?;
        let name = name_of(found, whole, &key)?;
        let mark = mark(found.bytes(name));
        is_twice |= entries.may_have(mark) && has(found, &entries, name, mark);
        let raw = whole.part(&(key.text.start - 1..at));
        entries.push(Entry::of_base(name, mark, raw, whole.part(&(key.value..at))));
    }
}

/// Adds entries as long as they have plain keys that are new, which most are; answers where there is another one, or
/// the end. Out of line, where the other ones take no registers from it.
#[inline(never)]
fn add_plain(
    found: &Found<'_>,
    mut at: usize,
    is_first: &mut bool,
    depth: u32,
    whole: Span,
    entries: &mut Entries,
) -> Result<usize, Flaw> {
    let bytes = found.base;
    while let Some(key) = scan::plain_key(bytes, at, *is_first) {
        let mark = mark(&bytes[key.clone()]);
        if entries.may_have(mark) && has(found, entries, Slot::base(whole.part(&key)), mark) {
            break;
        }
        *is_first = false;
        let value = key.end + 2;
        at = scan::value(bytes, value, depth)?;
        let raw = whole.part(&(key.start - 1..at));
        entries.push(Entry::of_base(Slot::base(whole.part(&key)), mark, raw, whole.part(&(value..at))));
    }
    Ok(at)
}

#[inline(never)]
fn has(found: &Found<'_>, entries: &Entries, key: Slot, mark: u8) -> bool {
    let key = found.bytes(key);
    entries.iter().any(|other| other.mark == mark && found.bytes(other.key) == key)
}

/// Where the text of a key is: in the payload, unless it had to be unescaped.
fn name_of(found: &mut Found<'_>, whole: Span, key: &scan::Key) -> Result<Slot, Flaw> {
    let text = key.read(found.base)?;
    let place = (&text, key.text.start);
    Slot::of_key(place, Slot::base(whole), 0, found.written).ok_or(Flaw::Malformed)
}

fn add_others(found: &mut Found<'_>, whole: Span, start: usize, depth: u32) -> Result<usize, Unreadable> {
    let bytes = found.base;
    let mut at = scan::open(bytes, start)?;
    let mut is_first = true;
    loop {
        let key = match scan::key(bytes, at, is_first)? {
            Ok(key) => key,
            Err(end) => return Ok(end),
        };
        is_first = false;
        at = scan::value(bytes, key.value, depth - 1)?;
        let name = name_of(found, whole, &key)?;
        if name.len() == 0 {
            return Err(Unreadable);
        }
        found.add(name, version_and_body(bytes, whole.part(&(key.value..at)))?)?;
    }
}

/// A pair of version and body.
fn version_and_body(bytes: &[u8], pair: Span) -> Result<Stored, Unreadable> {
    let format = Format::Json;
    let bytes = &bytes[pair.range()];
    let [version, body] = ["0", "1"].map(|index| format.child(bytes, index));
    let (Some(version), Some(body), None) = (version, body, format.child(bytes, "2")) else {
        return Err(Unreadable);
    };
    let version = format.decode(&bytes[version]).map_err(|_| Unreadable)?;
    Ok(Stored { version, body: pair.part(&body) })
}
