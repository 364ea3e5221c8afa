//! The plan of the house, held by scanning the text: who may import whom, how long a file may be, and that the
//! documents name only what is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules that know nobody above them.
const LEAVES: &[&str] = &[
    "base64url",
    "clock",
    "envelope",
    "error",
    "event",
    "format",
    "generation",
    "id",
    "lease",
    "lifetime",
    "metrics",
    "random",
    "value",
    "varint",
];
/// How sessions travel and where they rest.
const TRANSPORT: &[&str] = &["carrier", "cookie", "key", "revocation", "store"];

/// Every other module, and what it may import besides the leaves and itself. `lifecycle` is the one place that
/// sees both the session and the transport; `builder` and `sessions` assemble, what follows translates.
const REST: &[(&str, &[&str])] = &[
    ("session", &[]),
    ("policy", &[]),
    ("conformance", &["store"]),
    ("lifecycle", &["session", "policy", "carrier", "cookie", "key", "revocation", "store"]),
    ("http", &["lifecycle", "session", "policy", "cookie"]),
    ("axum", &["http", "session", "policy"]),
    ("builder", &["sessions", "lifecycle", "policy", "carrier", "cookie", "key", "revocation", "store"]),
    ("sessions", &["builder", "http", "lifecycle", "session", "policy", "key", "revocation", "store"]),
    ("testing", &["sessions", "lifecycle", "session", "cookie", "key"]),
];

/// Modules that must work for a server with other request types than those of the crate `http`.
const WITHOUT_HTTP: &[&str] =
    &["lifecycle", "session", "value", "store", "format", "carrier", "key", "revocation"];

const MOST_LINES: usize = 300;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file below `dir` with this ending.
fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// One source file of the library without its tests and comments.
struct Source {
    /// As in `lifecycle/plan.rs`.
    name: String,
    code: String,
}

impl Source {
    fn read(path: &Path, base: &Path) -> Self {
        let name = path.strip_prefix(base).unwrap().to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let mut code = String::new();
        let mut lines = lines.peekable();
        while let Some(line) = lines.next() {
            // Tests stand last in their file.
            if line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.ends_with("mod tests {")) {
                break;
            }
            code.push_str(line);
            code.push('\n');
        }
        Self { name, code }
    }

    /// The module at the top of the crate that it belongs to.
    fn module(&self) -> &str {
        self.name.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// How many modules it is inside of, itself included.
    fn depth(&self) -> usize {
        let parts = self.name.split('/').count();
        if self.name.ends_with("/mod.rs") { parts - 1 } else { parts }
    }

    /// What it names directly after `crate::`.
    fn imports(&self) -> BTreeSet<&str> {
        self.code.split("crate::").skip(1).map(|rest| &rest[..word(rest)]).collect()
    }

    fn lines_of_code(&self) -> usize {
        self.code.lines().filter(|line| !line.trim().is_empty()).count()
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word(text: &str) -> usize {
    text.find(|c| !is_word(c)).unwrap_or(text.len())
}

fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests")
}

fn sources_in(base: &Path) -> Vec<Source> {
    let is_source = |path: &&PathBuf| path.strip_prefix(base).is_ok_and(|path| !is_test(path));
    files(base, ".rs").iter().filter(is_source).map(|path| Source::read(path, base)).collect()
}

fn sources() -> Vec<Source> {
    let sources = sources_in(&root().join("carryall/src"));
    assert!(sources.len() > 50, "the scan found {} files: it looks in the wrong place", sources.len());
    sources
}

fn allowed(module: &str) -> Option<BTreeSet<&'static str>> {
    let mut allowed: BTreeSet<_> = LEAVES.iter().copied().collect();
    if TRANSPORT.contains(&module) {
        allowed.extend(TRANSPORT);
    } else if let Some((_, more)) = REST.iter().find(|(name, _)| *name == module) {
        allowed.extend(more.iter());
    } else if !LEAVES.contains(&module) {
        return None;
    }
    Some(allowed)
}

fn report(what: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
}

#[test]
fn modules_import_only_what_the_plan_allows() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.name != "lib.rs") {
        let module = source.module();
        let Some(allowed) = allowed(module) else {
            wrong.push(format!(
                "{}: the module `{module}` has no place in the plan: give it one here",
                source.name
            ));
            continue;
        };
        for import in source.imports() {
            if import.is_empty() {
                wrong.push(format!("{}: write `crate::module::..`, one line a module", source.name));
            } else if import != module && !allowed.contains(import) {
                wrong.push(format!("{}: `{module}` must not know `{import}`", source.name));
            }
        }
    }
    report("imports against the plan (ARCHITECTURE.md, \"Who may know whom\")", &wrong);
}

