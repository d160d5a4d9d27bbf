//! The page of each problem type: its cause and what to do. The gateway serves them, and they are
//! pages of the documentation site.

/// The prefix of every problem's `type`. With the word of the type it is the address of its page.
pub(crate) const BASE: &str = "https://otpmux.github.io/otpmux/problems/";

macro_rules! pages {
    ($($kind:literal),* $(,)?) => {
        &[$(($kind, include_str!(concat!("pages/", $kind, ".md")))),*]
    };
}

/// Every type with its page, in Markdown.
pub(crate) const PAGES: &[(&str, &str)] = pages![
    "circuit_open",
    "configuration",
    "conflict",
    "forbidden",
    "fraud_suspected",
    "insufficient_funds",
    "internal",
    "invalid_recipient",
    "invalid_request",
    "key_reused",
    "method_not_allowed",
    "not_a_code",
    "not_found",
    "protocol",
    "rate_limited",
    "request_timeout",
    "store",
    "timeout",
    "too_large",
    "too_many_requests",
    "transport",
    "unauthenticated",
    "unavailable",
    "unsupported",
    "unsupported_media_type",
];

/// Returns the page of a type.
pub(crate) fn page(kind: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| *known == kind).map(|(_, page)| *page)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use otpmux::ErrorKind;

    use super::*;

    #[test]
    fn each_error_kind_has_a_page() {
        for kind in ErrorKind::ALL {
            assert!(page(kind.as_str()).is_some(), "{}", kind.as_str());
        }
    }

    #[test]
    fn each_file_is_a_page() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/problem/pages");
        let files: BTreeSet<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let pages: BTreeSet<_> = PAGES.iter().map(|(kind, _)| format!("{kind}.md")).collect();
        assert_eq!(files, pages);
    }

    /// The documentation site makes its table of types from the first two lines.
    #[test]
    fn each_page_has_a_status_a_cause_and_a_remedy() {
        for (kind, page) in PAGES {
            let begin = format!("# {kind}\n\n");
            let rest = page.strip_prefix(&begin).unwrap_or_else(|| panic!("{kind}: its heading"));
            let (title, rest) = rest.split_once(". HTTP status: ").unwrap();
            assert!(!title.contains('\n'), "{kind}");
            let (statuses, rest) = rest.split_once(".\n\n## Cause\n\n").unwrap();
            for status in statuses.split(", ") {
                assert!(("400"..="504").contains(&status), "{kind}: {status}");
            }
            let (cause, remedy) = rest.split_once("\n\n## What to do\n\n- ").unwrap();
            assert!(cause.len() > 40 && remedy.len() > 40, "{kind}");
        }
    }
}
