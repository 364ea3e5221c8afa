//! The demo as a program: what it prints, how it fails, how it stops.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

fn demo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carryall-demo"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARRYALL_") {
            command.env_remove(name);
        }
    }
    command
}

fn output(command: &mut Command) -> Output {
    command.output().expect("the demo runs")
}

/// A running demo and its address.
struct Running {
    process: Child,
    out: BufReader<ChildStdout>,
    address: String,
}

impl Running {
    fn start(options: &[&str]) -> Self {
        Self::spawn(demo().args(["--listen", "127.0.0.1:0"]).args(options))
    }

    fn spawn(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the demo starts");
        let mut out = BufReader::new(process.stdout.take().expect("its output"));
        let mut first = String::new();
        out.read_line(&mut first).expect("a line");
        let address = first.trim().rsplit('/').nth(1).expect("an address").to_owned();
        Self { process, out, address }
    }

    /// The response to a request, as it came.
    fn ask(&self, method: &str, path: &str, headers: &str) -> String {
        self.send(method, path, headers, "")
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let mut connection = TcpStream::connect(&self.address).expect("a connection");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{headers}\r\n{body}",
            self.address
        );
        connection.write_all(request.as_bytes()).expect("a request");
        let mut response = String::new();
        connection.read_to_string(&mut response).expect("a response");
        response
    }

    /// Stops it as Ctrl-C does, and answers what it had printed.
    fn stop(mut self) -> String {
        let told = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        assert!(told.expect("`kill` runs").success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("its output");
        assert!(self.process.wait().expect("its end").success(), "Ctrl-C is no failure");
        rest
    }
}

#[test]
fn a_bad_option_gets_one_clear_line() {
    for (options, word) in [
        (&["--carrier", "sealed", "--place", "store"][..], "--carrier"),
        (&["--store", "memory", "--place", "client"], "--store"),
        (&["--place", "cloud"], "cloud"),
        (&["--idle", "soon"], "soon"),
        (&["--idle", "2h", "--absolute", "1h"], "--idle"),
        (&["--colour"], "--colour"),
        (&["--keys", "/"], "--keys"),
        (&["--store", "mongodb://ada:secret@db/"], "--store"),
        (&["--store", "redis://ada:secret@db:port/"], "--store"),
        (&["--store", "postgres://ada:secret@db:port/"], "--store"),
        (&["--store", "file:/dev/null"], "--store"),
        (&["--store", "sqlite::memory:"], "--store"),
        (&["--listen", "nowhere"], "--listen"),
    ] {
        let output = output(demo().args(options));
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{options:?}: {text}");
        assert!(text.starts_with("carryall-demo: ") && text.contains(word), "{options:?}: {text}");
        assert!(output.stdout.is_empty() && !text.contains("secret"), "{text}");
    }
}

#[test]
fn a_variable_says_what_a_flag_says() {
    let output = output(demo().env("CARRYALL_PLACE", "cloud"));
    assert_eq!(output.status.code(), Some(2));
    let variables =
        [("CARRYALL_PLAIN_HTTP", "1"), ("CARRYALL_LISTEN", "127.0.0.1:0"), ("CARRYALL_PLACE", "store")];
    let running = Running::spawn(demo().envs(variables));
    assert!(running.ask("GET", "/", "").contains("set-cookie: session="));
    let rest = running.stop();
    assert!(rest.contains("memory") && rest.contains("no Secure attribute"), "{rest}");
}

#[test]
fn a_busy_port_gets_one_clear_line() {
    let busy = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = busy.local_addr().expect("its address").to_string();
    let output = output(demo().args(["--listen", &address]));
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{text}");
    assert!(text.contains(&address) && text.contains("--listen"), "{text}");
}

#[test]
fn a_store_that_cannot_be_reached_gets_one_clear_line() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
    for store in [
        format!("postgres://ada:secret@127.0.0.1:{nobody}/shop"),
        format!("mysql://ada:secret@127.0.0.1:{nobody}/shop"),
        format!("redis://ada:secret@127.0.0.1:{nobody}/0"),
        "sqlite:missing/sessions.db".to_owned(),
        "file:missing/sessions".to_owned(),
    ] {
        let output = output(demo().args(["--store", &store]));
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{store}: {text}");
        assert!(text.starts_with("carryall-demo: --store: ") && !text.contains("secret"), "{text}");
    }
}

