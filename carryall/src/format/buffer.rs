//! Where one value is encoded: most need no allocation.

use std::io::{self, Write};

/// Encoded bytes; a few of them lie on the stack.
pub(crate) struct Buffer {
    few: [u8; Self::FEW],
    len: usize,
    /// All of them, once they are more than a few.
    many: Vec<u8>,
}

impl Buffer {
    const FEW: usize = 96;

    pub(crate) fn new() -> Self {
        Self { few: [0; Self::FEW], len: 0, many: Vec::new() }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        if self.many.is_empty() { &self.few[..self.len] } else { &self.many }
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.many.is_empty() {
            if let Some(place) = self.few.get_mut(self.len..self.len + bytes.len()) {
                place.copy_from_slice(bytes);
                self.len += bytes.len();
                return;
            }
            self.many.reserve(2 * (self.len + bytes.len()));
            self.many.extend_from_slice(&self.few[..self.len]);
        }
        self.many.extend_from_slice(bytes);
    }
}

impl Write for Buffer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.put(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_however_many() {
        for piece in [1, 7, 95, 96, 97, 300] {
            for pieces in [0, 1, 2, 50] {
                let (mut buffer, mut expected) = (Buffer::new(), Vec::new());
                for n in 0..pieces {
                    let bytes = vec![n; piece];
                    buffer.write_all(&bytes).unwrap();
                    expected.extend_from_slice(&bytes);
                }
                assert_eq!(buffer.as_slice(), expected, "{pieces} of {piece}");
            }
        }
    }
}
