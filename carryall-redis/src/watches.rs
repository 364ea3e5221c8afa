//! Connections on which records that were loaded are watched, so that they can be written without a script.
//!
//! A script costs the server several times what a `SET` does. `WATCH` before the `GET` makes a transaction of the
//! `SET` that the server drops if anybody has touched the key since. What is watched belongs to the connection, and
//! every transaction ends all of it: so each connection is one session's at a time, from its load to its commit.
//!
//! The transaction is begun with the load: a `SET` is never sent before the server has said that it will only queue it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{Draft, Header, Record, Version};
use redis::{RedisResult, Value};

use crate::dial::Dial;
use crate::layout;
use crate::link::Link;
use crate::pause::Pause;
use crate::seat::{Place, Seat};

/// The connections to one server that stands alone.
#[derive(Clone)]
pub(crate) struct Watches(Arc<Inner>);

struct Inner {
    dial: Dial,
    /// How many connections at most.
    most: usize,
    seats: Mutex<Seats>,
}

#[derive(Default)]
struct Seats {
    /// Those that nobody uses just now, the one that was used last at the end.
    idle: Vec<Seat>,
    /// One for each connection that is idle, in use or about to be.
    places: Place,
    /// No other is opened before it is over: the last one could not be.
    pause: Option<Pause>,
    /// Who we are may not watch, or the server cannot.
    is_refused: bool,
}

/// What was read of a record that is watched.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    version: Version,
    header: Header,
}

/// A seat in use. Whoever drops it halfway leaves it behind with whatever it watches.
struct Taken<'a> {
    inner: &'a Inner,
    seat: Option<Seat>,
}

/// A record that was asked for and is watched, if it is one.
pub(crate) struct Watching<'a>(Taken<'a>);

impl Watches {
    /// None yet; they are opened when they are missed.
    pub(crate) fn over(dial: Dial, most: usize) -> Self {
        Self(Arc::new(Inner { dial, most, seats: Mutex::default() }))
    }

    /// What is under this name, from now on watched. `None` if no connection is free for it.
    pub(crate) async fn get(&self, name: &[u8], link: &Link) -> Option<(RedisResult<Value>, Watching<'_>)> {
        let Some(mut taken) = self.0.take() else {
            self.open_another(name, link);
            return None;
        };
        let answer = taken.seat.as_mut()?.get(name).await;
        if answer.is_err() {
            taken.seat = None;
        }
        Some((answer, Watching(taken)))
    }

    /// Writes this in place of the version, if that is watched and nothing of it changes that the script has to look
    /// after. Answers whether it was written; `None` if that was not tried, or refused.
    pub(crate) async fn set(
        &self,
        key: &RecordKey,
        name: &[u8],
        expected: Version,
        draft: &Draft,
        now: Timestamp,
    ) -> Option<RedisResult<bool>> {
        let mut taken = self.0.take_watching(key, |known| known.allows(expected, draft, now))?;
        let mut set = redis::cmd("SET");
        set.arg(name).arg(layout::encode(expected.next(), draft));
        set.arg("PXAT").arg(layout::sweep_at(draft.header.expires));
        let answer = taken.seat.as_mut()?.set(set).await.transpose();
        if !matches!(answer, Some(Ok(_))) {
            taken.seat = None;
        }
        answer
    }

    fn open_another(&self, name: &[u8], link: &Link) {
        let Some(place) = self.0.reserve() else { return };
        let (inner, link, name) = (Arc::clone(&self.0), link.clone(), name.to_owned());
        drop(tokio::spawn(async move {
            let opened = Seat::open(&inner.dial, &link, &name, place).await;
            inner.seats().end_opening(opened);
        }));
    }
}

impl Watching<'_> {
    /// This is what was found.
    pub(crate) fn note(mut self, key: &RecordKey, record: &Record) {
        if let Some(seat) = &mut self.0.seat {
            seat.watch(*key, Known { version: record.version, header: record.header });
        }
    }
}

impl Known {
    /// Whether the script would write this without a look at an index.
    fn allows(&self, expected: Version, draft: &Draft, now: Timestamp) -> bool {
        let (old, new) = (&self.header, &draft.header);
        let is_same_owner = new.subject.is_none() || (old.subject == new.subject && old.latest == new.latest);
        self.version == expected && now < old.expires && is_same_owner
    }
}

impl Inner {
    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that watches nothing, else the one that has watched for longest if there can be no more.
    fn take(&self) -> Option<Taken<'_>> {
        let mut seats = self.seats();
        if !seats.are_sound() {
            return None;
        }
        let free = seats.idle.iter().rposition(|seat| seat.watched().is_none());
        let is_full = seats.places.taken() >= self.most && !seats.idle.is_empty();
        let seat = seats.idle.remove(free.or(is_full.then_some(0))?);
        Some(Taken { inner: self, seat: Some(seat) })
    }

    /// The connection that watches this record. Others that watch the same do so in vain.
    fn take_watching(&self, key: &RecordKey, is_good: impl Fn(&Known) -> bool) -> Option<Taken<'_>> {
        let mut seats = self.seats();
        let mut place = None;
        for (index, seat) in seats.idle.iter_mut().enumerate() {
            let Some((_, known)) = seat.watched().filter(|(watched, _)| watched == key) else { continue };
            if place.is_none() && is_good(&known) && !seat.is_lost() {
                place = Some(index);
            }
            seat.forget();
        }
        let seat = seats.idle.remove(place?);
        Some(Taken { inner: self, seat: Some(seat) })
    }

    /// A place for one more connection, if there may be one.
    fn reserve(&self) -> Option<Place> {
        let seats = self.seats();
        let may =
            seats.places.taken() < self.most && !seats.is_refused && seats.pause.is_none_or(Pause::is_over);
        may.then(|| seats.places.clone())
    }
}

impl Seats {
    fn end_opening(&mut self, opened: RedisResult<Option<Seat>>) {
        match opened {
            Ok(Some(seat)) => {
                self.idle.push(seat);
                self.pause = None;
            }
            Ok(None) => self.is_refused = true,
            Err(_) => self.pause = Some(Pause::after(self.pause)),
        }
    }

    /// Whether there is nothing to be said against any of them. What has silenced one may have silenced the others.
    fn are_sound(&mut self) -> bool {
        if self.idle.iter().any(Seat::is_lost) {
            self.idle.clear();
        }
        !self.idle.iter().any(Seat::is_doubted)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(seat) = self.seat.take() {
            self.inner.seats().idle.push(seat);
        }
    }
}
