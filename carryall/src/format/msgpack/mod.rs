//! MessagePack, as far as sessions use it: no extension types, and only strings as keys.

mod open;
mod pack;
mod read;
pub(crate) mod scan;
#[cfg(test)]
mod tests;
mod write;

pub(super) use pack::pack;
pub(super) use read::{are_unlike, check, element, open_map, read};
pub(super) use write::{put_map_len, put_text, write};
