//! Which master of a cluster has which slots.

use crate::dial::Node;
use crate::link::Link;
use crate::slots::{SLOTS, Share};

/// A master and the way to it.
#[derive(Clone)]
pub(crate) struct Master {
    pub(crate) node: Node,
    pub(crate) link: Link,
}

/// Masters, and for each slot the place of its master among them.
#[derive(Default)]
pub(crate) struct Map {
    masters: Vec<Master>,
    owners: Vec<Option<usize>>,
}

impl Map {
    pub(crate) fn masters(&self) -> &[Master] {
        &self.masters
    }

    pub(crate) fn master(&self, slot: u16) -> Option<&Master> {
        let place = (*self.owners.get(usize::from(slot))?)?;
        self.masters.get(place)
    }

    /// The node with the link that there is to it, or with a new one.
    pub(crate) fn join(&mut self, node: &Node, link: impl FnOnce(&Node) -> Link) -> &Master {
        let known = self.masters.iter().position(|master| master.node == *node);
        let place = known.unwrap_or_else(|| {
            self.masters.push(Master { node: node.clone(), link: link(node) });
            self.masters.len() - 1
        });
        &self.masters[place]
    }

    /// Notes that a slot has gone to a node that has joined.
    pub(crate) fn assign(&mut self, slot: u16, node: &Node) {
        let place = self.masters.iter().position(|master| master.node == *node);
        if let Some(owner) = self.owners.get_mut(usize::from(slot)) {
            *owner = place;
        }
    }

    /// Takes over what a node says, keeping the links to those who stay. Answers whether a slot has changed hands.
    pub(crate) fn replace(&mut self, shares: Vec<Share>, mut link: impl FnMut(&Node) -> Link) -> bool {
        let mut next = Self { masters: Vec::new(), owners: vec![None; usize::from(SLOTS)] };
        for (slots, node) in shares {
            next.join(&node, |node| {
                let known = self.masters.iter().find(|master| master.node == *node);
                known.map_or_else(|| link(node), |master| master.link.clone())
            });
            for slot in slots {
                next.assign(slot, &node);
            }
        }
        let owner = |map: &Self, slot| map.master(slot).map(|master| master.node.clone());
        let is_new = (0..SLOTS).any(|slot| owner(self, slot) != owner(&next, slot));
        *self = next;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::dial::Dial;
    use crate::link::Target;
    use crate::options::RedisOptions;
    use crate::server::Setting;

    fn node(port: u16) -> Node {
        Node { host: "one".to_owned(), port }
    }

    fn link(node: &Node) -> Link {
        let dial = Dial::of(&format!("redis://{node}"), &RedisOptions::default()).expect("an address");
        Link::to(Target::Server(dial, Setting::Sharded), false, Duration::from_secs(1))
    }

    fn port(map: &Map, slot: u16) -> Option<u16> {
        map.master(slot).map(|master| master.node.port)
    }

    #[test]
    fn slots_belong_to_who_was_said_last() {
        let mut map = Map::default();
        assert_eq!(port(&map, 0), None);
        let halves = || vec![(0..=8191, node(1)), (8192..=16382, node(2))];
        assert!(map.replace(halves(), link));
        assert_eq!(
            [0, 8191, 8192, 16382, 16383].map(|slot| port(&map, slot)),
            [Some(1), Some(1), Some(2), Some(2), None]
        );
        assert!(!map.replace(halves(), |_| panic!("the links stay")));

        map.join(&node(3), link);
        map.assign(5, &node(3));
        assert_eq!([4, 5, 6].map(|slot| port(&map, slot)), [Some(1), Some(3), Some(1)]);
        assert!(map.replace(halves(), |_| panic!("the links stay")), "it was another one's");
        assert_eq!(map.masters().len(), 2, "who has nothing is forgotten");
    }

    #[test]
    fn a_node_with_many_slots_has_one_link() {
        let mut made = 0;
        let mut map = Map::default();
        let shares = vec![(0..=1, node(1)), (4..=5, node(1)), (2..=3, node(2))];
        map.replace(shares, |node| {
            made += 1;
            link(node)
        });
        assert_eq!((made, map.masters().len()), (2, 2));
    }
}
