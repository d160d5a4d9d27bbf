//! The page and the admin API.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;

use crate::input::{MOST_BODY_BYTES, Refusal};
use crate::shared::Shared;
use crate::{admin, handset};

pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .merge(admin::router())
        .merge(handset::router())
        .fallback(unknown_path)
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), handset::guard))
        .with_state(Arc::clone(shared))
}

async fn unknown_path(uri: Uri) -> Refusal {
    let routes = admin::ROUTES;
    let text =
        format!("no page at {}; each vendor has its own port; this port has: {routes}", uri.path());
    Refusal::new(StatusCode::NOT_FOUND, text)
}

async fn other_method(method: Method, uri: Uri) -> Refusal {
    let text = format!("{} does not take {method}; there are: {}", uri.path(), admin::ROUTES);
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text)
}

/// Serves one connection until it ends, or the emulator stops.
pub(crate) async fn connection(stream: TcpStream, router: Router, shared: Arc<Shared>) {
    // Without it, small answers wait for the acknowledgement of earlier ones.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        () = shared.stopped() => connection.as_mut().graceful_shutdown(),
    }
    // However it ends, no client is left to answer.
    let _ = connection.await;
}
