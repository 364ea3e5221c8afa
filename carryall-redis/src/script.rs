//! The scripts, and calling them.

use std::sync::LazyLock;

use redis::{Arg, Cmd};

/// Compare-and-swap.
pub(crate) static COMMIT: LazyLock<Script> = LazyLock::new(|| Script::of(include_str!("lua/commit.lua")));
/// Moves deadlines.
pub(crate) static TOUCH: LazyLock<Script> = LazyLock::new(|| Script::of(include_str!("lua/touch.lua")));
/// Removes.
pub(crate) static REMOVE: LazyLock<Script> = LazyLock::new(|| Script::of(include_str!("lua/remove.lua")));

/// Every script, to be loaded ahead.
pub(crate) fn all() -> [&'static Script; 3] {
    [&COMMIT, &TOUCH, &REMOVE]
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

    /// A call for one record; its arguments are to follow.
    pub(crate) fn call(&self, key: &[u8]) -> Cmd {
        let mut call = redis::cmd("EVALSHA");
        call.arg(&self.hash).arg(1).arg(key);
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
