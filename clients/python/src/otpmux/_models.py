"""What the gateway answers. Members that this version does not know are ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class SendAttempt:
    """One try at one provider."""

    provider: str
    channel: str
    state: str
    """`intended`, `accepted`, `not_sent`, `rejected` or `unknown`."""
    reason: str | None = None
    """Why it was this provider's turn, such as `preferred` or `failover`."""
    failure: str | None = None
    delivery: str | None = None
    """Where the message is, as far as its vendor reported it: `delivered`, `failed` and so on."""
    delivered_at: datetime | None = None


@dataclass(frozen=True)
class Skipped:
    """A provider that was passed over."""

    provider: str
    reason: str | None = None
    """Why, such as `circuit_open`."""


@dataclass(frozen=True)
class Verification:
    """One recipient proving one thing once. Keep `id` in the user's session, on the server."""

    id: str
    status: str
    """`pending`, `approved`, `expired`, `locked` or `closed`."""
    channel: str
    to: str
    """The recipient, masked."""
    confirmed: bool
    """Whether a vendor has taken the newest message. If not, it may still arrive."""
    expires_at: datetime
    resend_after: datetime
    guesses_left: int
    code_source: str = "otpmux"
    """`otpmux` (made by the gateway) or `vendor` (made by the vendor of the newest message)."""
    new_code: bool = False
    """Whether the newest message carries another code than those before it; both are good."""
    repeated: bool = False
    """Whether this send repeated a verification that was live, because of `repeat`."""
    next_step_at: datetime | None = None
    """When another message may be sent without a request; `None` if none will be."""
    code_length: int | None = None
    """Digits of the code, where that is known. Do not hard-code six."""
    send_attempts: tuple[SendAttempt, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Verification:
        return cls(
            id=body["id"],
            status=body["status"],
            channel=body["channel"],
            to=body["to"],
            confirmed=body["confirmed"],
            expires_at=_time(body["expires_at"]),
            resend_after=_time(body["resend_after"]),
            guesses_left=body["guesses_left"],
            code_source=body.get("code_source", "otpmux"),
            new_code=body.get("new_code", False),
            repeated=body.get("repeated", False),
            next_step_at=_time(body["next_step_at"]) if body.get("next_step_at") else None,
            code_length=body.get("code_length"),
            send_attempts=_send_attempts(body),
            skipped=_skipped(body),
            metadata=dict(body.get("metadata", {})),
        )


@dataclass(frozen=True)
class Delivery:
    """The delivery of a code that your application made and checks itself."""

    id: str
    status: str
    """`pending` (it can be sent again) or `ended`."""
    channel: str
    to: str
    """The recipient, masked."""
    confirmed: bool
    """Whether a vendor has accepted the newest message. If not, it may still arrive."""
    expires_at: datetime
    resend_after: datetime
    send_attempts: tuple[SendAttempt, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Delivery:
        return cls(
            id=body["id"],
            status=body["status"],
            channel=body["channel"],
            to=body["to"],
            confirmed=body["confirmed"],
            expires_at=_time(body["expires_at"]),
            resend_after=_time(body["resend_after"]),
            send_attempts=_send_attempts(body),
            skipped=_skipped(body),
            metadata=dict(body.get("metadata", {})),
        )


@dataclass(frozen=True)
class Verdict:
    """The answer to a code. A wrong code is an answer, not an error."""

    verdict: str
    """`approved`, `wrong_code`, `expired`, `already_used`, `too_many_guesses`, `not_found`,
    `gone` or `rejected`."""
    guesses_left: int | None = None
    retry_after: float | None = None

    @property
    def approved(self) -> bool:
        """Whether to let the user in. Nothing else does."""
        return self.verdict == "approved"

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Verdict:
        return cls(body["verdict"], body.get("guesses_left"), body.get("retry_after"))


def _send_attempts(body: Mapping[str, Any]) -> tuple[SendAttempt, ...]:
    return tuple(
        SendAttempt(
            provider=attempt["provider"],
            channel=attempt["channel"],
            state=attempt["state"],
            reason=attempt.get("reason"),
            failure=attempt.get("failure"),
            delivery=attempt.get("delivery"),
            delivered_at=_time(at) if (at := attempt.get("delivered_at")) else None,
        )
        for attempt in body.get("send_attempts", ())
    )


def _skipped(body: Mapping[str, Any]) -> tuple[Skipped, ...]:
    return tuple(
        Skipped(provider=skip["provider"], reason=skip.get("reason"))
        for skip in body.get("skipped", ())
    )


def _time(text: str) -> datetime:
    # Python 3.10 does not read the `Z` of RFC 3339.
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
