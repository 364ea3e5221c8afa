//! What a `User-Agent` (RFC 9110 section 10.1.5) most likely is, for people.

/// Whatever names itself like this is that; the first that fits counts, as later ones borrow names of others.
const BROWSERS: [(&str, &str); 7] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "a Mac"),
    ("Linux", "Linux"),
];

/// `Firefox on Linux`, `Chrome`, or the first word of what it says.
pub(crate) fn name(agent: Option<&str>) -> String {
    let Some(agent) = agent.filter(|agent| !agent.trim().is_empty()) else {
        return "An unknown device".to_owned();
    };
    let known = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name)
    };
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => {
            let word = agent.split(['/', ' ']).find(|word| !word.is_empty()).unwrap_or("unknown");
            word.chars().take(30).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_called_by_its_browser_and_system() {
        const MAC: &str =
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)";
        for (agent, called) in [
            (format!("{MAC} Version/17.0 Safari/605.1.15"), "Safari on a Mac"),
            (format!("{MAC} Chrome/126.0.0.0 Safari/537.36 Edg/126.0"), "Edge on a Mac"),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0".into(),
                "Firefox on Linux",
            ),
            ("Mozilla/5.0 (Linux; Android 14) Chrome/126.0 Mobile Safari/537.36".into(), "Chrome on Android"),
            ("curl/8.5.0".into(), "curl"),
            ("  ".into(), "An unknown device"),
            ("x".repeat(200), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        ] {
            assert_eq!(name(Some(&agent)), called);
        }
        assert_eq!(name(None), "An unknown device");
    }
}
