//! How a payload is laid out: the segments of a session in one run of bytes.
//!
//! MessagePack, numbers as [varints](crate::varint), segments in the order in which they came to be:
//!
//! ```text
//! count | name_len  name  version  body_len  body | name_len  name ..
//!       '------------- count times ---------------'
//! ```
//!
//! JSON, where a member without content is left out and nothing else may stand:
//!
//! ```text
//! {"data":{..},"segments":{"cart":[1,{..}],"vendor.package":[0,{..}]}}
//! ```
//!
//! `data` is the default segment, the pairs are version and body. The default segment is a map of version 0.

use super::body::Body;
use super::few::Few;
use super::place::{Slot, Span};
use super::segment::{Segment, Stored};
use super::{Contents, DEFAULT, LONGEST_NAME, MOST_SEGMENTS, json};
use crate::format::{Flaw, Format, Length, Sink};
use crate::varint;

/// A payload that this version of the library cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl From<Flaw> for Unreadable {
    fn from(_: Flaw) -> Self {
        Self
    }
}

/// The payload of a session without segments.
pub(super) fn empty(format: Format) -> &'static [u8] {
    match format {
        Format::Json => b"{}",
        Format::MessagePack => &[0],
    }
}

/// Finds the segments of a payload.
pub(super) fn parse(found: &mut Found<'_>) -> Result<(), Unreadable> {
    let whole = Span::whole(found.base.len()).ok_or(Unreadable)?;
    match found.format {
        Format::Json => json::whole(found),
        Format::MessagePack => parse_msgpack(found, whole),
    }
}

fn parse_msgpack(found: &mut Found<'_>, whole: Span) -> Result<(), Unreadable> {
    let base = found.base;
    let mut rest = base;
    let count = usize::try_from(varint::take(&mut rest).ok_or(Unreadable)?).map_err(|_| Unreadable)?;
    if count > MOST_SEGMENTS {
        return Err(Unreadable);
    }
    for _ in 0..count {
        let name = take(&mut rest, base, whole)?;
        let version = varint::take(&mut rest).and_then(|n| u32::try_from(n).ok()).ok_or(Unreadable)?;
        let body = take(&mut rest, base, whole)?;
        std::str::from_utf8(&base[name.range()]).map_err(|_| Unreadable)?;
        found.add(Slot::base(name), Stored { version, body })?;
    }
    if rest.is_empty() { Ok(()) } else { Err(Unreadable) }
}

/// Takes a length and as many bytes.
fn take(rest: &mut &[u8], base: &[u8], whole: Span) -> Result<Span, Unreadable> {
    let len = usize::try_from(varint::take(rest).ok_or(Unreadable)?).map_err(|_| Unreadable)?;
    let start = base.len() - rest.len();
    *rest = rest.get(len..).ok_or(Unreadable)?;
    Ok(whole.part(&(start..start + len)))
}

/// The segments found so far.
pub(super) struct Found<'a> {
    pub(super) format: Format,
    pub(super) base: &'a [u8],
    pub(super) segments: &'a mut Few<Segment>,
    /// Those of their names and keys that had to be unescaped.
    pub(super) written: &'a mut Vec<u8>,
}

impl Found<'_> {
    pub(super) fn add(&mut self, name: Slot, stored: Stored) -> Result<(), Unreadable> {
        let text = self.bytes(name);
        let is_default_sound = text != DEFAULT.as_bytes()
            || (stored.version == 0 && self.format.begins_map(&self.base[stored.body.range()]));
        let is_known = self.segments.iter().any(|segment| self.bytes(segment.name) == text);
        if !is_default_sound || is_known || text.len() > LONGEST_NAME || self.segments.len() >= MOST_SEGMENTS
        {
            return Err(Unreadable);
        }
        self.segments.push(Segment::new(name, Some(stored)));
        Ok(())
    }

    pub(super) fn bytes(&self, name: Slot) -> &[u8] {
        name.of(self.base, self.written)
    }
}

