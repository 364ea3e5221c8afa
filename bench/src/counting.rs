//! The system's allocator, with a count of what the calling thread asks of it.
//!
//! Counters are plain cells of the thread: two additions a call, no atomics, and every method passes through to
//! the system's own, so that timings taken under it are those of the system's allocator.
#![allow(
    unsafe_code,
    reason = "a global allocator is an unsafe trait; each method only counts and passes on"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The global allocator of the benchmark.
pub(crate) struct Counting;

/// What a thread has asked for since it began. Reallocations count as calls, with their new size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) calls: u64,
    pub(crate) bytes: u64,
}

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
}

/// What the calling thread has asked for so far.
pub(crate) fn asked() -> Asked {
    Asked { calls: CALLS.get(), bytes: BYTES.get() }
}

fn count(bytes: usize) {
    CALLS.set(CALLS.get() + 1);
    BYTES.set(BYTES.get() + bytes as u64);
}

// SAFETY: every method hands its arguments to `System` unchanged, so its guarantees are those of `System`;
// counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: `block` came from `System` with this layout, for every method here takes it from there.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `System` with this layout, for every method here takes it from there.
        unsafe { System.dealloc(block, layout) }
    }
}
