use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{RefOr, Required};
use utoipa::{Modify, OpenApi};

use super::{
    cancel, capabilities, create, deliveries, docs, events, health, providers, receipts, reload,
    resend, show, verify, verify_selected,
};
use crate::problem::Content;

/// One API over every OTP vendor: send a code, verify it, and keep working when a vendor does not.
#[derive(OpenApi)]
#[openapi(
    info(title = "otpmux", description = "One API over every OTP vendor: send a code, verify it, and \
        keep working when a vendor does not. Every error is a problem (RFC 9457) whose `type` stays \
        the same; `certainty` says what is known about the message."),
    paths(
        create::create, verify::verify, verify_selected::verify, resend::resend, show::show, cancel::cancel,
        deliveries::create::create, deliveries::show::show, deliveries::resend::resend,
        deliveries::outcome::outcome,
        receipts::receive, receipts::receive_by_query, capabilities::capabilities, reload::reload, providers::providers,
        events::show, events::retry, events::trigger, events::pause, events::resume, health::alive, health::ready, health::metrics,
        docs::document, docs::page, docs::problem,
    ),
    components(schemas(Content)),
    security(("api_key" = [])),
    tags(
        (name = "verifications", description = "For applications"),
        (name = "deliveries", description = "For applications that make and check their codes themselves"),
        (name = "receipts", description = "For vendors"),
        (name = "operation", description = "For operators of the gateway"),
    ),
    modifiers(&ApiKeyScheme, &OptionalBodies),
)]
struct Document;

struct ApiKeyScheme;

impl Modify for ApiKeyScheme {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        let scheme = scheme.description(Some("An API key of the configuration.")).build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("api_key", SecurityScheme::Http(scheme));
    }
}

/// Marks a body as optional. If it is sent, it must be an object; an `Option` would document that
/// it may be null.
struct OptionalBodies;

impl Modify for OptionalBodies {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        for path in ["/v1/verifications/{id}/resend", "/v1/deliveries/{id}/resend"] {
            let resend = openapi.paths.paths.get_mut(path);
            let body = resend.and_then(|path| path.post.as_mut()?.request_body.as_mut());
            if let Some(RefOr::T(body)) = body {
                body.required = Some(Required::False);
            }
        }
    }
}

/// Returns the description of the HTTP API (`OpenAPI` 3.1), generated from the handlers.
pub fn openapi() -> serde_json::Value {
    // It consists of texts and numbers, which always serialise.
    serde_json::to_value(Document::openapi()).unwrap_or_default()
}
