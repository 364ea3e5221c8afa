//! One value between two formats.

use std::borrow::Cow;

/// A value as both formats understand it, borrowed from its bytes where that is possible.
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    /// Always below zero, so that every integer has one form.
    Negative(i64),
    /// Always finite.
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Array(Vec<Node<'a>>),
    Map(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl Node<'_> {
    /// Whether both mean the same; the order of maps does not count.
    pub(super) fn is_same(&self, other: &Node<'_>) -> bool {
        match (self, other) {
            (Node::Null, Node::Null) => true,
            (Node::Bool(a), Node::Bool(b)) => a == b,
            (Node::Unsigned(a), Node::Unsigned(b)) => a == b,
            (Node::Negative(a), Node::Negative(b)) => a == b,
            // By bits: a change from 0.0 to -0.0 is one that can be seen.
            (Node::Float(a), Node::Float(b)) => a.to_bits() == b.to_bits(),
            (Node::Text(a), Node::Text(b)) => a == b,
            (Node::Bytes(a), Node::Bytes(b)) => a == b,
            (Node::Array(a), Node::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
            }
            (Node::Map(a), Node::Map(b)) => {
                a.len() == b.len()
                    && by_key(a).iter().zip(by_key(b)).all(|(a, b)| a.0 == b.0 && a.1.is_same(&b.1))
            }
            _ => false,
        }
    }
}

/// Sorted rather than looked up, so that a key that occurs twice is compared twice.
fn by_key<'m, 'a>(map: &'m [(Cow<'a, str>, Node<'a>)]) -> Vec<&'m (Cow<'a, str>, Node<'a>)> {
    let mut sorted: Vec<_> = map.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    sorted
}
