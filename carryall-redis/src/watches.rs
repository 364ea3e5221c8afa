//! Connections on which records that were loaded are watched, so that they can be written without a script.
//!
//! A script costs the server several times what a `SET` does. `WATCH` before the `GET` makes a transaction of the
//! `SET` that the server drops if anybody has touched the key since. What is watched belongs to the connection, and
//! every transaction ends all of it: so each connection is one session's at a time, from its load to its commit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{Draft, Header, Record, Version};
use redis::{RedisError, RedisResult, Value};

use crate::dial::Dial;
use crate::failure::says;
use crate::layout;
use crate::line::Line;
use crate::link::Link;
use crate::pause::Pause;

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
    /// How many there are, in use, idle or about to be.
    count: usize,
    /// No other is opened before it is over: the last one could not be.
    pause: Option<Pause>,
    /// Who we are may not watch, or the server cannot.
    is_refused: bool,
}

/// One connection.
struct Seat {
    line: Line,
    /// The link's own when this was opened. Once that is found to lead to the wrong server, so does this.
    own: Line,
    watched: Watched,
}

/// What a connection watches.
enum Watched {
    Nothing,
    /// Something that is nobody's concern any more.
    Leftover,
    Record(RecordKey, Known),
}

/// What is to stay as it is for a commit to need no script.
struct Known {
    version: Version,
    header: Header,
}

/// A seat in use. Whoever drops it halfway leaves it behind with whatever it watches.
struct Taken<'a> {
    seats: &'a Inner,
    seat: Option<Seat>,
}

impl Watches {
    /// None yet; they are opened when they are missed.
    pub(crate) fn over(dial: Dial, most: usize) -> Self {
        Self(Arc::new(Inner { dial, most, seats: Mutex::default() }))
    }

    /// What is under this name, from now on watched. `None` if no connection is free for it.
    pub(crate) async fn get(&self, name: &[u8], link: &Link) -> Option<(RedisResult<Value>, Watching<'_>)> {
        let Some(mut taken) = self.0.take() else {
            self.open_another(link);
            return None;
        };
        let seat = taken.seat.as_mut()?;
        let mut questions = redis::pipe();
        if !matches!(seat.watched, Watched::Nothing) {
            questions.cmd("UNWATCH");
        }
        questions.cmd("WATCH").arg(name).cmd("GET").arg(name).ignore_errors();
        seat.watched = Watched::Leftover;
        let answers: RedisResult<Vec<RedisResult<Value>>> = seat.line.clone().ask_all(&questions).await;
        let answer = answers.and_then(|mut answers| {
            let found = answers.pop().unwrap_or(Ok(Value::Nil));
            answers
                .into_iter()
                .collect::<RedisResult<Vec<_>>>()
                .inspect_err(|error| self.0.seats().judge(error))?;
            found
        });
        Some((answer, Watching(taken)))
    }

    /// Writes this in place of the version, if that is watched and nothing of it changes that the script has to look
    /// after. Answers whether it was written; `None` if that is not known to be so.
    pub(crate) async fn set(
        &self,
        key: &RecordKey,
        name: &[u8],
        expected: Version,
        draft: &Draft,
        now: Timestamp,
    ) -> Option<RedisResult<bool>> {
        let mut taken = self.0.take_watching(key, |known| known.allows(expected, draft, now))?;
        let seat = taken.seat.as_mut()?;
        let mut transaction = redis::pipe();
        transaction.atomic().cmd("SET").arg(name).arg(layout::encode(expected.next(), draft));
        transaction.arg("PXAT").arg(layout::sweep_at(draft.header.expires));
        let answer: RedisResult<Value> = seat.line.clone().ask_all(&transaction).await;
        seat.watched = if answer.is_ok() { Watched::Nothing } else { Watched::Leftover };
        Some(answer.map(|answer| answer != Value::Nil))
    }

    fn open_another(&self, link: &Link) {
        if !self.0.reserve() {
            return;
        }
        let (inner, link) = (Arc::clone(&self.0), link.clone());
        drop(tokio::spawn(async move {
            let opened = Seat::open(&inner.dial, &link).await;
            inner.seats().end_opening(opened);
        }));
    }
}

/// A record that was asked for and is watched, if it is one.
pub(crate) struct Watching<'a>(Taken<'a>);

impl Watching<'_> {
    /// This is what was found.
    pub(crate) fn note(mut self, key: &RecordKey, record: &Record) {
        if let Some(seat) = &mut self.0.seat {
            seat.watched = Watched::Record(*key, Known { version: record.version, header: record.header });
        }
    }
}

impl Seat {
    async fn open(dial: &Dial, link: &Link) -> RedisResult<Self> {
        // The link has a look at the server before it is used.
        let own = link.line().await?;
        Ok(Self { line: Line::open(dial).await?, own, watched: Watched::Nothing })
    }

    fn is_lost(&self) -> bool {
        self.line.is_lost() || self.own.is_lost()
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
        seats.drop_lost();
        let free = seats.idle.iter().rposition(|seat| !matches!(seat.watched, Watched::Record(..)));
        let place = free.or((seats.count >= self.most && !seats.idle.is_empty()).then_some(0))?;
        let seat = Some(seats.idle.remove(place));
        drop(seats);
        Some(Taken { seats: self, seat })
    }

    /// The connection that watches this record. Others that watch the same do so in vain.
    fn take_watching(&self, key: &RecordKey, is_good: impl Fn(&Known) -> bool) -> Option<Taken<'_>> {
        let mut seats = self.seats();
        let mut place = None;
        for (index, seat) in seats.idle.iter_mut().enumerate() {
            let Watched::Record(watched, known) = &seat.watched else { continue };
            if watched == key {
                if place.is_none() && is_good(known) && !seat.is_lost() {
                    place = Some(index);
                }
                seat.watched = Watched::Leftover;
            }
        }
        let seat = Some(seats.idle.remove(place?));
        drop(seats);
        Some(Taken { seats: self, seat })
    }

    /// Whether there may be one more connection, which is then about to be.
    fn reserve(&self) -> bool {
        let mut seats = self.seats();
        let may = seats.count < self.most && !seats.is_refused && seats.pause.is_none_or(Pause::is_over);
        seats.count += usize::from(may);
        may
    }
}

impl Seats {
    fn end_opening(&mut self, opened: RedisResult<Seat>) {
        if let Ok(seat) = opened {
            self.idle.push(seat);
            self.pause = None;
        } else {
            self.count -= 1;
            self.pause = Some(Pause::after(self.pause));
        }
    }

    /// Nothing will be watched if this says that it cannot be.
    fn judge(&mut self, error: &RedisError) {
        if says(error, "NOPERM") || says(error, "ERR") {
            self.is_refused = true;
            self.idle.clear();
        }
    }

    fn drop_lost(&mut self) {
        let before = self.idle.len();
        self.idle.retain(|seat| !seat.is_lost());
        self.count -= before - self.idle.len();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let (Some(seat), mut seats) = (self.seat.take(), self.seats.seats()) else { return };
        if !seats.is_refused {
            seats.idle.push(seat);
        }
    }
}
