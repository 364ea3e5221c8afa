//! Medians and spreads.

/// A middle and how far the middle half of the values strays from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    /// Half the interquartile range.
    pub(crate) spread: f64,
}

impl Summary {
    /// Of these values; zero if there are none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| values.get((values.len().saturating_sub(1)) * quarter / 4).copied();
        let [low, median, high] = [1, 2, 3].map(|quarter| at(quarter).unwrap_or_default());
        Self { median, spread: (high - low) / 2.0 }
    }

    /// The spread in percent of the median.
    pub(crate) fn percent(self) -> f64 {
        if self.median == 0.0 { 0.0 } else { self.spread / self.median.abs() * 100.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_outlier_moves_neither_median_nor_spread() {
        let calm = Summary::of([5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!(calm, Summary { median: 3.0, spread: 1.0 });
        assert_eq!(Summary::of([5000.0, 1.0, 4.0, 2.0, 3.0]), calm);
    }

    #[test]
    fn nothing_measured_is_zero() {
        assert_eq!(Summary::of([]), Summary { median: 0.0, spread: 0.0 });
    }
}
