//! What an identity change makes of the facts it finds: pure, run again on every fresh copy of the record.

use std::borrow::Cow;

use super::house::House;
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::generation::{Generations, Verdict, Windows};
use crate::lease::Claim;
use crate::session::state::{Intent, State};

/// What the request asks of the session's facts.
#[derive(Clone, Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) intent: Intent,
    /// The facts as the handler left them.
    pub(crate) envelope: Cow<'a, Envelope>,
    /// The generation that its cookie names.
    pub(crate) presented: u64,
    /// "Remember me" was changed.
    pub(crate) persistence: bool,
    /// The current generation was seen for the first time.
    pub(crate) confirm: bool,
}

/// The facts that a wish is applied to: as loaded, or fresh after a lost race.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) envelope: Envelope,
    pub(crate) generations: Generations,
    /// Who has the session locked.
    pub(crate) claim: Option<Claim>,
}

/// What comes of a wish.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// The facts are as they are to be written.
    Go,
    /// The session was changed or ended meanwhile: this login begins a family of its own. Values of a session that
    /// was ended, or is somebody else's by now, do not go along.
    FreshFamily { keeps_values: bool },
    /// The session is not this request's any more.
    Superseded,
}

impl<'a> Wish<'a> {
    /// What a handler asks for; `None` for a session that does not exist yet.
    pub(crate) fn of(state: &'a State) -> Option<Self> {
        Some(Self {
            intent: state.intent,
            envelope: Cow::Borrowed(state.envelope.as_ref()?),
            presented: state.presented.map_or(state.generations.current, |presented| presented.generation),
            persistence: state.envelope_changed,
            confirm: state.confirm,
        })
    }

    /// The same for whoever does not hold the state.
    pub(crate) fn into_owned(self) -> Wish<'static> {
        Wish { envelope: Cow::Owned(self.envelope.into_owned()), ..self }
    }

    /// Applies the wish to the facts it finds, of which it is known whether they are revoked.
    pub(crate) fn apply(&self, house: &House, facts: &mut Facts, now: Timestamp, is_revoked: bool) -> Change {
        let verdict = facts.generations.judge(self.presented, now, house.windows);
        if let Verdict::Refused { .. } = verdict {
            return self.refused(facts, now);
        }
        if is_revoked {
            return self.lost(facts);
        }
        facts.generations.raise(self.presented, now);
        if self.persistence {
            facts.envelope.persist_for = self.envelope.persist_for;
        }
        if self.confirm {
            facts.generations.confirm(now);
        }
        if !self.change_identity(house, facts, now) {
            return self.lost(facts);
        }
        facts.envelope.generation = facts.generations.current;
        facts.envelope.issued = now;
        Change::Go
    }

    /// A racing login of the same subject that finds the change just made joins it; any other login begins anew.
    ///
    /// An elevation is not joined: its level was proved by somebody else, perhaps.
    fn refused(&self, facts: &mut Facts, now: Timestamp) -> Change {
        let level = |envelope: &Envelope| envelope.login.as_ref().map_or(0, |login| login.level);
        let raised = level(&facts.envelope) > level(&self.envelope);
        let same_subject = facts.envelope.login.as_ref().map(|login| &login.subject)
            == self.envelope.login.as_ref().map(|login| &login.subject);
        let just_made = facts.generations.closed && facts.generations.current == self.presented + 1;
        // The store made the change at an earlier try, and did not say so.
        let is_made = facts.envelope.generation == facts.generations.current
            && self.intent >= Intent::Elevate
            && facts.envelope.login == self.envelope.login;
        let joins = is_made || self.intent == Intent::Login && same_subject && !raised;
        if !joins || !just_made || facts.generations.dead.is_some() {
            return self.lost(facts);
        }
        // Carried by the client, the facts are those of before the change.
        facts.envelope.login.clone_from(&self.envelope.login);
        facts.envelope.logins = self.envelope.logins;
        facts.envelope.generation = facts.generations.current;
        facts.envelope.issued = now;
        Change::Go
    }

    fn lost(&self, found: &Facts) -> Change {
        if self.intent != Intent::Login {
            return Change::Superseded;
        }
        let subject = |envelope: &Envelope| envelope.login.as_ref().map(|login| login.subject.clone());
        let theirs = subject(&found.envelope);
        let is_ours = theirs.is_none() || theirs == subject(&self.envelope);
        Change::FreshFamily { keeps_values: is_ours && found.generations.dead.is_none() }
    }

    /// Answers whether the change fits the facts.
    fn change_identity(&self, house: &House, facts: &mut Facts, now: Timestamp) -> bool {
        match (self.intent, &self.envelope.login) {
            (Intent::Keep, _) => true,
            (Intent::Regenerate, _) => {
                facts.generations.rotate(self.presented, now, house.windows);
                true
            }
            (Intent::Elevate | Intent::Login, Some(login)) => {
                let present = facts.envelope.login.as_ref().map(|login| &login.subject);
                let fits = match self.intent {
                    Intent::Elevate => present == Some(&login.subject),
                    _ => present.is_none_or(|subject| *subject == login.subject),
                };
                if fits {
                    facts.envelope.login = Some(login.clone());
                    // A handler that signed in and elevated has made tokens for the count that it saw.
                    facts.envelope.logins = facts.envelope.logins.wrapping_add(1).max(self.envelope.logins);
                    facts.generations.supersede(now);
                }
                fits
            }
            (Intent::Elevate | Intent::Login, None) => false,
        }
    }
}

/// Whether a request with this generation may still write, at the moment of writing.
pub(crate) fn may_write(
    known: Option<Generations>,
    presented: u64,
    now: Timestamp,
    windows: Windows,
) -> bool {
    !known.is_some_and(|known| matches!(known.judge(presented, now, windows), Verdict::Refused { .. }))
}
