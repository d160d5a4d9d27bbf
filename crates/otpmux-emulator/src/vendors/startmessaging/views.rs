//! Endpoints that read: messages, the wallet, templates.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{MessageShape, Template};
use super::answer::{Problem, envelope, success};
use super::message::SentMessage;
use super::{Answer, StartMessaging};
use crate::exchange::{Call, Reply};
use crate::ids;

impl StartMessaging {
    pub(super) fn get_message(&self, id: &str, now: Timestamp) -> Answer {
        let shape = self.account.message_shape();
        let Some(message) = self.message(id)? else {
            return Ok(success(200, Value::Null, now));
        };
        let data = message.view(id, &self.user_id, shape, message.status());
        if shape == MessageShape::Docs {
            // The documentation shows this answer without request id and time.
            let body = json!({ "success": true, "statusCode": 200, "data": data });
            return Ok(Reply::json(200, &body));
        }
        Ok(success(200, data, now))
    }

    /// Returns the status. States in transit are shown as `sent`, `expired` as `failed`; 201 as for
    /// every POST.
    pub(super) fn check_status(&self, id: &str, now: Timestamp) -> Answer {
        let Some(message) = self.message(id)? else {
            return Ok(success(201, Value::Null, now));
        };
        let status = match message.status() {
            "initiated" | "queued" => "sent",
            "expired" => "failed",
            other => other,
        };
        let shape = self.account.message_shape();
        Ok(success(201, message.view(id, &self.user_id, shape, status), now))
    }

    /// Returns a message; `None` where older revisions answer null for an unknown one.
    fn message(&self, id: &str) -> Result<Option<&SentMessage>, Problem> {
        if !ids::is_uuid(id) {
            return Err(Problem::NotUuid);
        }
        match self.messages.get(id) {
            None if self.account.unknown_message_is_null => Ok(None),
            None => Err(Problem::UnknownMessage),
            found => Ok(found),
        }
    }

    /// Lists messages, newest first. Of the filters only `status` is emulated; cursors are not.
    pub(super) fn list_messages(&self, call: &Call, now: Timestamp) -> Reply {
        let wanted = call.query("status");
        let fits = |message: &SentMessage| {
            wanted.as_deref().is_none_or(|status| status == message.status())
        };
        let all: Vec<_> = self.messages.newest().filter(|(_, message)| fits(message)).collect();
        paginated(call, now, &all, |(id, message)| {
            message.view(id, &self.user_id, MessageShape::Server, message.status())
        })
    }

    pub(super) fn wallet(&self, now: Timestamp) -> Reply {
        let paise = self.account.balance_paise;
        let text = format!("{}.{:02}00", paise / 100, paise % 100);
        let balance = if self.account.balance_as_number {
            // A decimal number of this form is always JSON.
            serde_json::from_str(&text).unwrap_or(Value::Null)
        } else {
            Value::String(text)
        };
        let data = json!({
            "id": self.wallet_id,
            "createdAt": self.created_at(),
            "updatedAt": self.created_at(),
            "deletedAt": null,
            "userId": self.user_id,
            "balance": balance,
            "currency": "INR",
            "version": self.wallet_version,
        });
        success(200, data, now)
    }

    pub(super) fn list_templates(&self, call: &Call, now: Timestamp) -> Reply {
        let created = self.created_at();
        paginated(call, now, &self.account.templates, |template: &Template| {
            let reviewed = (template.status == "approved").then_some(&created);
            json!({
                "id": template.id,
                "createdAt": created,
                "updatedAt": created,
                "deletedAt": null,
                "userId": self.user_id,
                "name": template.name,
                "body": template.body,
                "channelId": "1b2c3d4e-5f60-4718-8293-a4b5c6d7e8f9",
                "status": template.status,
                "language": "en",
                "metadata": null,
                "rejectionReason": null,
                "submittedAt": created,
                "reviewedAt": reviewed,
                "reviewedBy": null,
            })
        })
    }
}

fn paginated<T>(call: &Call, now: Timestamp, all: &[T], view: impl Fn(&T) -> Value) -> Reply {
    let (page, limit) = call.page();
    let pages = all.len().div_ceil(limit);
    let shown = all.iter().skip((page - 1).saturating_mul(limit)).take(limit);
    let mut body = envelope(true, 200, now);
    body["data"] = shown.map(view).collect();
    body["pagination"] = json!({
        "page": page,
        "limit": limit,
        "totalItems": all.len(),
        "totalPages": pages,
        "hasNextPage": page < pages,
        "hasPreviousPage": page > 1,
    });
    Reply::json(200, &body)
}