/// Appends the payload as it stands now.
pub(super) fn write(contents: &Contents, out: &mut Vec<u8>) {
    match contents.format {
        Format::Json => write_json(contents, out),
        Format::MessagePack => write_msgpack(contents, out),
    }
}

/// How many bytes [`write()`] appends.
pub(super) fn len(contents: &Contents) -> usize {
    if contents.format == Format::Json {
        let mut length = Length::default();
        write_json(contents, &mut length);
        return length.0;
    }
    let (mut count, mut sum) = (0, 0);
    for (segment, body) in live(contents) {
        let (name, body) = (contents.bytes(segment.name).len(), contents.len_of(body));
        count += 1;
        sum +=
            [name as u64, u64::from(segment.version()), body as u64].map(varint::len).iter().sum::<usize>();
        sum += name + body;
    }
    varint::len(count) + sum
}

/// The segments that are written, and their bodies.
fn live(contents: &Contents) -> impl Iterator<Item = (&Segment, Body<'_>)> {
    contents.segments.iter().filter_map(|segment| Some((segment, contents.body_of(segment)?)))
}

fn write_msgpack(contents: &Contents, out: &mut Vec<u8>) {
    let (start, mut count) = (Gap::leave(out, contents.segments.len()), 0);
    for (segment, body) in live(contents) {
        let name = contents.bytes(segment.name);
        varint::put(out, name.len() as u64);
        out.put(name);
        varint::put(out, u64::from(segment.version()));
        let body_at = Gap::leave(out, contents.longest());
        contents.put(out, body);
        let len = body_at.len(out);
        body_at.fill(out, len);
        count += 1;
    }
    start.fill(out, count);
}

/// Room left for a number that is known only once what comes after it is written.
struct Gap {
    start: usize,
    end: usize,
}

impl Gap {
    /// Leaves as much as `guess` takes.
    fn leave(out: &mut Vec<u8>, guess: usize) -> Self {
        let start = out.len();
        let end = start + varint::len(guess as u64);
        out.resize(end, 0);
        Self { start, end }
    }

    /// How much was written since.
    fn len(&self, out: &[u8]) -> usize {
        out.len() - self.end
    }

    /// Fills in the number; what comes after moves if the guess was wrong.
    fn fill(self, out: &mut Vec<u8>, number: usize) {
        let mut digits = [0; varint::MOST_BYTES];
        let digits = varint::write(&mut digits, number as u64);
        match out.get_mut(self.start..self.end) {
            Some(gap) if gap.len() == digits.len() => gap.copy_from_slice(digits),
            _ => _ = out.splice(self.start..self.end, digits.iter().copied()),
        }
    }
}

fn write_json(contents: &Contents, out: &mut impl Sink) {
    let is_default = |segment: &Segment| contents.bytes(segment.name) == DEFAULT.as_bytes();
    out.put(b"{");
    let data = contents.segments.iter().find(|segment| is_default(segment));
    let data = data.and_then(|segment| contents.body_of(segment));
    if let Some(body) = data {
        out.put(b"\"data\":");
        contents.put(out, body);
    }
    let others = contents.segments.iter().filter(|segment| !is_default(segment));
    let others = others.filter_map(|segment| Some((segment, contents.body_of(segment)?)));
    let mut others = others.enumerate().peekable();
    if others.peek().is_some() {
        out.put(if data.is_some() { b",\"segments\":{" } else { b"\"segments\":{" });
        for (i, (segment, body)) in others {
            out.put(if i > 0 { b"," } else { b"" });
            contents.format.put_text(out, contents.bytes(segment.name));
            out.put(b":[");
            out.put(segment.version().to_string().as_bytes());
            out.put(b",");
            contents.put(out, body);
            out.put(b"]");
        }
        out.put(b"}");
    }
    out.put(b"}");
}
