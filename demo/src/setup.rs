//! The options, put into effect: the sessions, and what the pages tell about them.

use carryall::store::WhenFull;
use carryall::{Algorithm, Carrier, ClientPolicy, CookiePolicy, KeyRing, Place, Sessions, SessionsBuilder};

use crate::failure::Failure;
use crate::options::{CarrierChoice, Options, PlaceChoice, WhoGoes};

/// What every request shares.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) options: Options,
    pub(crate) sessions: Sessions,
}

impl Setup {
    /// Reads or creates the keys, opens the store and builds the sessions.
    pub(crate) async fn new(options: &Options) -> Result<Self, Failure> {
        let cookie = if options.plain_http {
            CookiePolicy::default().danger_insecure()
        } else {
            CookiePolicy::default()
        };
        let builder = Sessions::builder(keys(options)?)
            .app("carryall-demo")
            .single_node()
            .lifetime(options.lifetime())
            .client(ClientPolicy::default().record_address(true).record_agent(true))
            .cookie(cookie);
        let builder = match options.place() {
            PlaceChoice::Client => carry(builder, options.carrier),
            PlaceChoice::Store => {
                let store = options.store.clone().unwrap_or_default().open().await?;
                builder.store(store).place_all(Place::Store)
            }
        };
        let builder = match options.devices {
            Some(most) => builder.sessions_per_user(most, when_full(options.when_full)),
            None => builder,
        };
        let sessions = builder.build().map_err(|error| Failure::option(error.to_string()))?;
        Ok(Self { options: options.clone(), sessions })
    }

    /// The name of the session's cookie.
    pub(crate) fn cookie_name(&self) -> &'static str {
        if self.options.plain_http { "session" } else { "__Host-session" }
    }

    /// Whether the cookie holds the whole session.
    pub(crate) fn is_carried(&self) -> bool {
        self.options.place() == PlaceChoice::Client
    }

    /// Where sessions live, as a sentence's end.
    pub(crate) fn home(&self) -> String {
        match (self.options.place(), self.options.carrier) {
            (PlaceChoice::Store, _) => {
                let store = self.options.store.clone().unwrap_or_default();
                format!("kept in {}; the cookie is a ticket", store.name())
            }
            (PlaceChoice::Client, Some(CarrierChoice::Signed)) => {
                "carried by the browser in a signed cookie".into()
            }
            (PlaceChoice::Client, _) => "carried by the browser in a sealed cookie".into(),
        }
    }

    /// How the cookie is protected.
    pub(crate) fn carrier(&self) -> &'static str {
        match (self.options.place(), self.options.carrier) {
            (PlaceChoice::Store, _) => "Ticket",
            (PlaceChoice::Client, Some(CarrierChoice::Signed)) => "Signed (JWT)",
            (PlaceChoice::Client, _) => "Sealed",
        }
    }

    /// Where the keys come from.
    pub(crate) fn keys(&self) -> String {
        match &self.options.keys {
            Some(path) => format!("keys from {}", path.display()),
            None => "a fresh key in memory: sessions end with this process (--keys FILE keeps them)".into(),
        }
    }
}

fn keys(options: &Options) -> Result<KeyRing, Failure> {
    let Some(path) = &options.keys else {
        return KeyRing::random().map_err(|error| Failure::machine(error.to_string()));
    };
    let ring = if path.exists() { KeyRing::from_file(path) } else { KeyRing::generate_file(path) };
    ring.map_err(|error| Failure::option(format!("--keys: {error}")))
}

fn when_full(who_goes: Option<WhoGoes>) -> WhenFull {
    match who_goes {
        Some(WhoGoes::New) => WhenFull::Refuse,
        Some(WhoGoes::Oldest) | None => WhenFull::EndOldest,
    }
}

fn carry(builder: SessionsBuilder, carrier: Option<CarrierChoice>) -> SessionsBuilder {
    match carrier {
        Some(CarrierChoice::Signed) => builder.carrier(Carrier::Signed(Algorithm::Hs256)),
        Some(CarrierChoice::Sealed) | None => builder.carrier(Carrier::Sealed),
    }
}
