//! Which slot of a cluster a key is in, and who has which slots.

use std::ops::RangeInclusive;

use redis::{ErrorKind, RedisError, RedisResult, Value, from_redis_value};

use crate::dial::Node;

/// How many slots a cluster has.
pub(crate) const SLOTS: u16 = 16384;

/// The slot of a key: that of the text in the first braces, if there is any, else that of all of it.
pub(crate) fn slot_of(key: &[u8]) -> u16 {
    let open = key.iter().position(|&byte| byte == b'{').map_or(key.len(), |at| at + 1);
    let tagged = key[open..].iter().position(|&byte| byte == b'}').map(|length| &key[open..open + length]);
    crc16(tagged.filter(|tag| !tag.is_empty()).unwrap_or(key)) % SLOTS
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, &byte| {
        (0..8).fold(
            sum ^ u16::from(byte) << 8,
            |sum: u16, _| {
                if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ 0x1021 }
            },
        )
    })
}

/// Slots and the master that has them.
pub(crate) type Share = (RangeInclusive<u16>, Node);

/// What `CLUSTER SLOTS` answers. A node that has no name for itself or another has the host that was asked.
pub(crate) fn shares(answer: Value, asked: &Node) -> RedisResult<Vec<Share>> {
    let shares: Vec<Vec<Value>> = from_redis_value(answer)?;
    shares.iter().filter_map(|share| self::share(share, asked).transpose()).collect()
}

/// `None` if nobody knows where the master is.
fn share(share: &[Value], asked: &Node) -> RedisResult<Option<Share>> {
    let unexpected = || RedisError::from((ErrorKind::UnexpectedReturnType, "slots that are none"));
    let [first, last, master, ..] = share else { return Err(unexpected()) };
    let (first, last) = (from_redis_value(first.clone())?, from_redis_value(last.clone())?);
    let master: Vec<Value> = from_redis_value(master.clone())?;
    let [host, port, ..] = &master[..] else { return Err(unexpected()) };
    if first > last || last >= SLOTS {
        return Err(unexpected());
    }
    let host: Option<String> = from_redis_value(host.clone())?;
    let port = from_redis_value(port.clone())?;
    Ok(named(&host.unwrap_or_default(), port, asked).map(|node| (first..=last, node)))
}

/// Where a node sends us that answers `MOVED` or `ASK`: `host:port`, the host perhaps missing.
pub(crate) fn redirected(error: &RedisError, asked: &Node) -> Option<Node> {
    let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
    named(host, port.parse().ok()?, asked)
}

fn named(host: &str, port: u16, asked: &Node) -> Option<Node> {
    let host = match host {
        "?" => return None,
        "" => &asked.host,
        host => host,
    };
    Some(Node { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (key, slot) in [("foo", 12182), ("bar", 5061), ("hello", 866), ("", 0)] {
            assert_eq!(slot_of(key.as_bytes()), slot, "{key}");
        }
    }

    #[test]
    fn text_in_the_first_braces_decides() {
        for (key, same) in [
            ("{foo}bar", "foo"),
            ("carryall:{foo}{bar}", "foo"),
            ("foo{{bar}}zap", "{bar"),
            ("}{foo}", "foo"),
        ] {
            assert_eq!(slot_of(key.as_bytes()), slot_of(same.as_bytes()), "{key}");
        }
        for whole in ["foo{}{bar}", "foo{bar", "foo}bar{"] {
            assert_eq!(slot_of(whole.as_bytes()), crc16(whole.as_bytes()) % SLOTS, "{whole}");
        }
    }

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn asked() -> Node {
        Node { host: "asked".to_owned(), port: 1 }
    }

    #[test]
    fn a_master_without_a_name_has_that_of_who_answers_and_an_unknown_one_is_none() {
        let share = |first, host: Value| {
            let replica = Value::Array(vec![text("replica"), Value::Int(8)]);
            let master = Value::Array(vec![host, Value::Int(7000), text("id")]);
            Value::Array(vec![Value::Int(first), Value::Int(first + 9), master, replica])
        };
        let answer = Value::Array(vec![
            share(0, text("one")),
            share(10, text("")),
            share(20, Value::Nil),
            share(30, text("?")),
        ]);
        let found = shares(answer, &asked()).expect("slots");
        let found: Vec<_> = found.iter().map(|(slots, node)| (*slots.start(), node.to_string())).collect();
        let expected = [(0, "one:7000"), (10, "asked:7000"), (20, "asked:7000")];
        assert_eq!(found, expected.map(|(slot, node)| (slot, node.to_owned())));
    }

    #[test]
    fn slots_that_are_none_are_an_error() {
        let master = || Value::Array(vec![text("one"), Value::Int(7000)]);
        for share in [
            vec![Value::Int(0), Value::Int(9)],
            vec![Value::Int(0), Value::Int(16384), master()],
            vec![Value::Int(9), Value::Int(0), master()],
            vec![Value::Int(0), Value::Int(9), Value::Array(vec![])],
        ] {
            assert!(shares(Value::Array(vec![Value::Array(share)]), &asked()).is_err());
        }
    }
}
