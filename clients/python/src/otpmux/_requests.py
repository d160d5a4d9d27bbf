"""The calls of the API as data, and how their answers are read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from ._errors import Problem, Unreachable


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None


def send(to: str, idempotency_key: str | None, client: Mapping[str, Any], **wishes: Any) -> Request:
    body = _some({"to": to, **wishes, "client": _some(client) or None})
    return Request("POST", "/v1/verifications", body, _named(idempotency_key))


def resend(
    id: str, channel: str | None, locale: str | None, idempotency_key: str | None
) -> Request:
    body = _some({"channel": channel, "locale": locale})
    return Request("POST", f"{_path(id)}/resend", body, _named(idempotency_key))


def verify(id: str, code: str, client_ip: str | None, idempotency_key: str | None) -> Request:
    body = _some({"code": code, "client": _some({"ip": client_ip}) or None})
    return Request("POST", f"{_path(id)}/verify", body, _named(idempotency_key))


def verify_selected(
    code: str, client_ip: str | None, idempotency_key: str | None, **selection: str | None
) -> Request:
    body = _some({**selection, "code": code, "client": _some({"ip": client_ip}) or None})
    return Request("POST", "/v1/verifications/verify", body, _named(idempotency_key))


def get(id: str) -> Request:
    return Request("GET", _path(id))


def cancel(id: str) -> Request:
    return Request("DELETE", _path(id))


def deliver(
    to: str, idempotency_key: str | None, client: Mapping[str, Any], **wishes: Any
) -> Request:
    body = _some({"to": to, **wishes, "client": _some(client) or None})
    return Request("POST", "/v1/deliveries", body, _named(idempotency_key))


def redeliver(
    id: str, channel: str | None, locale: str | None, idempotency_key: str | None
) -> Request:
    body = _some({"channel": channel, "locale": locale})
    return Request("POST", f"{_delivery(id)}/resend", body, _named(idempotency_key))


def delivery(id: str) -> Request:
    return Request("GET", _delivery(id))


def end_delivery(id: str, outcome: str) -> Request:
    return Request("POST", f"{_delivery(id)}/outcome", {"outcome": outcome})


def capabilities() -> Request:
    return Request("GET", "/v1/capabilities")


def read(answer: httpx.Response) -> Any:
    """The body of a good answer, `None` where it has none.

    Raises `Problem` for what the gateway refuses, `Unreachable` for what does not come from it.
    """
    if answer.is_success:
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise Unreachable("the answer is not JSON; is this the gateway's address?") from error
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        try:
            body = answer.json()
        except ValueError:
            body = None
        if isinstance(body, dict):
            raise Problem(body)
    raise Unreachable(f"HTTP status {answer.status_code}, not from the gateway")


def _path(id: str) -> str:
    return f"/v1/verifications/{quote(id, safe='')}"


def _delivery(id: str) -> str:
    return f"/v1/deliveries/{quote(id, safe='')}"


def _named(key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid.uuid4())}


def _some(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}
