//! An application whose store is encrypted.

use axum::Router;
use axum::routing::{get, post};
use carryall::store::Encrypted;
use carryall::testing::TestClient;
use carryall::{Error, KeyRing, MemoryStore, Session, Sessions};

/// A node that keeps its records under one ring; tickets are made with the other.
fn node(tickets: &KeyRing, records: &KeyRing, store: &MemoryStore) -> Router {
    let store = Encrypted::new(store.clone(), records).unwrap();
    let sessions = Sessions::builder(tickets.clone()).store(store).build().unwrap();
    Router::new()
        .route("/visit", get(visit))
        .route("/login", post(async |session: Session| session.login("ada")))
        .route("/logout", post(async |session: Session| session.logout()))
        .layer(sessions.layer())
}

async fn visit(session: Session) -> Result<String, Error> {
    session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1).map(|n| n.to_string())
}

fn at(node: &Router, browser: &TestClient<Router>) -> TestClient<Router> {
    let mut other = TestClient::new(node.clone());
    for (name, value) in browser.cookies() {
        other.set_cookie(name, value);
    }
    other
}

#[tokio::test]
async fn sessions_in_an_encrypted_store_are_sessions() {
    let (ring, store) = (KeyRing::random().unwrap(), MemoryStore::new());
    let nodes = [node(&ring, &ring, &store), node(&ring, &ring, &store)];
    let mut browser = TestClient::new(nodes[0].clone());
    assert_eq!(browser.get("/visit").await.text(), "1");
    browser.post("/login").await;
    assert_eq!(at(&nodes[1], &browser).get("/visit").await.text(), "2");
    assert_eq!(browser.get("/visit").await.text(), "3");
    let mut copy = at(&nodes[1], &browser);
    browser.post("/logout").await;
    assert!(store.is_empty());
    assert_eq!(copy.get("/visit").await.text(), "1", "a session of its own");
}

#[tokio::test]
async fn a_node_that_lacks_the_records_key_answers_503_and_takes_no_cookie_away() {
    let (tickets, store) = (KeyRing::random().unwrap(), MemoryStore::new());
    let [records, others] = [(); 2].map(|()| KeyRing::random().unwrap());
    let mut browser = TestClient::new(node(&tickets, &records, &store));
    assert_eq!(browser.get("/visit").await.text(), "1");
    let mut lagging = at(&node(&tickets, &others, &store), &browser);
    for _ in 0..2 {
        let response = lagging.get("/visit").await;
        assert_eq!(response.status, 503);
        assert!(!response.headers.contains_key("set-cookie"), "{:?}", response.headers);
    }
    assert_eq!(lagging.cookies(), browser.cookies());
    assert_eq!(browser.get("/visit").await.text(), "2");
}
