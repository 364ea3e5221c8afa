//! The store in Redis over TLS.
#![cfg(feature = "tls")]

mod common;

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use carryall_redis::{ConnectErrorKind, RedisOptions, RedisStore};
use carryall_testbed::node::{nodes, user};
use carryall_testbed::server::{Server, eventually};
use common::ask;

/// Makes a certificate authority and a certificate of it for 127.0.0.1, which the server can read.
fn certify(directory: &Path) {
    let openssl = |words: &str| {
        let output = Command::new("openssl").args(words.split(' ')).current_dir(directory).output();
        let output = output.expect("the Debian package openssl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=authority"));
    openssl(&format!(
        "req -x509 {key} -CA ca.pem -CAkey ca.key -keyout server.key -out server.pem -subj /CN=server \
         -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE"
    ));
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(directory.join("server.key"), readable).expect("a key that the server can read");
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port()
}

/// A port at which the server speaks TLS.
async fn encrypted_port(server: &Server) -> u16 {
    let free = free_port();
    let at = |name: &str| server.directory().join(name).display().to_string();
    let (key, certificate) = (at("server.key"), at("server.pem"));
    let words = format!(
        "CONFIG SET tls-cert-file {certificate} tls-key-file {key} tls-auth-clients no tls-port {free}"
    );
    ask(&server.url("0"), &words).await;
    free
}

#[tokio::test]
async fn a_server_with_a_certificate_that_is_believed_keeps_sessions_and_no_other_is_spoken_to() {
    let server = Server::redis();
    certify(server.directory());
    let port = encrypted_port(&server).await;
    let url = format!("rediss://127.0.0.1:{port}/0");
    let believed = std::fs::read(server.directory().join("ca.pem")).expect("a certificate");
    let options = RedisOptions::default().patience(Duration::from_secs(5));

    let known = options.clone().root_certificates(believed);
    let store = RedisStore::connect_with(&url, &known).await.expect("a store");
    let mut browser = user(&nodes([store.into()])[0], "ada").await;
    assert_eq!(browser.post("/add/more").await.status, 200);

    let another_name = url.replace("127.0.0.1", "localhost");
    for (url, options) in [(&another_name, &known), (&url, &options)] {
        let error = RedisStore::connect_with(url, options).await.expect_err("a certificate for nobody");
        assert_eq!(error.kind(), ConnectErrorKind::Unreachable, "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    let error =
        RedisStore::connect_with(&url, &options.root_certificates("-----BEGIN CERTIFICATE-----")).await;
    assert_eq!(error.expect_err("no certificate").kind(), ConnectErrorKind::Url);
}

fn believing(server: &Server) -> RedisOptions {
    let believed = std::fs::read(server.directory().join("ca.pem")).expect("a certificate");
    RedisOptions::default().root_certificates(believed)
}

#[tokio::test]
async fn a_cluster_is_spoken_to_in_secret_node_by_node() {
    let node = Server::node();
    certify(node.directory());
    let port = encrypted_port(&node).await;
    let authority = node.directory().join("ca.pem");
    node.tell(&format!("CONFIG SET tls-ca-cert-file {} tls-cluster yes", authority.display()));
    node.tell(&format!("CONFIG SET cluster-announce-tls-port {port}"));
    node.tell("CLUSTER ADDSLOTSRANGE 0 16383");
    eventually("it works", || node.ask("CLUSTER INFO").contains("cluster_state:ok"));
    let url = format!("rediss+cluster://127.0.0.1:{port}");
    let store = RedisStore::connect_with(&url, &believing(&node)).await.expect("a store");
    assert_eq!(user(&nodes([store.into()])[0], "ada").await.post("/add/more").await.status, 200);
    let error = RedisStore::connect(&url).await.expect_err("a certificate for nobody");
    assert_eq!(error.kind(), ConnectErrorKind::Unreachable, "{error}");
}

#[tokio::test]
async fn sentinels_and_the_master_they_name_are_spoken_to_in_secret() {
    let (server, mut sentinel) = (Server::redis(), Server::sentinel());
    certify(server.directory());
    certify(sentinel.directory());
    let (port, own) = (encrypted_port(&server).await, free_port());
    sentinel.tell(&format!("SENTINEL MONITOR shop 127.0.0.1 {port} 1"));
    sentinel.kill();
    let path = sentinel.directory().join("sentinel.conf");
    let at = |name: &str| sentinel.directory().join(name).display().to_string();
    let known = std::fs::read_to_string(&path).expect("what it was told");
    let (certificate, key, authority) = (at("server.pem"), at("server.key"), at("ca.pem"));
    let secret = format!(
        "tls-port {own}\ntls-cert-file {certificate}\ntls-key-file {key}\ntls-ca-cert-file {authority}\n\
         tls-auth-clients no\n"
    );
    std::fs::write(&path, known + "\n" + &secret).expect("a configuration");
    sentinel.start();

    let url = format!("rediss+sentinel://127.0.0.1:{own}/shop");
    let pem = |server: &Server| std::fs::read(server.directory().join("ca.pem")).expect("a certificate");
    let both = RedisOptions::default().root_certificates([pem(&server), pem(&sentinel)].concat());
    let store = RedisStore::connect_with(&url, &both).await.expect("a store");
    assert_eq!(user(&nodes([store.into()])[0], "ada").await.post("/add/more").await.status, 200);
    for one in [&server, &sentinel] {
        let error = RedisStore::connect_with(&url, &believing(one)).await.expect_err("the other is unknown");
        assert_eq!(error.kind(), ConnectErrorKind::Unreachable, "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}
