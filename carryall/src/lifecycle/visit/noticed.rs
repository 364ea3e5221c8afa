//! What is noticed of a request's client: what its session would remember, and whether it is the one it remembers.

use super::super::house;
use super::Visit;
use crate::clock::Timestamp;
use crate::envelope::{Envelope, Origin};
use crate::error::Error;
use crate::event::{Event, Refusal};
use crate::policy::{OnMismatch, RequestHead, is_ahead, is_page};

/// What a session that begins now remembers of its client.
#[derive(Debug)]
pub(super) struct Noticed {
    origin: Option<Box<Origin>>,
    fingerprint: Option<[u8; 8]>,
}

impl Noticed {
    /// The facts of a session that begins now, as far as their size goes.
    pub(super) fn placeholder(&self) -> Envelope {
        let mut envelope = house::placeholder();
        envelope.origin.clone_from(&self.origin);
        envelope.fingerprint = self.fingerprint;
        envelope
    }
}

/// What was seen of the request's head. Nothing of the request is borrowed while the store is asked, because requests
/// with a body cannot be shared between threads.
#[derive(Debug, Default)]
pub(crate) struct Glance {
    /// Nobody may see the response.
    pub(crate) is_ahead: bool,
    /// It shows a page.
    pub(crate) ages_flash: bool,
    /// What sessions that begin now would remember of the client, under each key.
    marks: Vec<[u8; 8]>,
}

impl Visit {
    /// Looks at the request while it is at hand.
    pub(crate) fn glance(&self, head: &impl RequestHead) -> Glance {
        let house = &self.house;
        let marks = house.fingerprint.as_ref().map_or_else(Vec::new, |(policy, macs)| {
            // The session may have begun under any key of the ring.
            macs.iter()
                .filter_map(|(_, mac)| policy.of(head, &house.client, &|parts| mac.tag16(parts)))
                .collect()
        });
        let is_ahead = is_ahead(head);
        Glance { is_ahead, ages_flash: !is_ahead && is_page(head), marks }
    }

    pub(super) fn notice(&self, head: &impl RequestHead) {
        let house = &self.house;
        let origin = house.client.origin(head);
        let fingerprint = house
            .fingerprint
            .as_ref()
            .and_then(|(policy, macs)| policy.of(head, &house.client, &|parts| macs.active().1.tag16(parts)));
        if origin.is_some() || fingerprint.is_some() {
            self.noticed.get_or_init(|| Box::new(Noticed { origin, fingerprint }));
        }
    }

    /// The facts of a session that begins now, with what was noticed of its client.
    pub(crate) fn begin_noticed(&self, now: Timestamp) -> Result<Envelope, Error> {
        let mut envelope = self.house.begin(now)?;
        self.note_client(&mut envelope);
        Ok(envelope)
    }

    /// The same for whoever has a place for it.
    pub(crate) fn begin_noticed_in<'a>(
        &self,
        place: &'a mut Option<Envelope>,
        now: Timestamp,
    ) -> Result<&'a mut Envelope, Error> {
        let family = self.house.family()?;
        let envelope = place.insert(Envelope::begin(family, now));
        self.note_client(envelope);
        Ok(envelope)
    }

    fn note_client(&self, envelope: &mut Envelope) {
        if let Some(noticed) = self.noticed.get() {
            envelope.origin.clone_from(&noticed.origin);
            envelope.fingerprint = noticed.fingerprint;
        }
    }

    /// Whether the client may use a session that remembers this of its client; reports it if not.
    pub(crate) fn is_same_client(&self, envelope: &Envelope, glance: &Glance) -> bool {
        let house = &self.house;
        let (Some((policy, _)), Some(known)) = (&house.fingerprint, envelope.fingerprint) else {
            return true;
        };
        let is_same = glance.marks.contains(&known);
        if !is_same && policy.on_mismatch == OnMismatch::Report {
            let handle = Some(house.handle(&envelope.family));
            house.tell(|| Event::Refused { reason: Refusal::FingerprintMismatch, handle });
        }
        is_same || policy.on_mismatch == OnMismatch::Report
    }
}
