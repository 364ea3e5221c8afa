//! One request's session: opened without I/O, loaded on first use, committed before the response head.

mod noticed;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{Mutex as Turns, MutexGuard as TurnGuard};

pub(crate) use self::noticed::Glance;
use self::noticed::Noticed;
use super::house::House;
use super::place::Home;
use super::{drive, load, meter};
use crate::clock::Timestamp;
use crate::cookie::Lines;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::id::{Family, Handle, RecordKey, Subject};
use crate::key::KeyId;
use crate::lease::Claim;
use crate::policy::RequestHead;
use crate::session::engine::{BoxFuture, Engine};
use crate::session::seat::{Locked, Seat};
use crate::session::state::{Standing, State};
use crate::session::{LeaseOptions, Session};
use crate::value::Contents;

/// One request's session.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) house: Arc<House>,
    pub(crate) lines: Lines,
    loaded: AtomicBool,
    /// Somebody asked for the session, so the response depends on the cookie.
    accessed: AtomicBool,
    /// The store did not answer and the handler went on without a session.
    outage: AtomicBool,
    /// The response has left, and nobody had asked for the session.
    left: AtomicBool,
    /// What a session that begins now remembers of its client.
    noticed: OnceLock<Box<Noticed>>,
    /// One load or commit at a time, of those that wait for something.
    gate: OnceLock<Box<Turns<()>>>,
    seat: Seat,
}

impl Visit {
    /// Opens a session without looking at the cookie.
    pub(crate) fn open(house: Arc<House>, lines: Lines) -> Arc<Self> {
        Arc::new(Self {
            house,
            lines,
            loaded: AtomicBool::new(false),
            accessed: AtomicBool::new(false),
            outage: AtomicBool::new(false),
            left: AtomicBool::new(false),
            noticed: OnceLock::new(),
            gate: OnceLock::new(),
            seat: Seat::default(),
        })
    }

    /// The session, loaded on first use, once.
    pub(crate) fn session<H: RequestHead>(
        self: &Arc<Self>,
        head: &H,
    ) -> impl Future<Output = Result<Session, Error>> + Send + use<H> {
        self.accessed.store(true, Ordering::Relaxed);
        let loading = if self.is_loaded() { None } else { self.begin_loading(head) };
        let visit = Arc::clone(self);
        async move {
            if let Some(loading) = loading {
                loading.await.inspect_err(|_| visit.note_outage())?;
            }
            Ok(Session::new(visit))
        }
    }

    /// The session if the store answers, else one in which nothing can be written.
    pub(crate) fn session_or_anonymous<H: RequestHead>(
        self: &Arc<Self>,
        head: &H,
    ) -> impl Future<Output = Session> + Send + use<H> {
        let loading = self.session(head);
        let visit = Arc::clone(self);
        async move {
            if let Ok(session) = loading.await {
                return session;
            }
            visit.lock().standing = Standing::Outage;
            Session::new(visit)
        }
    }

    pub(crate) fn is_accessed(&self) -> bool {
        self.accessed.load(Ordering::Relaxed)
    }

    /// The response leaves without anybody having asked for the session: whoever does later can only read.
    pub(crate) fn leave(&self) {
        // Whoever makes the state after the look at it finds this under the same lock.
        self.left.store(true, Ordering::Relaxed);
        if let Some(mut state) = self.seat.lock_if_taken() {
            state.commits.is_closed = true;
        }
    }

    /// Asked under the lock of the state.
    pub(crate) fn has_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    fn note_outage(&self) {
        if !self.outage.swap(true, Ordering::Relaxed) {
            meter::load("outage");
        }
    }

    pub(crate) fn is_outage(&self) -> bool {
        self.outage.load(Ordering::Relaxed)
    }

    /// Where the store has a family's record; a hash that is asked for at load and at commit.
    pub(crate) fn record_key(&self, family: &Family) -> RecordKey {
        self.record_key_in(&self.lock(), family)
    }

    /// The same for whoever holds the state.
    pub(crate) fn record_key_in(&self, state: &State, family: &Family) -> RecordKey {
        // A login may have begun another family since.
        let known = state.record.filter(|(known, _)| known == family);
        known.map_or_else(|| self.house.record_key(family), |(_, key)| key)
    }

