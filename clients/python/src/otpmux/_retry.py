"""When a request may be repeated. Nothing here does I/O: both clients decide by it."""

from __future__ import annotations

from dataclasses import dataclass

from ._errors import OtpmuxError, Problem, Unreachable


@dataclass(frozen=True)
class Retry:
    """How often and how long a request is repeated.

    A request that writes carries one idempotency key for all its tries, so the gateway carries it
    out once, however often it is repeated.
    """

    tries: int = 3
    """How often a request is made at the most."""
    pause: float = 0.25
    """Seconds before the second try; they double with each."""
    longest_wait: float = 5.0
    """The longest wait in seconds. What the gateway asks to wait for longer is told at once."""

    def wait(self, error: OtpmuxError, tried: int) -> float | None:
        """Seconds to wait before the next try, or `None` to tell the caller."""
        if tried >= self.tries:
            return None
        backoff: float = self.pause * 2 ** (tried - 1)
        if isinstance(error, Unreachable):
            return min(backoff, self.longest_wait)
        if not isinstance(error, Problem) or not _repeatable(error):
            return None
        wait = backoff if error.retry_after is None else max(backoff, error.retry_after)
        return wait if wait <= self.longest_wait else None


def _repeatable(problem: Problem) -> bool:
    # The first request under this key is still under way: its answer can be had in a moment.
    if problem.status == 409:
        return problem.type == "conflict"
    # A limit is the caller's to tell its user. A vendor that said no says it again, unless the
    # gateway says when to come back.
    if problem.certainty == "rejected" and problem.retry_after is None:
        return False
    return problem.status >= 500
