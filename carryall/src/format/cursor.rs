//! Reading bytes front to back without ever reaching past their end.

use super::flaw::Flaw;

/// A place in a slice of bytes.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(whole: &'a [u8]) -> Self {
        Self { whole, rest: whole }
    }

    /// Everything, read or not.
    pub(super) fn whole(&self) -> &'a [u8] {
        self.whole
    }

    /// Goes on at a place that was found otherwise.
    pub(super) fn go_to(&mut self, at: usize) -> Result<(), Flaw> {
        self.rest = self.whole.get(at..).ok_or(Flaw::Malformed)?;
        Ok(())
    }

    /// How many bytes were read so far.
    pub(super) fn at(&self) -> usize {
        self.whole.len() - self.rest.len()
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Flaw> {
        let (byte, rest) = self.rest.split_first().ok_or(Flaw::Malformed)?;
        self.rest = rest;
        Ok(*byte)
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Flaw> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Flaw::Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(Flaw::Malformed)?;
        self.rest = rest;
        Ok(*array)
    }

    /// What was read since `start`.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        &self.whole[start..self.at()]
    }

    /// That nothing is left.
    pub(super) fn finish(&self) -> Result<(), Flaw> {
        if self.rest.is_empty() { Ok(()) } else { Err(Flaw::Trailing) }
    }
}
