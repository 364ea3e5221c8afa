//! What several test programs share.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "shared by test programs that each use a part")]

pub mod clock;
pub mod events;
pub mod fickle;
pub mod house;
pub mod interleave;
pub mod interleave_model;
pub mod jwt;
pub mod lab;
pub mod log;
pub mod nodes;
pub mod properties;
pub mod recorder;
pub mod shared_log;
pub mod slow;
