//! Spans of time, as people write and read them.

use std::time::Duration;

const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];

/// Reads `90`, `90s`, `30m`, `12h` or `7d`; a number alone is seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let factor = match UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() => 1,
        None => return Err("write seconds, or a number with s, m, h or d such as 30m".into()),
    };
    let number: u64 =
        digits.parse().map_err(|_| "write seconds, or a number with s, m, h or d such as 30m")?;
    number.checked_mul(factor).map(Duration::from_secs).ok_or_else(|| "that is too long".into())
}

/// Writes the two largest units: `29 min 58 s`, `12 h`, `3 d 4 h`.
pub(crate) fn text(span: Duration) -> String {
    let seconds = span.as_secs();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let Some(first) = parts.iter().position(|(number, _)| *number > 0) else { return "0 s".into() };
    let written: Vec<_> = parts[first..]
        .iter()
        .take(2)
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    written.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_in_seconds_or_with_its_unit() {
        for (written, seconds) in
            [("0", 0), ("90", 90), ("90s", 90), ("30m", 1800), ("12h", 43_200), (" 7d ", 604_800)]
        {
            assert_eq!(parse(written), Ok(Duration::from_secs(seconds)), "{written}");
        }
        for nonsense in
            ["", "m", "-1", "1.5h", "5 weeks", "5w", "5M", "99999999999999999999", "999999999999999999d"]
        {
            assert!(parse(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn a_span_is_written_with_its_two_largest_units() {
        for (seconds, written) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (1798, "29 min 58 s"),
            (43_200, "12 h"),
            (90_061, "1 d 1 h"),
        ] {
            assert_eq!(text(Duration::from_secs(seconds)), written);
        }
    }
}