/// Counts in one demo, and in another one after it that has the same keys and the same store.
fn counts_over_a_restart(store: &str, home: &str) {
    let scratch = carryall_testbed::scratch();
    let keys = scratch.path().join("keys");
    let options = ["--keys", keys.to_str().expect("a name"), "--store", store];
    let first = Running::start(&options);
    let response = first.ask("POST", "/api/counters/apples", "content-length: 0\r\n");
    let cookie = response.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    let headers =
        format!("cookie: {}\r\ncontent-length: 0\r\n", cookie.split(';').next().expect("its value"));
    assert!(first.ask("POST", "/api/counters/apples", &headers).contains(r#""value":2"#));
    assert!(first.stop().contains(home), "{store}");
    let second = Running::start(&options);
    let response = second.ask("POST", "/api/counters/apples", &headers);
    assert!(response.contains(r#""value":3"#), "{store}: {response}");
    second.stop();
}

#[test]
fn a_session_in_a_file_or_a_database_outlives_the_process() {
    use carryall_testbed::server::Server;
    let scratch = carryall_testbed::scratch();
    let at = |name: &str| scratch.path().join(name).display().to_string();
    counts_over_a_restart(&format!("file:{}", at("sessions")), "files on the server");
    counts_over_a_restart(&format!("sqlite:{}", at("sessions.db")), "SQLite");
    counts_over_a_restart(&Server::postgres().url("postgres"), "PostgreSQL");
    counts_over_a_restart(&Server::mariadb().url("mysql"), "MariaDB");
    counts_over_a_restart(&Server::redis().url("0"), "Redis");
}

#[test]
fn two_processes_know_a_users_devices_by_the_files_of_one_directory() {
    let scratch = carryall_testbed::scratch();
    let at = |name: &str| scratch.path().join(name).display().to_string();
    let (keys, store) = (at("keys"), format!("file:{}", at("sessions")));
    let options = ["--keys", &keys, "--store", &store, "--devices", "1", "--when-full", "new"];
    let first = Running::start(&options);
    let second = Running::start(&options);
    let sign_in = |demo: &Running| {
        let body = r#"{"user":"ada"}"#;
        let headers = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        demo.send("POST", "/api/login", &headers, body)
    };
    let response = sign_in(&first);
    let cookie = response.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    let cookie = format!("cookie: {}\r\n", cookie.split(';').next().expect("its value"));
    let refused = sign_in(&second);
    assert!(refused.starts_with("HTTP/1.1 409"), "{refused}");
    let listed = second.ask("GET", "/api/sessions", &cookie);
    assert_eq!(listed.matches(r#""current":true"#).count(), 1, "{listed}");
    assert!(!listed.contains(r#""current":false"#), "{listed}");
    let ended = second.ask("POST", "/api/logout", &format!("{cookie}content-length: 0\r\n"));
    assert!(ended.starts_with("HTTP/1.1 204"), "{ended}");
    assert!(first.ask("GET", "/api/sessions", &cookie).starts_with("HTTP/1.1 401"));
    assert!(sign_in(&second).starts_with("HTTP/1.1 200"), "there is a place again");
    first.stop();
    second.stop();
}

#[test]
fn a_request_that_never_ends_does_not_keep_the_process() {
    let running = Running::start(&[]);
    let mut connection = TcpStream::connect(&running.address).expect("a connection");
    connection
        .write_all(b"POST /api/login HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n")
        .expect("half a request");
    running.stop();
}

#[test]
fn help_and_version_are_no_failure() {
    for option in ["--help", "--version"] {
        let output = output(demo().arg(option));
        assert!(output.status.success() && !output.stdout.is_empty() && output.stderr.is_empty(), "{option}");
    }
}

#[test]
fn a_session_in_its_cookie_outlives_the_process_with_a_file_of_keys() {
    let keys = std::env::temp_dir().join(format!("carryall-demo-keys-{}", std::process::id()));
    let _removed = Removed(keys.clone());
    let options = ["--keys", keys.to_str().expect("a name")];
    let first = Running::start(&options);
    let response = first.ask("POST", "/api/counters/apples", "content-length: 0\r\n");
    assert!(response.contains(r#""value":1"#), "{response}");
    let cookie = response.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    let cookie = format!("cookie: {}\r\n", cookie.split(';').next().expect("its value"));
    assert!(first.stop().contains("keys from"));
    let second = Running::start(&options);
    let response = second.ask("POST", "/api/counters/apples", &format!("{cookie}content-length: 0\r\n"));
    assert!(response.contains(r#""value":2"#), "{response}");
    second.stop();
    let stranger = Running::start(&[]);
    let response = stranger.ask("POST", "/api/counters/apples", &format!("{cookie}content-length: 0\r\n"));
    assert!(response.contains(r#""value":1"#), "other keys, another session: {response}");
    assert!(stranger.stop().contains("a fresh key in memory"));
}

/// A file that is removed at the end.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
