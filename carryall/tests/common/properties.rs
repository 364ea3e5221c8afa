//! How long properties are tried.

use proptest::test_runner::Config;

/// So many cases, unless `PROPTEST_CASES` asks for another number.
pub fn cases(usual: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    Config { cases: asked.unwrap_or(usual), failure_persistence: None, ..Config::default() }
}
