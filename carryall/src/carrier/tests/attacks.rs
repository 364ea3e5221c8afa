//! Forgeries and accidents. Numbers such as A024 are those of the list of attack cases.

use super::*;

/// Whatever opens a token of any kind, by name.
type Open = Box<dyn Fn(&[u8]) -> Result<(), Refusal>>;

fn openers(ring: &KeyRing, binding: &Binding) -> Vec<(String, Open)> {
    let mut openers: Vec<(String, Open)> = Vec::new();
    for carrier in carriers() {
        let prepared = prepare(&carrier, ring, binding);
        openers.push((format!("{carrier:?}"), Box::new(move |token| prepared.open(token).map(drop))));
    }
    let ticket = Ticket::new(ring, binding);
    openers.push(("Ticket".to_owned(), Box::new(move |token| ticket.open(token).map(drop))));
    openers
}

/// One token of every kind, in the order of [`openers`].
fn tokens(ring: &KeyRing, binding: &Binding) -> Vec<Vec<u8>> {
    let mint = |carrier| mint(&prepare(carrier, ring, binding), &full(), b"{\"a\":1}");
    let mut tokens: Vec<_> = carriers().iter().map(mint).collect();
    tokens.push(ticket(ring, binding, &full()));
    tokens
}

#[test]
fn a025_a_token_with_any_character_changed_is_refused() {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \0\n\x80\xff";
    for ((name, open), token) in openers(&ring(), &shop()).iter().zip(tokens(&ring(), &shop())) {
        // Every change of a bit in base64 for the slow signature, every character for the others.
        let step = if name.contains("EdDsa") { 9 } else { 1 };
        for i in 0..token.len() {
            for &other in alphabet.iter().skip(i % step).step_by(step).filter(|&&other| other != token[i]) {
                let mut changed = token.clone();
                changed[i] = other;
                let refusal = open(&changed).expect_err("a changed token is refused");
                let honest = [Refusal::Malformed, Refusal::Tampered, Refusal::UnknownKey];
                assert!(honest.contains(&refusal), "{name} {i} {other} {refusal:?}");
            }
        }
        assert_eq!(open(&token), Ok(()), "{name}");
    }
}

#[test]
fn a026_a029_cut_and_extended_tokens_are_refused() {
    for ((name, open), token) in openers(&ring(), &shop()).iter().zip(tokens(&ring(), &shop())) {
        for length in 0..token.len() {
            assert!(open(&token[..length]).is_err(), "{name} cut to {length}");
            assert!(open(&token[length + 1..]).is_err(), "{name} from {length}");
        }
        for more in ["A", "AA", "AAAA", ".", "=", "==", " ", "\n", ".AAAA", "\0"] {
            assert!(open(&[&token[..], more.as_bytes()].concat()).is_err(), "{name} + {more:?}");
            assert!(open(&[more.as_bytes(), &token[..]].concat()).is_err(), "{more:?} + {name}");
        }
        let twice = [&token[..], &token].concat();
        assert!(open(&twice).is_err());
    }
}

#[test]
fn a024_a030_a079_no_token_is_accepted_in_place_of_another() {
    let bindings = [("shop", COOKIE), ("blog", COOKIE), ("shop", "__Host-other"), ("shop__Host", "-session")];
    let bindings = bindings.map(|(app, cookie)| Binding::new(app, cookie));
    let mut all = Vec::new();
    for binding in &bindings {
        for (kind, token) in tokens(&ring(), binding).into_iter().enumerate() {
            all.push((binding.clone(), kind, token));
        }
    }
    for binding in &bindings {
        for (kind, (name, open)) in openers(&ring(), binding).iter().enumerate() {
            for (made_for, made_as, token) in &all {
                let same = made_for == binding && *made_as == kind;
                assert_eq!(
                    open(token).is_ok(),
                    same,
                    "{made_for:?} {made_as} opened as {name} for {binding:?}"
                );
            }
        }
    }
}

#[test]
fn a076_a_key_that_left_the_ring_is_unknown() {
    let others = KeyRing::new(key(9)).build().unwrap();
    for ((name, open), token) in openers(&ring(), &shop()).iter().zip(tokens(&others, &shop())) {
        assert_eq!(open(&token), Err(Refusal::UnknownKey), "{name}");
    }
}

#[test]
fn a077_a_ring_with_one_key_twice_is_not_built() {
    assert!(KeyRing::new(key(0)).accept(key(0)).build().is_err());
    assert!(KeyRing::new(key(0)).announce(key(0)).build().is_err());
}

#[test]
fn a082_nothing_prints_a_secret() {
    let secrets = [0, 1, 2].map(|first| key(first).to_base64url());
    let mut shown = vec![format!("{:?}", ring())];
    for carrier in carriers() {
        shown.push(format!("{:?}", prepare(&carrier, &ring(), &shop())));
    }
    shown.push(format!("{:?}", Ticket::new(&ring(), &shop())));
    let opened = prepare(&Carrier::Sealed, &ring(), &shop()).open(&tokens(&ring(), &shop())[0]).unwrap();
    shown.push(format!("{:?}", opened.envelope));
    let derived = key(0).derive::<32>(crate::key::Purpose::Seal, &["shop"]);
    for text in shown {
        assert!(secrets.iter().all(|secret| !text.contains(&secret[..8])), "{text}");
        assert!(
            !text.contains("1, 2, 3, 4, 5") && !text.contains(&format!("{}, {}", derived[0], derived[1]))
        );
        assert!(!text.contains("7, 7, 7") && !text.contains("alice"), "{text}");
    }
}

#[test]
fn a012_a013_a035_dots_and_size_are_checked_before_anything_else() {
    let dots = vec![b'.'; 1 << 20];
    let letters = vec![b'A'; 1 << 20];
    for (name, open) in openers(&ring(), &shop()) {
        for token in [
            &b""[..],
            b".",
            b"..",
            b"...",
            b"a.b",
            b"a.b.c.d",
            &dots,
            &dots[..4096],
            &letters,
            &letters[..4096],
        ] {
            assert!(open(token).is_err(), "{name}");
        }
        assert_eq!(open(&letters[..4097]), Err(Refusal::Malformed));
    }
}

#[test]
fn authentic_content_that_contradicts_itself_is_unreadable() {
    let sealed = prepare(&Carrier::Sealed, &ring(), &shop());
    let mut token = Vec::new();
    // Begun years after it was issued: only a foreign holder of the key could have made this.
    let envelope = Envelope { created: Timestamp::from_secs(2_000_000_000), ..full() };
    sealed.mint(&envelope, &mut |_| (), &SystemRandom, &mut token).unwrap();
    assert_eq!(sealed.open(&token).unwrap_err(), Refusal::Unreadable);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_open_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0_usize..6) {
        for (_, open) in openers(&ring(), &shop()) {
            prop_assert!(open(&bytes).is_err());
            prop_assert!(open(base64url::encode(&bytes).as_bytes()).is_err());
        }
        // The right beginning, then anything.
        let token = &tokens(&ring(), &shop())[kind];
        let forged = [&token[..20.min(token.len())], base64url::encode(&bytes).as_bytes()].concat();
        for (_, open) in openers(&ring(), &shop()) {
            prop_assert!(open(&forged).is_err());
        }
    }
}
