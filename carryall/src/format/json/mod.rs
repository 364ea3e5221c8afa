//! JSON text: strict about its grammar, and without guesses about numbers.

mod read;
pub(crate) mod scan;
mod write;

pub(super) use read::{are_unlike, check, element, finish, in_text, open_map, read, unescape};
pub(super) use write::{put_decimal, put_text, write};
