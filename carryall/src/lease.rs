//! Who has the lease of a session: pure decisions over what its record says.
//!
//! The claim lives in the record and is written in the same compare-and-swap as everything else, so any store has
//! leases, and a holder that was overtaken finds that out when it commits.

use std::time::Duration;

use crate::clock::Timestamp;

/// A lease as a record says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The version that the record got when the lease was taken: no two are the same, and later ones are higher.
    pub(crate) fence: u64,
    /// From this instant on others may take it.
    pub(crate) until: Timestamp,
}

/// What a request wants of the lease with its next commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Want {
    /// Nothing.
    #[default]
    Nothing,
    /// To have it for this long.
    Take(Duration),
    /// To let it go.
    LetGo,
}

/// One request and the lease of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Leasing {
    /// The claim that the record has, whosever it is.
    pub(crate) found: Option<Claim>,
    /// The fence of this request's own claim.
    pub(crate) held: Option<u64>,
    pub(crate) want: Want,
    /// A claim that a store was asked to write and has not answered.
    pub(crate) tried: Option<Claim>,
}

/// What comes of a want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// The claim to be written.
    Go(Option<Claim>),
    /// Somebody else has it.
    Taken,
}

impl Leasing {
    /// Whether a commit has to be made for the lease's sake.
    pub(crate) fn wants_commit(&self, is_last: bool) -> bool {
        match self.want {
            Want::Take(_) => !is_last,
            Want::LetGo => self.held.is_some(),
            Want::Nothing => is_last && self.held.is_some(),
        }
    }

    /// Whether the record, which has this claim, has been somebody else's since this request took it.
    pub(crate) fn is_lost(&self, found: Option<Claim>) -> bool {
        self.held.is_some() && self.held != found.map(|claim| claim.fence)
    }

    /// What to write into a record that has the claim `found`, and gets the version `next`.
    pub(crate) fn rule(&self, found: Option<Claim>, next: u64, is_last: bool, now: Timestamp) -> Ruling {
        let lets_go = self.want == Want::LetGo || is_last;
        match (self.want, found) {
            _ if lets_go && self.held.is_some() => Ruling::Go(None),
            (Want::Take(hold), found) if !is_last => match found {
                Some(claim) if self.held != Some(claim.fence) && now < claim.until => Ruling::Taken,
                _ => Ruling::Go(Some(Claim { fence: self.held.unwrap_or(next), until: now.plus(hold) })),
            },
            _ => Ruling::Go(found),
        }
    }

    /// The same once the claim is written that came of `asked`: what was wanted when the commit began.
    pub(crate) fn settled(&self, asked: Want, claim: Option<Claim>, is_last: bool) -> Self {
        let held = match asked {
            _ if is_last => None,
            Want::Take(_) => claim.map(|claim| claim.fence),
            Want::LetGo => None,
            Want::Nothing => self.held,
        };
        // Another task may want something since.
        let want = if self.want == asked { Want::Nothing } else { self.want };
        Self { found: claim, held, want, tried: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000);
    const HOLD: Duration = Duration::from_secs(10);
    const TAKE: Want = Want::Take(HOLD);

    fn claim(fence: u64, until: u64) -> Claim {
        Claim { fence, until: Timestamp::from_secs(until) }
    }

    #[test]
    fn a_lease_is_taken_when_nobody_has_it_or_its_holder_has_had_his_time() {
        let leasing = Leasing { want: TAKE, ..Leasing::default() };
        let taken = Ruling::Go(Some(claim(7, 1_010)));
        assert_eq!(leasing.rule(None, 7, false, NOW), taken);
        assert_eq!(leasing.rule(Some(claim(3, 1_000)), 7, false, NOW), taken);
        assert_eq!(leasing.rule(Some(claim(3, 1_001)), 7, false, NOW), Ruling::Taken);
        assert_eq!(leasing.settled(TAKE, Some(claim(7, 1_010)), false).held, Some(7));
    }

    #[test]
    fn whoever_has_it_may_have_it_longer_under_the_same_fence() {
        let leasing = Leasing { held: Some(3), want: TAKE, ..Leasing::default() };
        assert_eq!(leasing.rule(Some(claim(3, 1_001)), 7, false, NOW), Ruling::Go(Some(claim(3, 1_010))));
    }

    #[test]
    fn the_last_commit_lets_go_of_ones_own_lease_and_takes_none() {
        let held = Leasing { held: Some(3), ..Leasing::default() };
        assert!(held.wants_commit(true) && !held.wants_commit(false));
        assert_eq!(held.rule(Some(claim(3, 1_001)), 7, true, NOW), Ruling::Go(None));
        assert_eq!(held.settled(Want::Nothing, None, true), Leasing::default());
        let wanting = Leasing { want: TAKE, ..Leasing::default() };
        assert!(wanting.wants_commit(false) && !wanting.wants_commit(true));
        assert_eq!(wanting.rule(None, 7, true, NOW), Ruling::Go(None));
    }

    #[test]
    fn a_plain_request_leaves_the_lease_of_another_as_it_is() {
        for until in [900, 1_100] {
            let found = Some(claim(3, until));
            assert_eq!(Leasing::default().rule(found, 7, true, NOW), Ruling::Go(found));
            assert!(!Leasing::default().is_lost(found));
        }
    }

    #[test]
    fn a_lease_that_another_has_taken_since_is_lost_and_one_that_ran_out_is_not() {
        let held = Leasing { held: Some(3), ..Leasing::default() };
        assert!(!held.is_lost(Some(claim(3, 900))));
        assert!(held.is_lost(Some(claim(4, 1_100))));
        assert!(held.is_lost(None));
    }
}
