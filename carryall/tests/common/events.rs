//! An observer that remembers.

use std::sync::{Arc, Mutex};

use carryall::event::{Event, Observer};
use tokio::sync::Notify;

/// What was told since the last look.
#[derive(Clone, Debug, Default)]
pub struct Events {
    told: Arc<Mutex<Vec<Event>>>,
    changed: Arc<Notify>,
}

impl Observer for Events {
    fn on_event(&self, event: &Event) {
        self.told.lock().unwrap().push(event.clone());
        self.changed.notify_waiters();
    }
}

impl Events {
    /// The events since the last call.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    /// Waits until an event of this sort is among those not taken.
    pub async fn wait_for(&self, matches: impl Fn(&Event) -> bool) {
        loop {
            let changed = self.changed.notified();
            if self.told.lock().unwrap().iter().any(&matches) {
                return;
            }
            changed.await;
        }
    }
}
