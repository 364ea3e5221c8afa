//! The scripts, and calling them.

use std::sync::LazyLock;

use redis::{Arg, Cmd};

/// Compare-and-swap.
pub(crate) static COMMIT: LazyLock<Script> =
    LazyLock::new(|| Script::of(concat!(include_str!("lua/entries.lua"), include_str!("lua/commit.lua"))));
/// Moves deadlines.
pub(crate) static TOUCH: LazyLock<Script> = LazyLock::new(|| Script::of(include_str!("lua/touch.lua")));
/// Removes.
pub(crate) static REMOVE: LazyLock<Script> = LazyLock::new(|| Script::of(include_str!("lua/remove.lua")));
/// Removes what is a subject's.
pub(crate) static OUST: LazyLock<Script> = LazyLock::new(|| Script::of(include_str!("lua/oust.lua")));
/// Adds to an index.
pub(crate) static ANNOUNCE: LazyLock<Script> =
    LazyLock::new(|| Script::of(concat!(include_str!("lua/entries.lua"), include_str!("lua/announce.lua"))));
/// Reads an index.
pub(crate) static LOOK: LazyLock<Script> =
    LazyLock::new(|| Script::of(concat!(include_str!("lua/entries.lua"), include_str!("lua/look.lua"))));
/// Changes an index if it is as expected.
pub(crate) static SWAP: LazyLock<Script> =
    LazyLock::new(|| Script::of(concat!(include_str!("lua/entries.lua"), include_str!("lua/swap.lua"))));
/// Takes entries out of an index.
pub(crate) static DROP: LazyLock<Script> =
    LazyLock::new(|| Script::of(concat!(include_str!("lua/entries.lua"), include_str!("lua/drop.lua"))));

/// Every script, to be loaded ahead.
pub(crate) fn all() -> [&'static Script; 8] {
    [&COMMIT, &TOUCH, &REMOVE, &OUST, &ANNOUNCE, &LOOK, &SWAP, &DROP]
}

/// A script that the server keeps under its hash, until it is restarted or told to forget.
pub(crate) struct Script {
    source: &'static str,
    hash: String,
}

impl Script {
    fn of(source: &'static str) -> Self {
        Self { source, hash: redis::Script::new(source).get_hash().to_owned() }
    }

    pub(crate) fn load(&self) -> Cmd {
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD").arg(self.source);
        load
    }

    /// A call for one key; its arguments are to follow.
    pub(crate) fn call(&self, key: &[u8]) -> Cmd {
        self.call_for(&[key])
    }

    /// A call for several keys of one server; its arguments are to follow.
    pub(crate) fn call_for(&self, keys: &[&[u8]]) -> Cmd {
        let mut call = redis::cmd("EVALSHA");
        call.arg(&self.hash).arg(keys.len()).arg(keys);
        call
    }

    /// The same call with the text in place of the hash. It is one command, so nobody can make the server forget the
    /// script between loading and calling it.
    pub(crate) fn in_full(&self, call: &Cmd) -> Cmd {
        let mut full = redis::cmd("EVAL");
        full.arg(self.source);
        for argument in call.args_iter().skip(2) {
            if let Arg::Simple(bytes) = argument {
                full.arg(bytes);
            }
        }
        full
    }
}
