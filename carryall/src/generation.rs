//! The generations of one session: which identity changes happened, and which cookies are still good.
//!
//! Pure decisions, shared by records in a store and by the revocation set. At most two generations are live at a
//! time, and a window starts when the successor is first *seen*: timed from minting, a lost response would log
//! the user out.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::event::Refusal;

/// How long the cookie from before an identity change is treated how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    /// How long the predecessor is still accepted after its successor was first seen, on `regenerate`.
    pub(crate) grace: Duration,
    /// How long a refused predecessor gets no cookie at all, so that it cannot overwrite its successor.
    pub(crate) mute: Duration,
}

impl Default for Windows {
    /// Grace 30 s, mute 60 s.
    fn default() -> Self {
        Self { grace: Duration::from_secs(30), mute: Duration::from_mins(1) }
    }
}

/// The state of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Generations {
    /// The current generation.
    pub(crate) current: u64,
    /// When the current generation was made; zero for the first.
    pub(crate) changed: Timestamp,
    /// When the current generation was first seen.
    pub(crate) confirmed: Option<Timestamp>,
    /// Whether the predecessor was closed at once (login, elevate), without grace.
    pub(crate) closed: bool,
    /// When the session was ended.
    pub(crate) dead: Option<Timestamp>,
}

/// What a presented generation is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The current one. `first_sight` asks to note that it arrived.
    Current {
        /// Nobody has presented it before.
        first_sight: bool,
    },
    /// The one before, inside its window. `late` says that the window is half over.
    Predecessor {
        /// The window is half over: bring the client to the current one.
        late: bool,
    },
    /// Newer than anything known here.
    Ahead,
    /// Not good any more. While `mute`, the answer must carry no session cookie of any kind.
    Refused {
        /// Why.
        reason: Refusal,
        /// Requests from before the change may still be under way.
        mute: bool,
    },
}

impl Generations {
    /// A family as a client presents it, with no identity change known: settled, without an open window.
    pub(crate) fn at(current: u64) -> Self {
        Self { current, confirmed: Some(Timestamp::default()), ..Self::default() }
    }

    /// What a cookie of this generation is worth now.
    pub(crate) fn judge(&self, presented: u64, now: Timestamp, windows: Windows) -> Verdict {
        if let Some(dead) = self.dead {
            return Verdict::Refused { reason: Refusal::Revoked, mute: now < dead.plus(windows.mute) };
        }
        if presented > self.current {
            return Verdict::Ahead;
        }
        if presented == self.current {
            let unseen = self.confirmed.is_none() && self.current > 0 && !self.closed;
            return Verdict::Current { first_sight: unseen };
        }
        if presented + 1 == self.current && self.has_live_predecessor(now, windows) {
            let late = self.confirmed.is_some_and(|seen| now >= seen.plus(windows.grace / 2));
            return Verdict::Predecessor { late };
        }
        let reason = if self.closed { Refusal::Superseded } else { Refusal::Reuse };
        Verdict::Refused { reason, mute: now < self.mute_ends(windows) }
    }

    /// Whether the generation before the current one is still accepted.
    fn has_live_predecessor(&self, now: Timestamp, windows: Windows) -> bool {
        self.current > 0 && !self.closed && self.confirmed.is_none_or(|seen| now < seen.plus(windows.grace))
    }

    fn mute_ends(&self, windows: Windows) -> Timestamp {
        let window_ends =
            self.confirmed.filter(|_| !self.closed).map_or(self.changed, |seen| seen.plus(windows.grace));
        window_ends.max(self.changed).plus(windows.mute)
    }

    /// A new generation with grace for its predecessor. Nothing changes when `from` is not the current one or a
    /// window is still open: the current generation is emitted then. Answers whether it changed.
    pub(crate) fn rotate(&mut self, from: u64, now: Timestamp, windows: Windows) -> bool {
        if from != self.current || self.has_live_predecessor(now, windows) {
            return false;
        }
        *self = Self {
            current: from.saturating_add(1),
            changed: now,
            confirmed: None,
            closed: false,
            dead: None,
        };
        true
    }

