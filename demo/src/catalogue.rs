//! What the shop sells.

use maud::{Markup, PreEscaped, html};

/// One thing on the shelf.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// In cents.
    pub(crate) price: u64,
    /// Strokes on a grid of 48 by 48.
    drawing: &'static str,
}

/// Everything on the shelf.
pub(crate) const PRODUCTS: [Product; 6] = [
    Product {
        id: "tote",
        name: "Canvas tote",
        about: "Holds a week of bread.",
        price: 1800,
        drawing: r#"<path d="M10 18h28l-2.5 23h-23z"/><path d="M17 24v-9a7 7 0 0 1 14 0v9"/><path d="M11 33h26"/>"#,
    },
    Product {
        id: "daypack",
        name: "Day pack",
        about: "Twelve litres, two straps.",
        price: 6400,
        drawing: r#"<path d="M13 20a11 11 0 0 1 22 0v18a3 3 0 0 1-3 3H16a3 3 0 0 1-3-3z"/><path d="M18 41V31a2 2 0 0 1 2-2h8a2 2 0 0 1 2 2v10"/><path d="M20 9a4 4 0 0 1 8 0"/><path d="M19 20h10"/><path d="M13 26H9v9h4M35 26h4v9h-4"/>"#,
    },
    Product {
        id: "bottle",
        name: "Steel bottle",
        about: "Cold for a day.",
        price: 2400,
        drawing: r#"<path d="M20 6h8v5h-8z"/><path d="M20 11c0 4-4 5-4 10v18a3 3 0 0 0 3 3h10a3 3 0 0 0 3-3V21c0-5-4-6-4-10"/><path d="M16 25h16M16 33h16"/>"#,
    },
    Product {
        id: "notebook",
        name: "Field notebook",
        about: "Writes in the rain.",
        price: 950,
        drawing: r#"<path d="M13 7h20a3 3 0 0 1 3 3v28a3 3 0 0 1-3 3H13z"/><path d="M18 7v34"/><path d="M23 16h8M23 22h8"/><path d="M10 14h5M10 21h5M10 28h5M10 35h5"/>"#,
    },
    Product {
        id: "umbrella",
        name: "Storm umbrella",
        about: "Turns inside out, and back.",
        price: 3200,
        drawing: r#"<path d="M6 25a18 18 0 0 1 36 0c-3-3-6-3-9 0-3-3-6-3-9 0-3-3-6-3-9 0-3-3-6-3-9 0z"/><path d="M24 7V4M24 24v14a4 4 0 0 1-8 0"/>"#,
    },
    Product {
        id: "lantern",
        name: "Pocket lantern",
        about: "Forty hours of evening.",
        price: 2800,
        drawing: r#"<path d="M17 17h14l3 20H14z"/><path d="M19 17v-4h10v4M13 37h22v4H13z"/><path d="M19 13a5 5 0 0 1 10 0"/><path d="M24 22c3 3 3 7 0 9-3-2-3-6 0-9z"/>"#,
    },
];

/// The product of this id.
pub(crate) fn product(id: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.id == id)
}

impl Product {
    /// Its drawing, which says nothing that the name beside it does not.
    pub(crate) fn drawing(&self) -> Markup {
        html! { svg class="drawing" viewBox="0 0 48 48" aria-hidden="true" { (PreEscaped(self.drawing)) } }
    }
}

/// An amount as people write it.
pub(crate) fn euros(cents: u64) -> String {
    format!("€ {}.{:02}", cents / 100, cents % 100)
}
