//! A small shop whose visitors' sessions are carried by Carryall: pages without JavaScript, and a JSON API.
//!
//! `carryall-demo --help` names the options. [`app`] is the whole application as a router, for tests.

mod agent;
mod api;
mod app;
mod assets;
mod cart;
mod catalogue;
mod failure;
mod headers;
mod moment;
mod options;
mod pages;
mod profile;
mod serve;
mod setup;
mod span;
mod store;

pub use app::app;
pub use failure::Failure;
pub use options::Options;
pub use serve::serve;