    /// A new generation that closes everything older at once: login and elevate.
    pub(crate) fn supersede(&mut self, now: Timestamp) {
        *self = Self {
            current: self.current.saturating_add(1),
            changed: now,
            confirmed: None,
            closed: true,
            dead: None,
        };
    }

    /// Notes that the current generation has arrived.
    pub(crate) fn confirm(&mut self, now: Timestamp) {
        self.confirmed.get_or_insert(now);
    }

    /// Ends the session.
    pub(crate) fn end(&mut self, now: Timestamp) {
        self.dead.get_or_insert(now);
    }

    /// Raises the current generation to one that a client proves to hold.
    pub(crate) fn raise(&mut self, to: u64, now: Timestamp) {
        if to > self.current {
            *self = Self { current: to, changed: now, confirmed: Some(now), closed: false, dead: self.dead };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: fn(u64) -> Timestamp = Timestamp::from_secs;
    const W: Windows = Windows { grace: Duration::from_secs(30), mute: Duration::from_mins(1) };

    #[test]
    fn a_lost_response_does_not_log_the_user_out() {
        let mut g = Generations::at(4);
        assert!(g.rotate(4, T(100), W));
        // The successor never arrived, so the predecessor stays good however late it comes.
        assert_eq!(g.judge(4, T(5000), W), Verdict::Predecessor { late: false });
        assert_eq!(g.judge(5, T(5000), W), Verdict::Current { first_sight: true });
        g.confirm(T(5000));
        assert_eq!(g.judge(5, T(5001), W), Verdict::Current { first_sight: false });
        assert_eq!(g.judge(4, T(5014), W), Verdict::Predecessor { late: false });
        assert_eq!(g.judge(4, T(5015), W), Verdict::Predecessor { late: true });
        assert_eq!(g.judge(4, T(5030), W), Verdict::Refused { reason: Refusal::Reuse, mute: true });
        assert_eq!(g.judge(4, T(5090), W), Verdict::Refused { reason: Refusal::Reuse, mute: false });
    }

    #[test]
    fn never_more_than_two_generations_are_live() {
        let mut g = Generations::at(0);
        assert!(g.rotate(0, T(1), W));
        assert!(!g.rotate(1, T(2), W), "the window of generation 0 is open");
        assert!(!g.rotate(0, T(2), W), "a predecessor joins the change that was made");
        g.confirm(T(3));
        assert!(!g.rotate(1, T(32), W));
        assert!(g.rotate(1, T(33), W));
        assert_eq!(g.judge(0, T(34), W), Verdict::Refused { reason: Refusal::Reuse, mute: true });
    }

    #[test]
    fn login_closes_the_window_of_its_predecessor_at_once() {
        let mut g = Generations::at(7);
        g.supersede(T(10));
        assert_eq!(g.judge(7, T(10), W), Verdict::Refused { reason: Refusal::Superseded, mute: true });
        assert_eq!(g.judge(7, T(70), W), Verdict::Refused { reason: Refusal::Superseded, mute: false });
        assert_eq!(g.judge(8, T(10), W), Verdict::Current { first_sight: false });
        assert_eq!(g.judge(9, T(10), W), Verdict::Ahead);
    }

    #[test]
    fn whoever_can_sign_any_generation_brings_nothing_to_overflow() {
        let mut g = Generations::at(0);
        g.raise(u64::MAX, T(1));
        assert!(g.rotate(u64::MAX, T(1000), W));
        g.supersede(T(2000));
        assert_eq!(g.current, u64::MAX);
    }

    #[test]
    fn the_dead_stay_dead() {
        let mut g = Generations::at(3);
        g.end(T(10));
        for presented in [2, 3, 4] {
            assert_eq!(
                g.judge(presented, T(11), W),
                Verdict::Refused { reason: Refusal::Revoked, mute: true }
            );
        }
        g.end(T(500));
        assert_eq!(g.judge(3, T(80), W), Verdict::Refused { reason: Refusal::Revoked, mute: false });
    }
}
