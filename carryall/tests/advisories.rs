//! No version with a known flaw is in `Cargo.lock`, network or not.

use std::fs;
use std::path::Path;

fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

/// Name and version of every package in the lock file.
fn locked(lock: &str) -> Vec<(&str, &str)> {
    lock.split("[[package]]")
        .filter_map(|package| Some((quoted(package, "name = ")?, quoted(package, "version = ")?)))
        .collect()
}

fn quoted<'a>(package: &'a str, field: &str) -> Option<&'a str> {
    let line = package.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim_matches('"'))
}

#[test]
fn no_locked_version_has_a_known_flaw() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lock = fs::read_to_string(here.join("../Cargo.lock")).expect("Cargo.lock");
    let list = fs::read_to_string(here.join("tests/advisories.txt")).expect("advisories.txt");
    let packages = locked(&lock);
    assert!(packages.len() > 50, "the lock file was not understood");
    let mut bad = Vec::new();
    for entry in list.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let mut words = entry.split_whitespace();
        let (Some(name), Some(good)) = (words.next(), words.next()) else { panic!("bad line: {entry}") };
        let found =
            packages.iter().filter(|(locked, version)| *locked == name && numbers(version) < numbers(good));
        bad.extend(found.map(|(name, version)| format!("{name} {version}: {entry}")));
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
