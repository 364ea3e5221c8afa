//! A pattern of request paths: one path, or everything below a prefix.

use std::borrow::Cow;

use crate::error::ConfigError;

/// `/hooks/stripe` is that path alone; `/hooks/*` is everything below `/hooks/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathPattern(Cow<'static, str>);

impl PathPattern {
    pub(super) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }

    /// Checks that the pattern is a path and does not cover everything.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let fixed = self.0.strip_suffix("/*").unwrap_or(&self.0);
        if self.0 == "/*" || !self.0.starts_with('/') || fixed.contains(['*', '?', '#']) {
            return Err(ConfigError::new(format!(
                "the path pattern {:?} must be a path such as /hooks/stripe, or a prefix such as /hooks/*",
                self.0
            )));
        }
        Ok(())
    }

    /// Whether the pattern covers a path as sent.
    ///
    /// A path below a prefix that could be read in two ways (`..`, `//`, `\`, percent-encoding) is not covered: a
    /// router behind might take it elsewhere.
    pub(super) fn covers(&self, path: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => path.strip_prefix(prefix).is_some_and(is_plain),
            None => self.0 == path,
        }
    }
}

fn is_plain(rest: &str) -> bool {
    let ambiguous = |segment: &str| matches!(segment, "." | "..") || segment.contains(['%', '\\', ';']);
    let mut segments = rest.split('/');
    let last = segments.next_back().unwrap_or_default();
    !ambiguous(last) && !segments.any(|segment| segment.is_empty() || ambiguous(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_pattern_covers_one_path() {
        let pattern = PathPattern::new("/hooks/stripe");
        assert!(pattern.covers("/hooks/stripe"));
        for other in ["/hooks/stripe/", "/hooks/stripe/x", "/hooks", "/Hooks/stripe", "/hooks/strip%65"] {
            assert!(!pattern.covers(other), "{other}");
        }
    }

    #[test]
    fn a_prefix_covers_only_what_is_plainly_below_it() {
        let pattern = PathPattern::new("/hooks/*");
        for covered in ["/hooks/", "/hooks/a", "/hooks/a/b", "/hooks/a/", "/hooks/..a"] {
            assert!(pattern.covers(covered), "{covered}");
        }
        for other in [
            "/hooks",
            "/hooksx",
            "/hook/a",
            "/hooks/../account",
            "/hooks/a/../../account",
            "/hooks/..",
            "/hooks/./a",
            "/hooks//account",
            "/hooks/%2e%2e/account",
            "/hooks/..%2faccount",
            "/hooks/..\\account",
            "/hooks/..;/account",
        ] {
            assert!(!pattern.covers(other), "{other}");
        }
    }

    #[test]
    fn a_pattern_that_is_no_path_or_covers_everything_is_refused() {
        for bad in ["", "*", "/*", "hooks/*", "/hooks*", "/a/*/b", "/a/**", "/a?b", "/a#b"] {
            assert!(PathPattern::new(bad).check().is_err(), "{bad}");
        }
        for good in ["/", "/hooks", "/hooks/", "/hooks/*"] {
            assert!(PathPattern::new(good).check().is_ok(), "{good}");
        }
    }
}
