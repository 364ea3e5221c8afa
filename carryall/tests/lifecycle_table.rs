//! Every state of a cookie times every deed of a handler times both homes: what the response carries, and what the
//! store is asked. No cell is empty.
//!
//! A cell reads `STATUS COOKIE OPERATIONS`. Status: blank for the handler's own, or `409`. Cookie: `.` none, `M` a new
//! token, `R` the removal. Operations in order: `L` load, `C` commit, `T` touch, `X` remove, `-` none. `!` is a panic
//! that goes through, `x` a handler that was cancelled.

mod common;

use common::house::{Cookies, Home, House};

const DEEDS: [&str; 10] =
    ["untouched", "read", "write", "clear", "regenerate", "login", "logout", "panic", "cancel", "fail"];

/// The states of the cookie, each with what comes of the deeds, in the order of `DEEDS`.
type Table = &'static [(&'static str, [&'static str; 10])];

const CARRIED: Table = &[
    ("none", [".-", ".-", "M-", ".-", ".-", "M-", ".-", "!-", "x-", "M-"]),
    ("valid", [".-", ".-", "M-", "R-", "M-", "M-", "R-", "!-", "x-", "M-"]),
    ("aged", [".-", "M-", "M-", "R-", "M-", "M-", "R-", "!-", "x-", "M-"]),
    ("older, in grace", [".-", ".-", "M-", "R-", "M-", "M-", "R-", "!-", "x-", "M-"]),
    ("older, late in grace", [".-", "M-", "M-", "R-", "M-", "M-", "R-", "!-", "x-", "M-"]),
    ("older, out of grace", [".-", ".-", "409.-", "409.-", "409.-", "M-", ".-", "!-", "x-", ".-"]),
    ("muted", [".-", ".-", "409.-", "409.-", "409.-", "M-", ".-", "!-", "x-", ".-"]),
    ("long after mute", [".-", ".-", "M-", ".-", ".-", "M-", ".-", "!-", "x-", "M-"]),
    ("ended", [".-", ".-", "409.-", "409.-", "409.-", "M-", ".-", "!-", "x-", ".-"]),
    ("expired", [".-", ".-", "M-", ".-", ".-", "M-", ".-", "!-", "x-", "M-"]),
    ("tampered", [".-", ".-", "M-", ".-", ".-", "M-", ".-", "!-", "x-", "M-"]),
    ("unknown", [".-", ".-", "M-", ".-", ".-", "M-", ".-", "!-", "x-", "M-"]),
    ("twice, same family", [".-", ".-", "M-", "R-", "M-", "M-", "R-", "!-", "x-", "M-"]),
    ("twice, other family", [".-", ".-", "M-", ".-", ".-", "M-", ".-", "!-", "x-", "M-"]),
];

const KEPT: Table = &[
    ("none", [".-", ".-", "MC", ".-", ".-", "MC", ".-", "!-", "x-", "MC"]),
    ("valid", [".-", ".L", ".LC", "RLCX", "MLC", "MLC", "RLX", "!L", "xL", ".LC"]),
    ("aged", [".-", ".LT", ".LC", "RLCX", "MLC", "MLC", "RLX", "!L", "xL", ".LC"]),
    ("older, in grace", [".-", "MLL", "MLC", "RLCX", "MLC", "MLC", "RLX", "!L", "xL", "MLC"]),
    ("older, late in grace", [".-", "MLL", "MLC", "RLCX", "MLC", "MLC", "RLX", "!L", "xL", "MLC"]),
    ("older, out of grace", [".-", ".L", "409.L", "409.L", "409.L", "MLC", ".L", "!L", "xL", ".L"]),
    ("muted", [".-", ".L", "409.L", "409.L", "409.L", "MLC", ".L", "!L", "xL", ".L"]),
    ("long after mute", [".-", ".L", "MLC", ".L", ".L", "MLC", ".L", "!L", "xL", "MLC"]),
    ("ended", [".-", ".-", "409.-", "409.-", "409.-", "MC", ".-", "!-", "x-", ".-"]),
    ("expired", [".-", ".L", "MLC", ".L", ".L", "MLC", ".L", "!L", "xL", "MLC"]),
    ("tampered", [".-", ".-", "MC", ".-", ".-", "MC", ".-", "!-", "x-", "MC"]),
    ("unknown", [".-", ".L", "MLC", ".L", ".L", "MLC", ".L", "!L", "xL", "MLC"]),
    ("twice, same family", [".-", ".L", ".LC", "RLCX", ".LC", "MLC", "RLX", "!L", "xL", ".LC"]),
    ("twice, other family", [".-", ".-", "MC", ".-", ".-", "MC", ".-", "!-", "x-", "MC"]),
];

async fn compare(home: Home, table: Table) {
    let mut wrong = Vec::new();
    for (state, cells) in table {
        for (deed, expected) in DEEDS.iter().zip(cells) {
            let house = House::new(home);
            let cookies = prepare(&house, state).await;
            house.operations();
            let seen = house.perform(deed, &cookies).await;
            if seen != *expected {
                wrong.push(format!(
                    "{home:?}: cookie {state}, handler {deed}: expected {expected}, saw {seen}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cells differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Brings about a state of the cookie; answers what the next request sends.
async fn prepare(house: &House, state: &str) -> Cookies {
    if state == "none" {
        return Cookies::none();
    }
    let first = house.visited().await;
    match state {
        "valid" => Cookies::one(&first),
        "aged" => {
            house.wait(61);
            Cookies::one(&first)
        }
        "older, in grace" | "older, late in grace" | "older, out of grace" | "long after mute" => {
            let second = house.request("regenerate", &Cookies::one(&first)).await.expect("a new token");
            // The window opens when the successor is first seen.
            house.request("read", &Cookies::one(&second)).await;
            house.wait(match state {
                "older, in grace" => 1,
                "older, late in grace" => 16,
                "older, out of grace" => 31,
                _ => 91,
            });
            Cookies::one(&first)
        }
        "muted" => {
            house.request("login", &Cookies::one(&first)).await.expect("a new token");
            Cookies::one(&first)
        }
        "ended" => {
            house.request("logout", &Cookies::one(&first)).await;
            Cookies::one(&first)
        }
        "expired" => {
            house.wait(30 * 60 + 1);
            Cookies::one(&first)
        }
        "tampered" => Cookies::one(&House::tamper(&first)),
        "unknown" => {
            house.forget(&first).await;
            Cookies::one(&house.unknown(&first).await)
        }
        "twice, same family" => {
            let second = house.request("regenerate", &Cookies::one(&first)).await.expect("a new token");
            house.request("read", &Cookies::one(&second)).await;
            Cookies::two(&first, &second)
        }
        "twice, other family" => Cookies::two(&first, &house.visited().await),
        _ => panic!("no such state: {state}"),
    }
}

#[tokio::test]
async fn every_cell_holds_when_the_client_carries_the_session() {
    compare(Home::Sealed, CARRIED).await;
}

#[tokio::test]
async fn every_cell_holds_when_the_client_carries_it_signed() {
    compare(Home::Signed, CARRIED).await;
}

#[tokio::test]
async fn every_cell_holds_when_a_store_keeps_the_session() {
    compare(Home::Store, KEPT).await;
}
