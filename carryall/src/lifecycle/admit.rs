//! Who comes in: pure decisions about cookies whose tokens are already opened.

use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::event::Refusal;
use crate::generation::{Generations, Verdict, Windows};
use crate::lifetime::Lifetime;

/// What is known of an authentic session when it knocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Knock<'a> {
    pub(crate) envelope: &'a Envelope,
    /// The generation that the cookie names.
    pub(crate) presented: u64,
    pub(crate) generations: Generations,
    pub(crate) is_revoked: bool,
    pub(crate) is_same_client: bool,
}

/// How a session comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// As it is; `confirm` asks to note that its generation arrived.
    Current { confirm: bool },
    /// As the predecessor of the current generation, inside its window.
    Predecessor { late: bool },
    /// With a newer generation than the home knows.
    Ahead,
    /// Not at all.
    Refused { reason: Refusal, mute: bool },
}

/// Decides about one authentic session.
pub(crate) fn admit(knock: Knock<'_>, lifetime: Lifetime, windows: Windows, now: Timestamp) -> Admission {
    let envelope = knock.envelope;
    let refused = |reason| Admission::Refused { reason, mute: false };
    if lifetime.is_from_the_future(envelope.issued, now) || lifetime.is_from_the_future(envelope.created, now)
    {
        return refused(Refusal::FromTheFuture);
    }
    if lifetime.is_over(envelope.created, envelope.issued, now) {
        return refused(Refusal::Expired);
    }
    let verdict = knock.generations.judge(knock.presented, now, windows);
    if let Verdict::Refused { reason, mute } = verdict {
        return Admission::Refused { reason, mute };
    }
    if knock.is_revoked {
        return refused(Refusal::Revoked);
    }
    if !knock.is_same_client {
        return refused(Refusal::FingerprintMismatch);
    }
    match verdict {
        Verdict::Current { first_sight } => Admission::Current { confirm: first_sight },
        Verdict::Predecessor { late } => Admission::Predecessor { late },
        Verdict::Ahead => Admission::Ahead,
        Verdict::Refused { reason, mute } => Admission::Refused { reason, mute },
    }
}

/// One authentic candidate among several cookies of the session's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) family: crate::id::Family,
    pub(crate) generation: u64,
    pub(crate) issued: Timestamp,
}

/// Which of several authentic cookies counts: the newest of one family, none of several families.
///
/// A choice between families would let a tossed cookie of an attacker's own account win.
pub(crate) fn choose(candidates: &[Candidate]) -> Result<usize, Refusal> {
    let Some(first) = candidates.first() else { return Err(Refusal::Malformed) };
    if candidates.iter().any(|candidate| candidate.family != first.family) {
        return Err(Refusal::Ambiguous);
    }
    let newest = |(_, candidate): &(usize, &Candidate)| (candidate.generation, candidate.issued);
    Ok(candidates.iter().enumerate().max_by_key(newest).map_or(0, |(index, _)| index))
}
