//! Writing to a session: whether it may be done, and whether there is room for what was done.

use super::engine::Engine;
use super::state::{Standing, State, closed, superseded};
use crate::error::{Error, ErrorKind};
use crate::value::Contents;

impl State {
    /// Runs one write, unless it cannot be kept: then it is taken back and the writer told.
    pub(crate) fn write<R>(
        &mut self,
        engine: &dyn Engine,
        op: impl FnOnce(&mut Contents) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.check_writable()?;
        let room = self.room(engine);
        let before = self.length_if_large(room);
        let result = op(&mut self.contents)?;
        if before > 0 || self.contents.longest() > room {
            self.take_back_unless_fits(room, before)?;
        }
        self.revision += 1;
        Ok(result)
    }

    /// Runs several writes, all or none of which are kept. They are told how many bytes the contents may take.
    pub(crate) fn write_all(
        &mut self,
        engine: &dyn Engine,
        op: impl FnOnce(&mut Contents, usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.check_writable()?;
        let room = self.room(engine);
        let (checkpoint, most) = (self.contents.checkpoint(), room.max(self.length_if_large(room)));
        let done = op(&mut self.contents, most).and_then(|()| {
            let fits = self.contents.longest() <= room || self.contents.encoded_len() <= most;
            if fits { Ok(()) } else { Err(too_large(room)) }
        });
        match done {
            Ok(()) => self.revision += 1,
            Err(_) => self.contents.back_to(&checkpoint)?,
        }
        done
    }

    /// How many payload bytes fit.
    #[inline]
    fn room(&mut self, engine: &dyn Engine) -> usize {
        match self.room {
            Some(room) => room,
            None => *self.room.insert(engine.room(self.envelope.as_ref())),
        }
    }

    /// What the contents take, zero if that is far from all there is: the exact length takes a walk over everything, so it is
    /// asked only where it could matter.
    #[inline]
    fn length_if_large(&self, room: usize) -> usize {
        if self.contents.longest() > room / 2 { self.contents.encoded_len() } else { 0 }
    }

    /// Takes the last write back if it made too much of what took so many bytes before.
    #[inline(never)]
    fn take_back_unless_fits(&mut self, room: usize, before: usize) -> Result<(), Error> {
        let after = self.contents.encoded_len();
        if after > room && after > before {
            self.contents.undo_last()?;
            return Err(too_large(room));
        }
        Ok(())
    }

    /// Whether a write could still be kept.
    #[inline]
    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        let is_plain = matches!(self.standing, Standing::New | Standing::Live) && !self.read_only;
        if is_plain && !self.commits.refuses_writes() { Ok(()) } else { self.why_not_writable() }
    }

    #[cold]
    fn why_not_writable(&self) -> Result<(), Error> {
        if self.commits.under_way > 0 && !self.commits.is_closed {
            return Err(Error::new(
                ErrorKind::Misuse,
                "a commit is under way in another task: await it before changing the session",
            ));
        }
        self.check_endable()
    }

    /// Whether the session could still be ended.
    pub(crate) fn check_endable(&self) -> Result<(), Error> {
        if self.commits.is_closed {
            return Err(closed());
        }
        if self.read_only {
            return Err(Error::new(
                ErrorKind::ReadOnly,
                "this application can only verify sessions: give it a key that signs",
            ));
        }
        match self.standing {
            Standing::New | Standing::Live => Ok(()),
            Standing::Mute => Err(superseded()),
            Standing::Outage => {
                Err(Error::new(ErrorKind::Outage, "the session store is unavailable: nothing can be written"))
            }
        }
    }
}

/// The error of a writer whose value does not fit.
pub(crate) fn too_large(room: usize) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!("the session would outgrow its {room} bytes: keep less in it, or place it in a store"),
    )
}
