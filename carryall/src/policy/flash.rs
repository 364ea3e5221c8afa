//! Which requests age flash messages.

use memchr::memmem;

use crate::policy::head::RequestHead;

/// Whether a request ages flash messages, that is, whether it shows a page to somebody.
///
/// A flash message is for the next page that the user sees. Requests in the background would use it up unseen:
///
/// - No, if the browser fetches or renders ahead of the user: `Sec-Purpose`, or its forerunners `Purpose`,
///   `X-Purpose` and `X-Moz`, name a prefetch, a prerendering or a preview. A page that was rendered ahead and then
///   shown has shown the message, and the next page shows it once more: twice is better than never.
/// - No, if `Sec-Fetch-Dest` is there and not `document`, `iframe` or `frame`: images, scripts, and `empty`, which is
///   what the browser says of `fetch()` and `XMLHttpRequest`. An application that replaces pages by `fetch()` clears
///   its messages itself once they are shown.
/// - Yes otherwise, so also for clients that know none of these headers.
///
/// ```
/// use carryall::policy::ages_flash;
/// let page = http::Request::get("/").header("sec-fetch-dest", "document").body(()).unwrap();
/// let image = http::Request::get("/logo").header("sec-fetch-dest", "image").body(()).unwrap();
/// assert!(ages_flash(&page) && !ages_flash(&image));
/// ```
pub fn ages_flash(head: &impl RequestHead) -> bool {
    is_page(head) && !is_ahead(head)
}

/// Whether it asks for a page, be it ahead of the user.
pub(crate) fn is_page(head: &impl RequestHead) -> bool {
    // Repeated values, which no browser sends, must all be pages.
    head.values("sec-fetch-dest").all(|dest| matches!(dest, b"document" | b"iframe" | b"frame"))
}

/// Whether the browser fetches or renders ahead of the user, so that nobody may see the answer.
pub(crate) fn is_ahead(head: &impl RequestHead) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"]
        .iter()
        .any(|name| head.values(name).any(is_ahead_of_the_user))
}

fn is_ahead_of_the_user(purpose: &[u8]) -> bool {
    let purpose = purpose.to_ascii_lowercase();
    ["prefetch", "prerender", "preview"].iter().any(|word| memmem::find(&purpose, word.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ages(headers: &[(&str, &str)]) -> bool {
        let mut request = http::Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ages_flash(&request.body(()).unwrap())
    }

    #[test]
    fn pages_and_clients_without_fetch_metadata_age_messages() {
        assert!(ages(&[]));
        for dest in ["document", "iframe", "frame"] {
            assert!(ages(&[("sec-fetch-dest", dest)]), "{dest}");
        }
        assert!(ages(&[("sec-fetch-dest", "document"), ("purpose", "navigation")]));
    }

    #[test]
    fn requests_in_the_background_do_not() {
        for dest in
            ["empty", "image", "script", "style", "font", "serviceworker", "Document", "", "unheard-of"]
        {
            assert!(!ages(&[("sec-fetch-dest", dest)]), "{dest}");
        }
        assert!(!ages(&[("sec-fetch-dest", "document"), ("sec-fetch-dest", "image")]));
    }

    #[test]
    fn requests_ahead_of_the_user_do_not() {
        for (name, value) in [
            ("sec-purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("sec-purpose", "prefetch;anonymous-client-ip"),
            ("purpose", "prefetch"),
            ("Purpose", "Preview"),
            ("x-purpose", "preview"),
            ("x-moz", "prefetch"),
        ] {
            assert!(!ages(&[("sec-fetch-dest", "document"), (name, value)]), "{name}: {value}");
            assert!(!ages(&[(name, value)]), "{name}: {value}");
        }
    }
}
