//! A list that seldom holds more than one item: the first lies inline, so that most sessions allocate none.

use std::iter::Chain;
use std::ops::{Index, IndexMut};
use std::option;
use std::slice;

/// A list whose first item needs no allocation.
#[derive(Clone)]
pub(super) struct Few<T> {
    first: Option<T>,
    /// The others; none without a first.
    others: Vec<T>,
}

impl<T> Few<T> {
    pub(super) const fn new() -> Self {
        Self { first: None, others: Vec::new() }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    #[inline]
    pub(super) fn push(&mut self, item: T) {
        if self.first.is_none() { self.first = Some(item) } else { self.others.push(item) }
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        self.others.pop().or_else(|| self.first.take())
    }

    pub(super) fn clear(&mut self) {
        self.others.clear();
        self.first = None;
    }

    #[inline]
    pub(super) fn first(&self) -> Option<&T> {
        self.first.as_ref()
    }

    pub(super) fn last(&self) -> Option<&T> {
        self.others.last().or(self.first.as_ref())
    }

    #[inline]
    pub(super) fn last_mut(&mut self) -> Option<&mut T> {
        self.others.last_mut().or(self.first.as_mut())
    }

    #[inline]
    fn get(&self, at: usize) -> Option<&T> {
        match at.checked_sub(1) {
            None => self.first.as_ref(),
            Some(at) => self.others.get(at),
        }
    }

    #[inline]
    fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        match at.checked_sub(1) {
            None => self.first.as_mut(),
            Some(at) => self.others.get_mut(at),
        }
    }

    pub(super) fn iter(&self) -> Chain<option::Iter<'_, T>, slice::Iter<'_, T>> {
        self.first.iter().chain(&self.others)
    }

    pub(super) fn iter_mut(&mut self) -> Chain<option::IterMut<'_, T>, slice::IterMut<'_, T>> {
        self.first.iter_mut().chain(&mut self.others)
    }
}

impl<T> Index<usize> for Few<T> {
    type Output = T;

    #[inline]
    fn index(&self, at: usize) -> &T {
        self.get(at).unwrap_or_else(|| out_of_range(at))
    }
}

impl<T> IndexMut<usize> for Few<T> {
    #[inline]
    fn index_mut(&mut self, at: usize) -> &mut T {
        self.get_mut(at).unwrap_or_else(|| out_of_range(at))
    }
}

#[cold]
fn out_of_range(at: usize) -> ! {
    panic!("there is no item {at}")
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = Chain<option::Iter<'a, T>, slice::Iter<'a, T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Few<T> {
    type Item = &'a mut T;
    type IntoIter = Chain<option::IterMut<'a, T>, slice::IterMut<'a, T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_in_the_order_in_which_they_went_in() {
        let mut few = Few::new();
        for count in 0..4 {
            let expected: Vec<_> = (0..count).collect();
            assert_eq!(few.len(), expected.len());
            assert_eq!(few.is_empty(), expected.is_empty());
            assert_eq!(few.iter().copied().collect::<Vec<_>>(), expected);
            assert_eq!(few.iter_mut().map(|item| *item).collect::<Vec<_>>(), expected);
            assert_eq!(few.first(), expected.first());
            assert_eq!(few.last(), expected.last());
            assert_eq!(few.last_mut().copied(), expected.last().copied());
            assert!(expected.iter().all(|item| few[usize::try_from(*item).unwrap()] == *item));
            few.push(count);
        }
        few[0] = 7;
        few[3] = 8;
        assert_eq!(
            [few.pop(), few.pop(), few.pop(), few.pop(), few.pop()],
            [Some(8), Some(2), Some(1), Some(7), None]
        );
        few.push(1);
        few.push(2);
        few.clear();
        assert!(few.is_empty() && few.pop().is_none());
    }

    #[test]
    #[should_panic(expected = "no item 1")]
    fn an_item_that_is_not_there_is_not_handed_out() {
        let mut few = Few::new();
        few.push(0);
        few[1] = 1;
    }
}
