//! The cart and the shelf.

use axum::response::Redirect;
use carryall::Segment;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Fields;
use super::notice::Notice;
use super::page::Page;
use super::problem::Problem;
use crate::cart::Cart;
use crate::catalogue::{PRODUCTS, Product, euros, product};

#[derive(Debug, Deserialize)]
pub(super) struct Add {
    id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Put {
    id: String,
    quantity: u32,
}

pub(super) async fn show(page: Page) -> Markup {
    page.render(
        "Cart",
        &html! {
            h1 { "Cart" }
            div.shop {
                section aria-label="In the cart" { (contents(&page.cart)) }
                section aria-labelledby="shelf" {
                    h2 #shelf { "On the shelf" }
                    ul.shelf {
                        @for product in &PRODUCTS { (offer(product)) }
                    }
                }
            }
        },
    )
}

pub(super) async fn add(cart: Segment<Cart>, Fields(form): Fields<Add>) -> Result<Redirect, Problem> {
    let product = find(&form.id)?;
    cart.update(|cart| cart.add(product))?;
    Notice::leave(cart.session(), format!("{} is in your cart.", product.name))?;
    Ok(Redirect::to("/cart"))
}

/// Says how many there are to be, not how many more, so sending it twice changes nothing.
pub(super) async fn put(cart: Segment<Cart>, Fields(form): Fields<Put>) -> Result<Redirect, Problem> {
    let product = find(&form.id)?;
    cart.update(move |cart| cart.put(product, form.quantity))?;
    if form.quantity == 0 {
        Notice::leave(cart.session(), format!("{} is back on the shelf.", product.name))?;
    }
    Ok(Redirect::to("/cart"))
}

pub(super) async fn empty(cart: Segment<Cart>) -> Result<Redirect, Problem> {
    if cart.remove()? {
        Notice::leave(cart.session(), "Your cart is empty.")?;
    }
    Ok(Redirect::to("/cart"))
}

fn find(id: &str) -> Result<&'static Product, Problem> {
    product(id).ok_or_else(|| Problem::form(axum::http::StatusCode::UNPROCESSABLE_ENTITY))
}

fn contents(cart: &Cart) -> Markup {
    html! {
        @if cart.count() == 0 {
            div.panel.blank {
                p { b { "Nothing in it yet." } }
                p { "Take something from the shelf. It stays with you through signing in, and ends with the session." }
            }
        } @else {
            div.panel {
                table.cart {
                    thead.sr { tr { th { "Thing" } th { "Quantity" } th { "Price" } } }
                    tbody { @for (product, quantity) in cart.lines() { (line(product, quantity)) } }
                    tfoot { tr {
                        th scope="row" { "Total" }
                        td {}
                        td.number id="total" { (euros(cart.total())) }
                    } }
                }
                form.end method="post" action="/cart/empty" { button.quiet { "Empty the cart" } }
            }
        }
    }
}

fn line(product: &Product, quantity: u32) -> Markup {
    html! {
        tr {
            th scope="row" { span.thing { (product.drawing()) (product.name) } }
            td {
                form.steps method="post" action="/cart/put" {
                    input type="hidden" name="id" value=(product.id);
                    button.step name="quantity" value=(quantity.saturating_sub(1)) aria-label={ "One less: " (product.name) } { "−" }
                    span.count { (quantity) }
                    button.step name="quantity" value=(quantity.saturating_add(1)) aria-label={ "One more: " (product.name) } { "+" }
                }
            }
            td.number { (euros(product.price * u64::from(quantity))) }
        }
    }
}

fn offer(product: &Product) -> Markup {
    html! {
        li.offer {
            (product.drawing())
            div {
                h3 { (product.name) }
                p { (product.about) }
            }
            form method="post" action="/cart/add" {
                input type="hidden" name="id" value=(product.id);
                span.price { (euros(product.price)) }
                button.small aria-label={ "Add to cart: " (product.name) } { "Add" }
            }
        }
    }
}
