//! Throw-away servers: on a free port, in a directory of their own, gone with the program that started them.
//!
//! They can be killed as by a power cut, paused and started again.

mod mariadb;
mod postgres;
mod process;
mod redis;
mod redis_cluster;
mod sentinel;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::time::Duration;

use process::{Account, Process};
pub use redis_cluster::RedisCluster;
pub use sentinel::Watched;
use tempfile::TempDir;

/// How one kind of server is set up, started and greeted.
#[derive(Clone, Copy)]
struct Recipe {
    scheme: &'static str,
    user: &'static str,
    /// The system's user for it, if the tests run as root: servers refuse to.
    account: &'static str,
    prepare: fn(&Path, &Account),
    command: fn(&Path, u16) -> Vec<String>,
    /// What to say to the server, and the byte of its answer that tells that it is ready.
    greeting: fn() -> Vec<u8>,
    ready: (usize, u8),
}

/// A server for tests. It is killed when this is dropped, and when this program ends in whatever way.
#[derive(Debug)]
pub struct Server {
    recipe: &'static Recipe,
    account: Account,
    port: u16,
    process: Option<Process>,
    // Last, so that it goes after the process.
    directory: TempDir,
}

impl std::fmt::Debug for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.scheme)
    }
}

impl Server {
    /// A PostgreSQL server without any sessions.
    pub fn postgres() -> Self {
        Self::of(&postgres::RECIPE)
    }

    /// A MariaDB server without any sessions.
    pub fn mariadb() -> Self {
        Self::of(&mariadb::RECIPE)
    }

    /// A Redis server without any sessions.
    pub fn redis() -> Self {
        Self::of(&redis::SERVER)
    }

    /// A sentinel of Redis that watches nobody.
    pub fn sentinel() -> Self {
        Self::of(&redis::SENTINEL)
    }

    /// A node of Redis Cluster that knows no other and has no slots.
    pub fn node() -> Self {
        Self::of(&redis::NODE)
    }

    fn of(recipe: &'static Recipe) -> Self {
        let open = std::fs::Permissions::from_mode(0o711);
        remove_left_behind();
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let directory = tempfile::Builder::new().prefix(&prefix).permissions(open).tempdir().unwrap();
        let account = Account::of(recipe.account);
        if let Some((user, group)) = account.ids() {
            chown(directory.path(), Some(user), Some(group)).unwrap();
        }
        (recipe.prepare)(directory.path(), &account);
        let mut server = Self { recipe, account, port: free_port(), process: None, directory };
        server.start();
        server
    }

    /// The URL of a database of this server.
    pub fn url(&self, database: &str) -> String {
        format!("{}://{}@127.0.0.1:{}/{database}", self.recipe.scheme, self.recipe.user, self.port)
    }

    /// Starts it again and waits until it answers, after [`kill`](Self::kill).
    pub fn start(&mut self) {
        const ATTEMPTS: usize = 600;
        let command = (self.recipe.command)(self.directory.path(), self.port);
        let start = || Process::start(&command, self.directory.path(), &self.account);
        let mut process = start();
        for _ in 0..ATTEMPTS {
            if self.answers() {
                self.process = Some(process);
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
            if !process.is_running() {
                // What was left of the killed one was in its way.
                drop(process);
                process = start();
            }
        }
        panic!("{:?} does not answer: {}", self.recipe, process::log(self.directory.path()));
    }

    /// Kills it as a power cut does: nothing is flushed, nobody is told.
    pub fn kill(&mut self) {
        drop(self.process.take());
    }

    /// Stops it from doing anything; its connections stay open.
    pub fn pause(&self) {
        self.process.as_ref().expect("a running server").signal("-STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.process.as_ref().expect("a running server").signal("-CONT");
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.process.as_ref().expect("a running server").number()
    }

    /// What a server of Redis answers to a command of words: lines of text.
    pub fn ask(&self, words: &str) -> String {
        redis::ask(self.port, words)
    }

    /// Tells a server of Redis what it has to obey.
    pub fn tell(&self, words: &str) {
        assert_eq!(self.ask(words), "OK", "{words}");
    }

    /// Its data, in a directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) else { return false };
        let (place, expected) = self.recipe.ready;
        let mut answer = vec![0; place + 1];
        let asked = stream.set_read_timeout(Some(Duration::from_secs(1)));
        let asked = asked.and_then(|()| stream.write_all(&(self.recipe.greeting)()));
        asked.and_then(|()| stream.read_exact(&mut answer)).is_ok() && answer[place] == expected
    }
}

fn free_port() -> u16 {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    free.local_addr().unwrap().port()
}

/// What the names of the servers' directories begin with; the id of the process they belong to follows.
const PREFIX: &str = "carryall-server-";

/// Removes the directories of servers that a test program kept to its end, where nothing is dropped any more.
fn remove_left_behind() {
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            // Another test program may be removing it as well.
            let _gone = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Looks until something is so, which it will be by itself.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    const ATTEMPTS: usize = 3000;
    for _ in 0..ATTEMPTS {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it is not so that {what}");
}
