//! A server's process, which does not outlive this program.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Starts the server and kills it when there is nobody left who could write to its standard input.
const GUARD: &str = r#"exec 3<&0; "$@" </dev/null >>log 2>&1 & echo $!; read -r _ <&3; kill -9 $!; wait"#;

/// Who a server runs as.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account(Option<(u32, u32)>);

impl Account {
    /// This user of the system if the tests run as root, else whoever runs them.
    pub(super) fn of(name: &str) -> Self {
        let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
        Self(is_root.then(|| {
            let users = std::fs::read_to_string("/etc/passwd").unwrap();
            let of_user = |line: &str| {
                let mut fields = line.split(':');
                (fields.next() == Some(name)).then_some(())?;
                Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
            };
            users.lines().find_map(of_user).unwrap_or_else(|| panic!("the system has no user `{name}`"))
        }))
    }

    pub(super) fn ids(self) -> Option<(u32, u32)> {
        self.0
    }

    fn command(self, program: impl AsRef<std::ffi::OsStr>, directory: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(directory)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C");
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }

    /// Runs a program to its end.
    pub(super) fn run(self, program: &Path, words: &[&str], directory: &Path) {
        let output = self.command(program, directory).args(words).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&text));
    }
}

#[derive(Debug)]
pub(super) struct Process {
    guard: Child,
    id: String,
}

impl Process {
    pub(super) fn start(words: &[String], directory: &Path, account: &Account) -> Self {
        let mut command = account.command("sh", directory);
        command.args(["-c", GUARD, "sh"]).args(words);
        let mut guard = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut id = String::new();
        BufReader::new(guard.stdout.take().unwrap()).read_line(&mut id).unwrap();
        Self { guard, id: id.trim().to_owned() }
    }

    pub(super) fn number(&self) -> u32 {
        self.id.parse().unwrap()
    }

    pub(super) fn is_running(&self) -> bool {
        // A zombie has no memory, and so no program.
        File::open(format!("/proc/{}/stat", self.id)).is_ok_and(|stat| {
            let mut line = String::new();
            BufReader::new(stat).read_line(&mut line).is_ok() && !line.contains(") Z ")
        })
    }

    /// Tells it and the processes that it has started.
    pub(super) fn signal(&self, signal: &str) {
        let started = format!("/proc/{0}/task/{0}/children", self.id);
        let started = std::fs::read_to_string(started).unwrap();
        let told =
            Command::new("kill").args([signal, &self.id]).args(started.split_whitespace()).status().unwrap();
        assert!(told.success(), "kill {signal} {}", self.id);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The guard reads the end of its input, kills the server and waits for it.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// The end of what a server said.
pub(super) fn log(directory: &Path) -> String {
    let text = std::fs::read(directory.join("log")).unwrap_or_default();
    String::from_utf8_lossy(&text[text.len().saturating_sub(4000)..]).into_owned()
}

/// A program in one of these places, or a failure that names the Debian package that brings it.
pub(super) fn program(name: &str, package: &str, places: impl IntoIterator<Item = PathBuf>) -> PathBuf {
    let usual = ["/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin"].map(PathBuf::from);
    let mut places = places.into_iter().chain(usual).map(|place| place.join(name));
    places
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{name} is missing: install the Debian package {package}"))
}
