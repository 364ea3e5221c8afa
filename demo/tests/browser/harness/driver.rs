//! Chromium, driven by chromedriver on a free port.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en",
    "--window-size=1200,900",
];

/// A running chromedriver; dropped, it is stopped and the browser's profile deleted.
#[derive(Debug)]
pub(crate) struct Driver {
    address: String,
    profile: PathBuf,
    _process: Child,
}

impl Driver {
    pub(crate) async fn start() -> Self {
        let spawned = Command::new(program("chromedriver", "chromium-driver"))
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let mut process = spawned.expect("chromedriver starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let port = loop {
            let line = lines.next_line().await.expect("readable output").expect("chromedriver says its port");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { address: format!("http://127.0.0.1:{port}"), profile: fresh_directory(), _process: process }
    }

    /// A browser with an empty profile.
    pub(crate) async fn browser(&self) -> Client {
        let mut flags: Vec<String> = FLAGS.iter().map(ToString::to_string).collect();
        flags.push(format!("--user-data-dir={}", self.profile.display()));
        let options = json!({ "binary": program("chromium", "chromium"), "args": flags });
        let wanted = [("browserName", json!("chrome")), ("goog:chromeOptions", options)];
        let wanted: serde_json::Map<_, _> =
            wanted.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let mut last = None;
        // A machine under load may need a second try.
        for _ in 0..3 {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            match builder.capabilities(wanted.clone()).connect(&self.address).await {
                Ok(browser) => return browser,
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("chromium does not start: {last:?}");
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The browser is closed by now; what is left is deleted with the machine's temporary files.
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// The program's path, or a failure that names the package to install.
fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("`{name}` is missing: install the Debian package `{package}`"))
}

fn fresh_directory() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("carryall-browser-{}-{number}", std::process::id()));
    std::fs::create_dir(&path).expect("a fresh directory for the browser's profile");
    path
}
