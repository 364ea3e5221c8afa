//! What a commit has to do: a pure decision over what the handler did and where the session comes from.

use crate::session::state::{Intent, Standing};

/// What a request did to its session, as far as the commit cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is one column of the decision table")]
pub(crate) struct Deeds {
    pub(crate) standing: Standing,
    pub(crate) intent: Intent,
    /// Something must be written.
    pub(crate) changed: bool,
    /// Nothing is left that is worth a cookie.
    pub(crate) empty: bool,
    /// "Last seen" is old enough to be written anew.
    pub(crate) refresh_due: bool,
    /// The cookie was made under a key that is not the active one.
    pub(crate) stale_key: bool,
    /// The current generation was seen for the first time.
    pub(crate) confirm: bool,
    /// The client still holds the predecessor although its window is half over.
    pub(crate) late: bool,
    /// The lease of the session is to be taken or let go of.
    pub(crate) leases: bool,
    /// A commit of the handler decided about the cookie, and other requests may have been faster since.
    pub(crate) pledged: bool,
}

/// What a commit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Nothing at all.
    Nothing,
    /// Tell the writer that the session is not his any more; no cookie.
    Supersede,
    /// Begin a session.
    Create,
    /// Write a session that exists; `identity` when its generation changes too.
    Write { identity: bool },
    /// Note that it was seen.
    Refresh,
    /// Look whether the cookie is still the newest.
    Verify,
    /// End it, because nothing is left in it.
    Remove,
}

/// Decides what to do. Total: each combination has exactly one row.
pub(crate) fn plan(deeds: Deeds) -> Plan {
    match deeds.standing {
        Standing::Mute if deeds.changed => Plan::Supersede,
        Standing::New if deeds.changed && !deeds.empty => Plan::Create,
        Standing::Live if deeds.changed && deeds.empty => Plan::Remove,
        Standing::Live if deeds.intent != Intent::Keep => Plan::Write { identity: true },
        Standing::Live if deeds.changed || deeds.confirm || deeds.leases => Plan::Write { identity: false },
        Standing::Live if deeds.refresh_due || deeds.stale_key || deeds.late => Plan::Refresh,
        Standing::Live if deeds.pledged => Plan::Verify,
        Standing::New | Standing::Live | Standing::Mute | Standing::Outage => Plan::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDINGS: [Standing; 4] = [Standing::New, Standing::Live, Standing::Mute, Standing::Outage];
    const INTENTS: [Intent; 4] = [Intent::Keep, Intent::Regenerate, Intent::Elevate, Intent::Login];

    fn every_deed() -> impl Iterator<Item = Deeds> {
        STANDINGS.into_iter().flat_map(|standing| {
            INTENTS.into_iter().flat_map(move |intent| {
                (0..=255u8).map(move |bits| {
                    let bit = |n: u8| bits >> n & 1 == 1;
                    Deeds {
                        standing,
                        intent,
                        changed: bit(0) || intent != Intent::Keep,
                        empty: bit(1),
                        refresh_due: bit(2),
                        stale_key: bit(3),
                        confirm: bit(4),
                        late: bit(5),
                        pledged: bit(6),
                        leases: bit(7),
                    }
                })
            })
        })
    }

    #[test]
    fn a_session_that_is_not_good_any_more_is_never_written() {
        for deeds in every_deed().filter(|deeds| matches!(deeds.standing, Standing::Mute | Standing::Outage))
        {
            assert!(matches!(plan(deeds), Plan::Nothing | Plan::Supersede), "{deeds:?}");
        }
    }

    #[test]
    fn an_unchanged_session_is_never_created_and_never_ended() {
        for deeds in every_deed().filter(|deeds| !deeds.changed) {
            assert!(!matches!(plan(deeds), Plan::Create | Plan::Remove | Plan::Supersede), "{deeds:?}");
        }
    }

    #[test]
    fn nothing_to_note_means_nothing_to_do() {
        for deeds in every_deed() {
            let noted = deeds.refresh_due
                || deeds.stale_key
                || deeds.confirm
                || deeds.late
                || deeds.pledged
                || deeds.leases;
            if !deeds.changed && !noted {
                assert_eq!(plan(deeds), Plan::Nothing, "{deeds:?}");
            }
        }
    }

    #[test]
    fn a_change_of_a_live_session_is_written_or_ends_it() {
        for deeds in every_deed().filter(|deeds| deeds.standing == Standing::Live && deeds.changed) {
            let expected = if deeds.empty {
                Plan::Remove
            } else {
                Plan::Write { identity: deeds.intent != Intent::Keep }
            };
            assert_eq!(plan(deeds), expected, "{deeds:?}");
        }
    }
}
