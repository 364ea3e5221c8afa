//! The demo in a real Chromium: every flow, with sessions in the cookie and on the server.
//!
//! Needs the programs `chromium` and `chromedriver` (Debian packages `chromium` and `chromium-driver`); fails without
//! them. With `CARRYALL_SCREENSHOTS` set to a directory, pictures of every page are written there.

mod cart;
mod cookies;
mod counter;
mod deadlines;
mod devices;
mod harness;
mod inspector;
mod pictures;
mod profile;
mod sign_in;
mod tabs;
