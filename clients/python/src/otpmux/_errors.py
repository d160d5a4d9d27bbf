"""What can go wrong, and what is known about the message then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class OtpmuxError(Exception):
    """Every error of this package."""

    certainty: str = "unknown"
    """What is known about the message: `not_sent`, `rejected` or `unknown`."""


class Unreachable(OtpmuxError):
    """No answer of the gateway came: it may have carried out the request.

    Repeat the request under the same idempotency key to learn what came of it.
    """


@dataclass(frozen=True)
class FieldError:
    """One field of the request that is wrong."""

    field: str
    message: str


class Problem(OtpmuxError):
    """The gateway did not do what it was asked (RFC 9457).

    Decide by `type` and `certainty`; `title` and `detail` are for people.
    """

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.type: str = str(body.get("type", "")).rpartition(":")[2].rpartition("/")[2]
        """A word that stays the same, such as `rate_limited`."""
        self.title: str = str(body.get("title", ""))
        self.detail: str = str(body.get("detail", ""))
        self.status: int = int(body.get("status", 0))
        self.certainty = str(body.get("certainty", "unknown" if self.status >= 500 else "not_sent"))
        self.provider: str | None = body.get("provider")
        """The provider that the problem is about."""
        self.retry_after: float | None = body.get("retry_after")
        """Seconds to wait before another try."""
        self.errors: tuple[FieldError, ...] = tuple(
            FieldError(str(one.get("field", one.get("path", ""))), str(one.get("message", "")))
            for one in body.get("errors", ())
        )
        """Each field that is wrong."""
        super().__init__(f"{self.title}: {self.detail}" if self.detail else self.title)
