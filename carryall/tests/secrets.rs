//! Canaries: what must never be shown is looked for everywhere that shows anything.

mod common;

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carryall::random::{Random as _, SystemRandom};
use carryall::{ClientPolicy, CsrfPolicy, Error, FingerprintPolicy, Key, KeyRing, SegmentData, Session};
use common::house::{HOMES, Home, House};
use common::lab::{Lab, Tab};
use common::log::Log;
use serde::{Deserialize, Serialize};

const SUBJECT: &str = "canary-subject@example.com";
const VALUE: &str = "canary-value-5f3a";
const CARD: u64 = 4_929_123_412_341_234;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Wallet {
    card: u64,
}

impl SegmentData for Wallet {
    const NAME: &'static str = "wallet";
}

/// What must not be shown, in every way that bytes are shown.
struct Canaries(Vec<String>);

impl Canaries {
    fn new(secret: &[u8]) -> Self {
        let mut canaries = Self(vec![SUBJECT.into(), VALUE.into(), CARD.to_string()]);
        canaries.add_bytes(VALUE.as_bytes());
        canaries.add_bytes(SUBJECT.as_bytes());
        canaries.add_bytes(secret);
        canaries
    }

    fn add_bytes(&mut self, bytes: &[u8]) {
        let list = format!("{:?}", &bytes[..8]);
        self.0.push(list.trim_matches(['[', ']']).to_owned());
        let hex: Vec<_> = bytes[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        self.0.push(hex.concat());
        self.0.push(URL_SAFE_NO_PAD.encode(&bytes[..9]));
    }

    /// A token, and the family that it names.
    fn add_token(&mut self, home: Home, token: &str) {
        self.0.push(token[token.len() - 16..].to_owned());
        if home == Home::Store {
            let ticket = URL_SAFE_NO_PAD.decode(token).unwrap();
            self.add_bytes(&ticket[9..25]);
        }
    }

    #[track_caller]
    fn check(&self, what: &str, shown: &str) {
        for canary in &self.0 {
            assert!(!shown.contains(canary), "{what} shows {canary}: {shown}");
        }
    }
}

fn lab(home: Home, secret: &[u8]) -> Lab {
    let ring = KeyRing::new(Key::from_bytes(secret).unwrap()).build().unwrap();
    Lab::with_keys(home, ring, |builder| {
        builder
            .client(ClientPolicy::default().record_agent(true))
            .fingerprint(FingerprintPolicy::default().exact_agent())
    })
}

fn write(session: &Session) -> Result<(), Error> {
    session.login(SUBJECT)?;
    session.set("secret", VALUE)?;
    session.flash().set("notice", VALUE)?;
    session.flash().now("hint", VALUE)?;
    session.document::<Wallet>()?.set(&Wallet { card: CARD })
}

/// Every error that has to do with a value, a user or a token.
fn errors(session: &Session) -> Vec<Error> {
    let deep = (0..70).fold(serde_json::json!(VALUE), |deep, _| serde_json::json!([deep]));
    session.flash().now("hint", VALUE).unwrap();
    vec![
        session.get::<u64>("secret").unwrap_err(),
        session.get::<Vec<u8>>("secret").unwrap_err(),
        session.get::<Wallet>("secret").unwrap_err(),
        session.flash().get::<u64>("hint").unwrap_err(),
        session.segment("wallet").unwrap().get::<String>("card").unwrap_err(),
        session.update("secret", |old: Option<u64>| old.unwrap_or(0)).unwrap_err(),
        session.set("secret.inside", VALUE).unwrap_err(),
        session.set("deep", &deep).unwrap_err(),
        session.set("secret", &VALUE.repeat(100_000)).unwrap_err(),
        session.login(SUBJECT.repeat(20)).unwrap_err(),
        session.update("secret", |_: Option<String>| -> String { panic!("{VALUE}") }).unwrap_err(),
    ]
}

fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        write!(text, " {cause} {cause:?}").unwrap();
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn nothing_that_can_be_debugged_shows_a_secret() {
    for home in HOMES {
        let mut secret = [0; 32];
        SystemRandom.secret(&mut secret).unwrap();
        let (lab, mut canaries) = (lab(home, &secret), Canaries::new(&secret));
        let mut tab = lab.tab();
        tab.visit(write).await.ok();
        canaries.add_token(home, tab.cookie.as_deref().unwrap());
        let layer = lab.sessions.layer();
        canaries.check("the layer", &format!("{:?} {layer:?} {layer:#?}", lab.sessions));
        let csrf = lab.sessions.csrf_layer(CsrfPolicy::default()).unwrap();
        canaries.check("the CSRF layer", &format!("{csrf:?} {csrf:#?}"));
        let seen = tab.visit(|session| {
            session.set("fresh", VALUE)?;
            let document = session.document::<Wallet>()?;
            let errors: Vec<_> = errors(session).iter().map(shown).collect();
            let debug = format!(
                "{session:?} {session:#?} {document:?} {:?} {:?} {:?} {:?} {:?}",
                session.segment("other")?,
                session.flash(),
                session.csrf(),
                session.meta(),
                session.subject(),
            );
            Ok((debug, errors))
        });
        let (debug, errors) = seen.await.ok();
        canaries.check("a session", &debug);
        for error in errors {
            canaries.check("an error", &error);
        }
        canaries.check("events", &format!("{:?}", lab.events.take()));
    }
}

#[tokio::test]
async fn no_secret_is_traced_at_any_level() {
    for home in HOMES {
        let log = Log::global();
        let mut secret = [0; 32];
        SystemRandom.secret(&mut secret).unwrap();
        let (lab, mut canaries) = (lab(home, &secret), Canaries::new(&secret));
        let mut tab = lab.tab();
        tab.visit(write).await.ok();
        canaries.add_token(home, tab.cookie.as_deref().unwrap());
        for n in 0..11 {
            // Each error is answered by the handler, so that it is logged too.
            let seen = tab.visit(move |session| Err::<(), _>(errors(session).swap_remove(n))).await;
            assert!(seen.status.is_server_error());
        }
        let mut other = tab.clone();
        tab.visit(|session| session.elevate(2)).await.ok();
        canaries.add_token(home, tab.cookie.as_deref().unwrap());
        other.visit(|session| session.set("late", VALUE)).await;
        let tampered = Tab { cookie: Some(House::tamper(tab.cookie.as_deref().unwrap())), ..tab.clone() };
        tampered.clone().visit(|session| session.set("a", VALUE)).await.ok();
        lab.store.set_down(true);
        tab.clone().visit(|session| session.set("a", VALUE)).await;
        lab.store.set_down(false);
        tab.send(Method::GET, "/", Body::empty(), None).await;
        tab.visit(Session::logout).await.ok();
        lab.sessions.revoke_subject(SUBJECT).await.unwrap();
        let text = log.text();
        assert!(text.contains("IdentityChanged") && text.contains("Tampered"), "{home:?}: {text}");
        canaries.check("the log", &text);
    }
}

#[tokio::test]
async fn cookies_are_marked_as_sensitive_for_everybody_who_logs_headers() {
    for home in HOMES {
        let mut tab = Lab::new(home).tab();
        for deed in [write as fn(&Session) -> Result<(), Error>, |session| session.logout()] {
            let seen = tab.visit(deed).await;
            assert!(seen.headers["set-cookie"].is_sensitive(), "{home:?}");
        }
    }
}
