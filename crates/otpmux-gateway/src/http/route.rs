//! The route of a request, for labels and log lines: never an id.

use crate::doors::Mounted;

/// The paths of the HTTP API, the most frequent first. A name in braces matches one variable part. Of two
/// that fit, the first counts.
const ROUTES: [&str; 24] = [
    "/v1/verifications",
    "/v1/verifications/verify",
    "/v1/verifications/{id}/verify",
    "/v1/verifications/{id}/resend",
    "/v1/verifications/{id}",
    "/v1/deliveries",
    "/v1/deliveries/{id}",
    "/v1/deliveries/{id}/resend",
    "/v1/deliveries/{id}/outcome",
    "/v1/receipts/{provider}",
    "/v1/capabilities",
    "/v1/admin/reload",
    "/v1/admin/providers",
    "/v1/admin/events",
    "/v1/admin/events/trigger/{type}",
    "/v1/admin/events/{id}/retry",
    "/v1/admin/endpoints/{name}/pause",
    "/v1/admin/endpoints/{name}/resume",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/problems/{type}",
];

/// Returns the path with its variable parts replaced by their names.
pub(super) fn route(doors: &Mounted, path: &str) -> &'static str {
    let known = ROUTES.into_iter().find(|route| fits(route, path));
    known.or_else(|| doors.label(path)).unwrap_or("other")
}

fn fits(route: &str, path: &str) -> bool {
    let (mut route, mut path) = (route.as_bytes(), path.as_bytes());
    let after = |text: &[u8], end: u8| text.iter().position(|&byte| byte == end);
    while let [first, rest @ ..] = route {
        if *first == b'{' {
            route = after(rest, b'}').map_or(&[][..], |end| &rest[end + 1..]);
            path = &path[after(path, b'/').unwrap_or(path.len())..];
        } else if path.first() == Some(first) {
            (route, path) = (rest, &path[1..]);
        } else {
            return false;
        }
    }
    path.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_hold_no_id() {
        let cases = [
            ("/v1/verifications", "/v1/verifications"),
            ("/v1/verifications/0af7651916cd43dd8448eb211c80319c", "/v1/verifications/{id}"),
            ("/v1/verifications/verify", "/v1/verifications/verify"),
            ("/v1/verifications/x/verify", "/v1/verifications/{id}/verify"),
            ("/v1/verifications/x/resend", "/v1/verifications/{id}/resend"),
            ("/v1/verifications/x/resend/y", "other"),
            ("/v1/deliveries/x/outcome", "/v1/deliveries/{id}/outcome"),
            ("/v1/receipts/twilio", "/v1/receipts/{provider}"),
            ("/v1/receipts/", "/v1/receipts/{provider}"),
            ("/v1/verifications/", "/v1/verifications/{id}"),
            ("/v1/verification", "other"),
            ("/+919876543210", "other"),
            ("", "other"),
        ];
        for (path, label) in cases {
            assert_eq!(route(&Mounted::default(), path), label, "{path}");
        }
    }

    #[test]
    fn every_described_path_has_its_label() {
        let document = crate::openapi();
        let paths = document["paths"].as_object().unwrap();
        assert!(paths.len() > 10);
        for path in paths.keys() {
            assert_eq!(route(&Mounted::default(), path), path);
        }
    }
}
