//! GET /dev/outbox: the messages that would have been sent, so that whoever tries the product out can read the code.
//! A page for people, JSON for programs; outside development it does not exist.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use domain::phone::Phone;
use http::{HeaderMap, HeaderValue, header};
use http_kit::Problem;
use serde::{Deserialize, Serialize};
use services::context::Context;
use services::notifications::development_outbox::{
    DevelopmentMessage, DevelopmentOutboxError, list,
};

use crate::problem::{ApiError, ApiResult};
use crate::reference_page::PAGE_POLICY;

/// Whose messages.
#[derive(Deserialize)]
pub(crate) struct OutboxQuery {
    /// Only those to this phone.
    phone: Option<String>,
}

#[derive(Serialize)]
struct Message {
    id: uuid::Uuid,
    channel: String,
    recipient: String,
    text: String,
    created_at: chrono::DateTime<chrono::Utc>,
}

#[derive(Serialize)]
struct Messages {
    items: Vec<Message>,
}

/// The newest messages, newest first.
pub(crate) async fn show(
    State(ctx): State<Context>,
    Query(query): Query<OutboxQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let phone = query
        .phone
        .map(|phone| Phone::parse(&phone, ctx.config().default_region))
        .transpose()
        .map_err(|error| crate::wire::field("?phone", "bad_format", error.to_string()))?;
    let messages = list(&ctx, phone.as_ref(), 50).await?;
    let accepts = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if accepts.is_some_and(|accept| accept.contains("text/html")) {
        return Ok(page(&messages));
    }
    let items = messages.into_iter().map(Message::from).collect();
    Ok(Json(Messages { items }).into_response())
}

impl From<DevelopmentMessage> for Message {
    fn from(message: DevelopmentMessage) -> Self {
        Self {
            id: message.id,
            channel: message.channel,
            recipient: message.recipient,
            text: message.text,
            created_at: message.created_at,
        }
    }
}

impl From<DevelopmentOutboxError> for ApiError {
    fn from(error: DevelopmentOutboxError) -> Self {
        match error {
            DevelopmentOutboxError::NotDevelopment => Problem::not_found().into(),
            DevelopmentOutboxError::Store(error) => error.into(),
        }
    }
}

fn page(messages: &[DevelopmentMessage]) -> Response {
    let mut rows = String::new();
    for message in messages {
        let _infallible = write!(
            rows,
            "<tr><td>{}</td><td>{}</td><td><pre>{}</pre></td></tr>",
            message.created_at.format("%H:%M:%S"),
            escaped(&message.recipient),
            escaped(&message.text),
        );
    }
    if rows.is_empty() {
        rows.push_str("<tr><td>Nothing was sent yet.</td></tr>");
    }
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Outbox · Own Circle</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"refresh\" content=\"5\"><link rel=\"stylesheet\" href=\"/docs/reference.css\"></head>\
         <body class=\"plain\"><main><h1>Development outbox</h1><p>Messages that would have been sent; times are UTC.</p>\
         <table><tbody>{rows}</tbody></table></main></body></html>"
    );
    let mut response = Html(html).into_response();
    let policy = HeaderValue::from_static(PAGE_POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
