//! Secrets that nobody should use: patterns and text instead of randomness.

use crate::error::ConfigError;

/// The fewest different bytes that 32 random ones may have. They have about 30; fewer than 16 happens once in 10^15.
const DISTINCT: usize = 16;

/// Refuses a secret that repeats itself, counts up or down, or uses few different bytes.
pub(super) fn refuse_pattern(secret: &[u8]) -> Result<(), ConfigError> {
    let mut seen = [false; 256];
    for &byte in secret {
        seen[usize::from(byte)] = true;
    }
    let distinct = seen.iter().filter(|&&it| it).count();
    if distinct < DISTINCT || repeats(secret) || counts(secret) {
        return Err(ConfigError::new(
            "a key is a pattern, not random bytes: generate one with `KeyRing::generate_file`",
        ));
    }
    Ok(())
}

/// Refuses printable text: a passphrase, or the sample key of a manual.
pub(super) fn refuse_text(secret: &[u8]) -> Result<(), ConfigError> {
    if secret.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
        return Err(ConfigError::new(
            "a key is printable text, such as a passphrase or a sample from documentation: \
             generate one with `KeyRing::generate_file`",
        ));
    }
    Ok(())
}

fn repeats(secret: &[u8]) -> bool {
    (1..=secret.len() / 2).any(|period| secret[period..] == secret[..secret.len() - period])
}

fn counts(secret: &[u8]) -> bool {
    let mut steps = secret.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let first = steps.next();
    steps.all(|step| Some(step) == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_refused() {
        let counting: Vec<u8> = (0..32).collect();
        let falling: Vec<u8> = (0..32).rev().map(|n| n * 5).collect();
        let half: Vec<u8> = (0..16).map(|n: u8| n.wrapping_mul(n).wrapping_mul(37).wrapping_add(n)).collect();
        let twice = [half.clone(), half.clone(), half[..4].to_vec()].concat();
        let few: Vec<u8> = (0..32_u8).map(|n| n.wrapping_mul(n) % 7).collect();
        for weak in [&[0; 32][..], &[0xa5; 64], &counting, &falling, &twice, &few] {
            assert!(refuse_pattern(weak).is_err(), "{weak:?}");
        }
    }

    #[test]
    fn text_is_refused_and_random_bytes_are_not() {
        assert!(refuse_text(b"correct horse battery staple 123").is_err());
        let mut random = *b"correct horse battery staple 123";
        random[5] = 0xf1;
        assert!(refuse_text(&random).is_ok());
        assert!(refuse_pattern(&random).is_ok());
    }
}