    /// Loads a session at once if that takes no waiting: one that the client carries, or that a store in memory keeps.
    /// Of others, notes what will be needed of the request. Boxed, so that the usual future is a small one.
    fn begin_loading(
        self: &Arc<Self>,
        head: &impl RequestHead,
    ) -> Option<BoxFuture<'static, Result<(), Error>>> {
        self.notice(head);
        match &self.house.home {
            Home::Client(carrier) => load::load_carried(self, carrier, head),
            Home::Store { ticket, store } => match store.memory() {
                Some(memory) => load::load_at_once(self, ticket, memory, head),
                None => return Some(Box::pin(Arc::clone(self).load_kept(self.glance(head)))),
            },
        }
        None
    }

    /// Asks the store, unless another task of the request has.
    async fn load_kept(self: Arc<Self>, glance: Glance) -> Result<(), Error> {
        let patience = self.house.patience.commit;
        // Somebody may hold a load and never poll it again.
        let waiting = async { Ok::<_, Error>(self.turn().await) };
        let _turn = drive::in_time(&self.house, patience, "load", waiting).await?;
        if self.is_loaded() { Ok(()) } else { load::load_kept(&self, glance).await }
    }

    /// Takes the session as loaded.
    pub(crate) fn set_loaded(&self) {
        self.loaded.store(true, Ordering::Release);
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    pub(crate) fn lock(&self) -> Locked<'_> {
        self.seat.lock_or(|| self.empty())
    }

    /// The state, with what was loaded as the first; gives it back if somebody has made one before.
    pub(crate) fn lock_with(&self, mut loaded: Option<Box<State>>) -> (Locked<'_>, Option<Box<State>>) {
        let state = self.seat.lock_or(|| loaded.take().unwrap_or_else(|| self.empty()));
        (state, loaded)
    }

    /// Waits until no load or commit is under way; none begins while the answer is held.
    pub(crate) async fn turn(&self) -> TurnGuard<'_, ()> {
        self.gate.get_or_init(Box::default).lock().await
    }

    /// A session that does not exist yet.
    fn empty(&self) -> Box<State> {
        // Built where it stays, for it is large.
        let format = self.house.home.format();
        let mut state = Box::write(Box::new_uninit(), State::new(Contents::empty(format)));
        state.read_only = self.house.is_read_only();
        state.commits.is_closed = self.has_left();
        state
    }

    /// The handler panicked or was cancelled: its changes are dropped, its wish to end the session is not. What is
    /// being committed already goes on.
    pub(crate) fn abandon(self: &Arc<Self>) {
        if !self.is_loaded() {
            return self.leave();
        }
        let (ending, is_lost, is_under_way) = {
            let mut state = self.lock();
            state.commits.is_closed = true;
            let is_under_way = state.commits.under_way > 0 || state.commits.is_last;
            let ending = if is_under_way { None } else { state.ending.take() };
            (ending, state.is_unsettled() && !is_under_way, is_under_way)
        };
        if is_lost {
            drive::tell_abandoned(self);
        }
        if let Some(envelope) = ending {
            drive::end_in_background(&self.house, envelope);
        } else if !is_under_way {
            drive::leave(self);
        }
    }
}

impl Engine for Visit {
    fn state(&self) -> Locked<'_> {
        self.lock()
    }

    fn now(&self) -> Timestamp {
        self.house.now()
    }

    fn auth_time(&self, subject: &Subject) -> Timestamp {
        self.house.auth_time(subject, self.house.now())
    }

    fn begin(&self) -> Result<Envelope, Error> {
        self.begin_noticed(self.house.now())
    }

    fn room(&self, envelope: Option<&Envelope>) -> usize {
        match (envelope, self.noticed.get()) {
            (None, Some(noticed)) => self.house.room(Some(&noticed.placeholder())),
            _ => self.house.room(envelope),
        }
    }

    fn handle(&self, family: &Family) -> Handle {
        self.house.handle(family)
    }

    fn deadline(&self, envelope: &Envelope) -> Timestamp {
        self.house.deadline(envelope)
    }

    fn longest_persistence(&self) -> Duration {
        self.house.lifetimes.remember_at_most
    }

    fn csrf_token(&self, envelope: &Envelope) -> String {
        let (id, key) = self.house.csrf.active();
        let tag = key.tag16(&csrf_parts(envelope).each_ref().map(Vec::as_slice));
        let mut mask = [0; 16];
        self.house.random.nonce(&mut mask);
        let mut token = [0; 40];
        token[..8].copy_from_slice(id.as_bytes());
        token[8..24].copy_from_slice(&mask);
        for (out, (tag, mask)) in token[24..].iter_mut().zip(tag.iter().zip(&mask)) {
            *out = tag ^ mask;
        }
        crate::base64url::encode(&token)
    }

    fn is_csrf_token(&self, envelope: &Envelope, token: &str) -> bool {
        let Some(token) = crate::base64url::decode_array::<40>(token.as_bytes()) else { return false };
        let Some(id) = token.first_chunk::<8>() else { return false };
        let Some(key) = self.house.csrf.by_id(KeyId::from_bytes(*id)) else { return false };
        let mut tag = [0; 16];
        for (out, (masked, mask)) in tag.iter_mut().zip(token[24..].iter().zip(&token[8..24])) {
            *out = masked ^ mask;
        }
        key.verify16(&csrf_parts(envelope).each_ref().map(Vec::as_slice), &tag)
    }

    fn commit(self: Arc<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(drive::Finished::new(self, drive::When::Early))
    }

    fn lease(self: Arc<Self>, options: LeaseOptions) -> BoxFuture<'static, Result<Claim, Error>> {
        Box::pin(drive::lock(self, options))
    }

    fn ended(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(drive::ended(self))
    }
}

/// What a CSRF token is bound to: the family, and the login count so that it changes with every login.
fn csrf_parts(envelope: &Envelope) -> [Vec<u8>; 2] {
    [envelope.family.as_bytes().to_vec(), envelope.logins.to_be_bytes().to_vec()]
}
