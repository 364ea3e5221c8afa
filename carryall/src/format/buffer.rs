//! Where one value is encoded: most need no allocation.

use super::sink::Sink;

/// Encoded bytes; a few of them lie on the stack.
pub(crate) struct Buffer {
    few: [u8; Self::FEW],
    /// How many of the few are used; one more than there are once they were not enough.
    len: usize,
    /// All bytes, once they are more than a few.
    many: Vec<u8>,
}

impl Buffer {
    /// So many that most values fit, and that clearing them takes a few instructions.
    const FEW: usize = 128;

    pub(crate) fn new() -> Self {
        Self { few: [0; Self::FEW], len: 0, many: Vec::new() }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        if self.len > Self::FEW { &self.many } else { &self.few[..self.len] }
    }

    #[cold]
    fn put_to_many(&mut self, bytes: &[u8]) {
        if self.len <= Self::FEW {
            self.many.reserve(2 * (self.len + bytes.len()));
            self.many.extend_from_slice(&self.few[..self.len]);
            self.len = Self::FEW + 1;
        }
        self.many.extend_from_slice(bytes);
    }
}

/// Where a value is packed, of which what is already there can be looked at and moved.
pub(crate) trait Draft: Sink {
    /// Everything so far.
    fn written(&mut self) -> &mut [u8];

    /// How much that is.
    fn len(&self) -> usize;

    /// Takes notice of a key of the outermost map.
    #[inline]
    fn note_key(&mut self, _key: &'static str) {}

    /// The same for one of which only is known where it was written to, with its header.
    #[inline]
    fn note_key_at(&mut self, _start: usize) {}
}

impl Draft for Buffer {
    fn written(&mut self) -> &mut [u8] {
        if self.len > Self::FEW { &mut self.many } else { &mut self.few[..self.len] }
    }

    fn len(&self) -> usize {
        if self.len > Self::FEW { self.many.len() } else { self.len }
    }
}

impl Draft for Vec<u8> {
    fn written(&mut self) -> &mut [u8] {
        self
    }

    fn len(&self) -> usize {
        self.len()
    }
}

impl Sink for Buffer {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        // Most puts are of one or two bytes, so there is one comparison, and no call where the length is known.
        match self.few.get_mut(self.len..self.len + bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.put_to_many(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_however_many() {
        for piece in [0, 1, 7, 127, 128, 129, 300] {
            for pieces in [0, 1, 2, 50] {
                let (mut buffer, mut expected) = (Buffer::new(), Vec::new());
                for n in 0..pieces {
                    let bytes = vec![n; piece];
                    buffer.put(&bytes);
                    expected.extend_from_slice(&bytes);
                }
                assert_eq!(buffer.as_slice(), expected, "{pieces} of {piece}");
                assert_eq!(buffer.written(), expected);
                assert_eq!(buffer.len(), expected.len());
            }
        }
    }
}
