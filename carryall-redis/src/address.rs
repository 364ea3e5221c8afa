//! What a URL names: a server, the sentinels of one, or a cluster.

use crate::connect::ConnectError;
use crate::dial::Dial;
use crate::options::RedisOptions;
use crate::sentinel::Sentinels;

/// What a URL names.
pub(crate) enum Address {
    /// A server that stands for itself.
    Server(Dial),
    /// Whoever the sentinels say is the master.
    Sentinels(Sentinels),
    /// Some nodes of a cluster.
    Cluster(Vec<Dial>),
}

/// The schemes of one server.
const SINGLE: [&str; 7] = ["redis", "valkey", "rediss", "valkeys", "unix", "redis+unix", "valkey+unix"];
/// The schemes of many, before the `+`.
const MANY: [&str; 4] = ["redis", "valkey", "rediss", "valkeys"];
/// Where sentinels listen if nobody says otherwise.
const SENTINEL_PORT: u16 = 26379;

impl Address {
    pub(crate) fn of(url: &str, options: &RedisOptions) -> Result<Self, ConnectError> {
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        if SINGLE.contains(&scheme) {
            return Dial::of(url, options).map(Self::Server);
        }
        match scheme.split_once('+') {
            Some((scheme, kind @ ("sentinel" | "cluster"))) if MANY.contains(&scheme) => {
                let parts = Parts::of(scheme, rest)?;
                if kind == "cluster" { parts.cluster(options) } else { parts.sentinels(options) }
            }
            _ => Err(ConnectError::url(
                "it has to begin with `redis:`, `rediss:`, `unix:`, `redis+sentinel:` or `redis+cluster:`",
            )),
        }
    }
}

/// The parts of a URL with several hosts: `//login@hosts/path`.
struct Parts<'a> {
    scheme: &'a str,
    /// With the `@`, or empty.
    login: &'a str,
    hosts: Vec<&'a str>,
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn of(scheme: &'a str, rest: &'a str) -> Result<Self, ConnectError> {
        let Some(rest) = rest.strip_prefix("//") else {
            return Err(ConnectError::url("its hosts are to follow `//`"));
        };
        if rest.contains(['?', '#']) {
            return Err(ConnectError::url(
                "it can have no `?` and no `#`; in a password they are %3F and %23",
            ));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        let hosts: Vec<_> = hosts.split(',').collect();
        if hosts.iter().any(|host| host.is_empty()) {
            return Err(ConnectError::url("a host is missing: they are separated by one comma each"));
        }
        Ok(Self { scheme, login, hosts, path })
    }

    fn cluster(self, options: &RedisOptions) -> Result<Address, ConnectError> {
        if !self.path.is_empty() {
            return Err(ConnectError::url("a cluster has one database: nothing follows its hosts"));
        }
        let dial = |host: &&str| Dial::of(&format!("{}://{}{host}", self.scheme, self.login), options);
        self.hosts.iter().map(dial).collect::<Result<_, _>>().map(Address::Cluster)
    }

    fn sentinels(self, options: &RedisOptions) -> Result<Address, ConnectError> {
        let (master, database) = match self.path.split_once('/') {
            Some((master, database)) => match database.parse() {
                Ok(number) => (master, number),
                Err(_) => {
                    return Err(ConnectError::url("the database behind the master's name is no number"));
                }
            },
            None => (self.path, 0),
        };
        let is_known = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if master.is_empty() || !master.chars().all(is_known) {
            let why = "the name of the master is to follow the hosts, as in redis+sentinel://HOST,HOST/NAME";
            return Err(ConnectError::url(why));
        }
        let (user, password) = (options.sentinel_user.as_deref(), options.sentinel_password.as_deref());
        let sentinel = |host: &&str| {
            let has_port = host.rsplit(']').next().is_some_and(|end| end.contains(':'));
            let port = if has_port { String::new() } else { format!(":{SENTINEL_PORT}") };
            let dial = Dial::of(&format!("{}://{host}{port}", self.scheme), options)?;
            Ok(dial.with_credentials(user, password))
        };
        let sentinels: Vec<_> = self.hosts.iter().map(sentinel).collect::<Result<_, ConnectError>>()?;
        let server = Dial::of(&format!("{}://{}{}", self.scheme, self.login, self.hosts[0]), options)?;
        Ok(Address::Sentinels(Sentinels::new(sentinels, master.to_owned(), server.with_database(database))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::ConnectErrorKind;

    fn nodes(dials: &[Dial]) -> Vec<String> {
        dials.iter().filter_map(Dial::node).map(|node| node.to_string()).collect()
    }

    fn address(url: &str) -> Address {
        Address::of(url, &RedisOptions::default()).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn a_cluster_is_some_of_its_nodes() {
        for (url, expected) in [
            ("redis+cluster://one", vec!["one:6379"]),
            ("redis+cluster://one:7000,two,[::1]:7002/", vec!["one:7000", "two:6379", "::1:7002"]),
            ("valkey+cluster://ada:secret@one,[::1]", vec!["one:6379", "::1:6379"]),
        ] {
            let Address::Cluster(dials) = address(url) else { panic!("{url}") };
            assert_eq!(nodes(&dials), expected, "{url}");
        }
    }

    #[test]
    fn sentinels_watch_a_master_by_name() {
        for (url, expected) in [
            ("redis+sentinel://one/shop", vec!["one:26379"]),
            ("redis+sentinel://:se%40cret@one:7000,[::1]/shop/3", vec!["one:7000", "::1:26379"]),
            ("valkey+sentinel://ada:secret@one,two:6/shop.eu-1_a/0", vec!["one:26379", "two:6"]),
        ] {
            let Address::Sentinels(sentinels) = address(url) else { panic!("{url}") };
            assert_eq!(nodes(sentinels.all()), expected, "{url}");
        }
    }

    #[test]
    fn everything_else_is_refused_without_showing_it() {
        for url in [
            "redis+cluster:one",
            "redis+cluster://",
            "redis+cluster:///",
            "redis+cluster://ada:secret@",
            "redis+cluster://one,,two",
            "redis+cluster://one,",
            "redis+cluster://one:port",
            "redis+cluster://one/0",
            "redis+cluster://one?secret",
            "redis+cluster://ada:sec#ret@one",
            "redis+sentinel://one",
            "redis+sentinel://one/",
            "redis+sentinel:///shop",
            "redis+sentinel://one//0",
            "redis+sentinel://one/shop/",
            "redis+sentinel://one/shop/secret",
            "redis+sentinel://one/shop/-1",
            "redis+sentinel://one/shop/0/1",
            "redis+sentinel://one/secret%20shop",
            "redis+sentinel://0.0.0.0/shop",
            "unix+cluster:///run/redis",
            "redis+secret://one",
            "secret",
        ] {
            let Err(error) = Address::of(url, &RedisOptions::default()) else { panic!("{url}") };
            assert_eq!(error.kind(), ConnectErrorKind::Url, "{url}: {error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}: {error}");
        }
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn tls_takes_its_feature() {
        for url in ["rediss://one", "rediss+cluster://one", "valkeys+sentinel://one/shop"] {
            let Err(error) = Address::of(url, &RedisOptions::default()) else { panic!("{url}") };
            assert!(error.to_string().contains("feature"), "{error}");
        }
    }
}
