//! The cart: a typed document in a segment of its own.

use carryall::SegmentData;
use serde::{Deserialize, Serialize};

use crate::catalogue::{Product, product};

/// What a visitor wants to buy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cart {
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    id: String,
    quantity: u32,
}

/// Nobody carries more.
const MOST: u32 = 99;

impl SegmentData for Cart {
    const NAME: &'static str = "cart";
}

impl Cart {
    /// One more of it.
    pub(crate) fn add(&mut self, product: &Product) {
        self.put(product, self.quantity(product).saturating_add(1));
    }

    /// So many of it; none takes it out.
    pub(crate) fn put(&mut self, product: &Product, quantity: u32) {
        let quantity = quantity.min(MOST);
        match self.lines.iter_mut().find(|line| line.id == product.id) {
            Some(line) => line.quantity = quantity,
            None => self.lines.push(Line { id: product.id.into(), quantity }),
        }
        self.lines.retain(|line| line.quantity > 0);
    }

    fn quantity(&self, product: &Product) -> u32 {
        self.lines.iter().find(|line| line.id == product.id).map_or(0, |line| line.quantity)
    }

    /// What is in it, as far as the shop still sells it.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&'static Product, u32)> {
        self.lines.iter().filter_map(|line| Some((product(&line.id)?, line.quantity)))
    }

    /// How many things are in it.
    pub(crate) fn count(&self) -> u32 {
        self.lines().map(|(_, quantity)| quantity).sum()
    }

    /// What they cost, in cents.
    pub(crate) fn total(&self) -> u64 {
        self.lines().map(|(product, quantity)| product.price * u64::from(quantity)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::PRODUCTS;

    #[test]
    fn a_cart_counts_and_sums_what_was_put_into_it() {
        let mut cart = Cart::default();
        cart.add(&PRODUCTS[0]);
        cart.add(&PRODUCTS[0]);
        cart.add(&PRODUCTS[1]);
        assert_eq!((cart.count(), cart.total()), (3, 2 * PRODUCTS[0].price + PRODUCTS[1].price));
        cart.put(&PRODUCTS[0], 0);
        assert_eq!(cart.count(), 1);
        cart.put(&PRODUCTS[1], u32::MAX);
        assert_eq!(cart.count(), MOST);
    }
}