#[test]
fn nobody_reaches_another_module_by_climbing_to_the_root() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.name != "lib.rs") {
        let to_root = "super::".repeat(source.depth());
        if source.code.contains(&to_root) {
            wrong.push(format!("{}: `{to_root}` is the crate's root: write `crate::`", source.name));
        }
    }
    report("imports that the plan cannot see", &wrong);
}

#[test]
fn the_core_knows_no_http_types() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| WITHOUT_HTTP.contains(&source.module())) {
        for foreign in
            ["http::", "http_body::", "http_body_util::", "axum::", "axum_core::", "tower_service::"]
        {
            let names_it = source
                .code
                .match_indices(foreign)
                .any(|(at, _)| !source.code[..at].ends_with(is_word) && !source.code[..at].ends_with("::"));
            if names_it {
                wrong.push(format!("{}: names `{foreign}..`", source.name));
            }
        }
    }
    report("HTTP types where decisions are made", &wrong);
}

#[test]
fn no_file_has_more_than_three_hundred_lines_of_code() {
    let mut wrong = Vec::new();
    for member in ["carryall", "carryall-file", "carryall-redis", "carryall-sql", "demo", "bench", "testbed"]
    {
        for source in sources_in(&root().join(member).join("src")) {
            let lines = source.lines_of_code();
            if lines > MOST_LINES {
                wrong.push(format!("{member}/src/{}: {lines} lines of code", source.name));
            }
        }
    }
    report("files that hold more than one noun", &wrong);
}

/// The project's documents with their texts.
fn documents() -> Vec<(PathBuf, String)> {
    let top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        top.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect();
    paths.extend(files(&root().join("docs"), ".md"));
    paths.extend(["demo", "bench"].iter().map(|member| root().join(member).join("README.md")));
    let read = |path: PathBuf| fs::read_to_string(&path).ok().map(|text| (path, text));
    let documents: Vec<_> = paths.into_iter().filter_map(read).collect();
    assert!(documents.len() > 10, "the scan found {} documents", documents.len());
    documents
}

#[test]
fn documents_name_no_place_on_any_machine() {
    let mut wrong = Vec::new();
    for (path, text) in documents() {
        for place in ["/home/", "/root/", "/work/", "/tmp/", "/Users/", "C:\\"] {
            if text.contains(place) {
                wrong.push(format!("{}: `{place}`", path.display()));
            }
        }
    }
    report("paths of a machine in the documents", &wrong);
}

/// Whether a document has a heading with this anchor, as repositories' pages make them.
fn has_heading(text: &str, anchor: &str) -> bool {
    text.lines().filter_map(|line| line.strip_prefix('#')).any(|heading| {
        let kept = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        kept.chars().filter(|c| is_word(*c) || *c == '-').collect::<String>() == anchor
    })
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut wrong = Vec::new();
    for (path, text) in documents() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.contains(' ') {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let leads_to_heading =
                || fs::read_to_string(&target).is_ok_and(|text| has_heading(&text, anchor));
            if !target.exists() || (!anchor.is_empty() && !leads_to_heading()) {
                wrong.push(format!("{}: {link}", path.display()));
            }
        }
    }
    report("links to nothing", &wrong);
}

#[test]
fn tests_that_the_security_page_names_exist() {
    let mut written = String::new();
    for dir in [
        "carryall/src",
        "carryall/tests",
        "carryall-file/tests",
        "carryall-redis/src",
        "carryall-redis/tests",
        "carryall-sql/tests",
    ] {
        for path in files(&root().join(dir), ".rs") {
            written.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let is_test_name = |text: &&str| text.matches('_').count() >= 3 && text.chars().all(is_word);
    let named: BTreeSet<_> = page.split('`').skip(1).step_by(2).filter(is_test_name).collect();
    assert!(named.len() > 20, "the page names {} tests", named.len());
    let missing: Vec<_> = named
        .into_iter()
        .filter(|name| !written.contains(&format!("fn {name}(")))
        .map(str::to_owned)
        .collect();
    report("docs/security.md names tests that are not there", &missing);
}
