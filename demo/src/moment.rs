//! Instants, as programs read them (RFC 3339) and as people do.

use carryall::clock::Timestamp;

use crate::span;

/// `2026-02-03T14:05:06.789Z` (RFC 3339).
pub(crate) fn rfc3339(instant: Timestamp) -> String {
    let (year, month, day) = date(instant.as_secs() / 86_400);
    let millis = instant.as_millis() % 1000;
    format!("{year:04}-{month:02}-{day:02}T{}.{millis:03}Z", clock(instant))
}

/// `3 Feb, 14:05:06 UTC`.
pub(crate) fn text(instant: Timestamp) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, month, day) = date(instant.as_secs() / 86_400);
    let month = MONTHS.iter().zip(1..).find(|(_, number)| *number == month).map_or("", |(name, _)| name);
    format!("{day} {month}, {} UTC", clock(instant))
}

/// `12 s ago`, `now`, `in 30 min`.
pub(crate) fn distance(instant: Timestamp, now: Timestamp) -> String {
    let (past, future) = (now.since(instant), instant.since(now));
    if past.as_secs() > 0 {
        format!("{} ago", span::text(past))
    } else if future.as_secs() > 0 {
        format!("in {}", span::text(future))
    } else {
        "now".into()
    }
}

fn clock(instant: Timestamp) -> String {
    let seconds = instant.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

/// The Gregorian date of a day counted from 1970-01-01. Years begin in March here, so that the leap day is the last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn instants_are_written_as_the_standard_says() {
        for (millis, written) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_827_696_789, "2000-02-29T12:34:56.789Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(Timestamp::from_millis(millis)), written);
        }
        assert_eq!(text(Timestamp::from_millis(951_827_696_789)), "29 Feb, 12:34:56 UTC");
    }

    #[test]
    fn a_distance_says_in_which_direction() {
        let now = Timestamp::from_secs(1000);
        assert_eq!(distance(now.minus(Duration::from_secs(12)), now), "12 s ago");
        assert_eq!(distance(now.plus(Duration::from_mins(30)), now), "in 30 min");
        assert_eq!(distance(now, now), "now");
    }
}
