"""Both clients against a real gateway."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from otpmux import AsyncOtpmux, Otpmux, Problem, Retry, Unreachable

from .conftest import Gateway
from .losing import Losing

NUMBERS = (f"+9198765{number:05}" for number in itertools.count(10_000))
QUICK = Retry(pause=0.001)


class Waiting:
    """The asynchronous client, called as if it were the other one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._args, self._options = args, options

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def run(*args: Any, **options: Any) -> Any:
            async with AsyncOtpmux(*self._args, **self._options) as client:
                return await getattr(client, name)(*args, **options)

        return lambda *args, **options: asyncio.run(run(*args, **options))


@pytest.fixture(params=[Otpmux, Waiting], ids=["sync", "async"])
def make(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def client(make: Any, gateway: Gateway) -> Any:
    return make(gateway.url, gateway.api_key)


def wrong(code: str) -> str:
    return code[:-1] + ("1" if code.endswith("0") else "0")


def test_an_address_that_is_none(make: Any) -> None:
    for url in ("", "127.0.0.1:8080"):
        with pytest.raises(ValueError, match="must begin with https://"):
            make(url, "key").capabilities()


def test_a_code_is_sent_and_verified_once(client: Any, gateway: Gateway) -> None:
    to = next(NUMBERS)
    sent = client.send(to, purpose="login", client_ip="192.0.2.7", metadata={"order": "7"})
    assert (sent.status, sent.channel, sent.confirmed) == ("pending", "sms", True)
    assert to not in repr(sent)
    assert sent.expires_at > datetime.now(timezone.utc)
    code = gateway.code(to)
    assert sent.code_length in (None, len(code))
    tried = client.verify(sent.id, wrong(code))
    assert (tried.verdict, tried.approved) == ("wrong_code", False)
    assert tried.guesses_left == sent.guesses_left - 1
    assert client.verify(sent.id, code).approved
    assert client.verify(sent.id, code).verdict == "already_used"
    shown = client.get(sent.id)
    assert (shown.status, shown.metadata) == ("approved", {"order": "7"})
    assert [attempt.provider for attempt in shown.send_attempts] == ["easyotp"]


def test_a_code_is_verified_by_recipient_or_by_an_id_of_the_caller(
    client: Any, gateway: Gateway
) -> None:
    to, other = next(NUMBERS), next(NUMBERS)
    client.send(to, purpose="login")
    code = gateway.code(to)
    assert client.verify_recipient(to, wrong(code), purpose="login").verdict == "wrong_code"
    assert client.verify_recipient(to, code, purpose="payment").verdict == "not_found"
    assert client.verify_recipient(other, code, purpose="login").verdict == "not_found"
    assert client.verify_recipient(to, code, purpose="login").approved
    assert not client.verify_recipient(to, code, purpose="login").approved
    name = f"order-{other}"
    client.send(other, purpose="login", external_id=name)
    code = gateway.code(other)
    assert client.verify_external(f"{name}-x", code, purpose="login").verdict == "not_found"
    assert client.verify_external(name, code, purpose="login").approved


def test_a_code_of_the_caller_is_delivered_and_never_verified(client: Any, gateway: Gateway) -> None:
    to = next(NUMBERS)
    made = client.deliver(to, "482913", purpose="login", ttl=600, metadata={"order": "7"})
    assert (made.status, made.channel, made.confirmed) == ("pending", "sms", True)
    assert "482913" in gateway.messages(to)[-1]["text"] and to not in repr(made)
    assert not client.verify_recipient(to, "482913", purpose="login").approved
    shown = client.delivery(made.id)
    assert [attempt.state for attempt in shown.send_attempts] == ["accepted"]
    assert shown.metadata == {"order": "7"}
    assert client.end_delivery(made.id, "approved") is None
    assert client.delivery(made.id).status == "ended"
    with pytest.raises(Problem) as refused:
        client.redeliver(made.id)
    assert refused.value.type == "not_found"


def test_what_is_cancelled_approves_nothing(client: Any, gateway: Gateway) -> None:
    to = next(NUMBERS)
    sent = client.send(to, purpose="login")
    assert client.cancel(sent.id) is None
    assert not client.verify(sent.id, gateway.code(to)).approved


def test_capabilities_name_the_channels(client: Any) -> None:
    assert "sms" in client.capabilities()["channels"]


def test_a_problem_says_what_is_wrong_and_what_is_known(client: Any) -> None:
    with pytest.raises(Problem) as caught:
        client.send("+91987", purpose="login")
    problem = caught.value
    assert (problem.type, problem.certainty) == ("invalid_request", "not_sent")
    assert problem.status in (400, 422)
    assert "987" not in str(problem).replace("+91 98765 43210", "").replace("+919876543210", "")


def test_a_wrong_key_is_told(make: Any, gateway: Gateway) -> None:
    with pytest.raises(Problem) as caught:
        make(gateway.url, "an unknown key").capabilities()
    assert (caught.value.type, caught.value.status) == ("unauthenticated", 401)


def test_an_answer_that_is_lost_sends_nothing_twice(make: Any, gateway: Gateway) -> None:
    to = next(NUMBERS)
    with Losing(gateway.url, lost=2) as proxy:
        sent = make(proxy.url, gateway.api_key, retry=QUICK).send(to, purpose="login")
    assert (sent.status, proxy.requests) == ("pending", 3)
    assert len(gateway.messages(to)) == 1


def test_a_verdict_that_is_lost_is_told_again_and_counted_once(
    make: Any, client: Any, gateway: Gateway
) -> None:
    to = next(NUMBERS)
    sent = client.send(to, purpose="login")
    code = gateway.code(to)
    with Losing(gateway.url, lost=1) as proxy:
        tried = make(proxy.url, gateway.api_key, retry=QUICK).verify(sent.id, wrong(code))
    assert (tried.verdict, tried.guesses_left) == ("wrong_code", sent.guesses_left - 1)
    with Losing(gateway.url, lost=1) as proxy:
        assert make(proxy.url, gateway.api_key, retry=QUICK).verify(sent.id, code).approved


def test_tries_end(make: Any, gateway: Gateway) -> None:
    with Losing(gateway.url, lost=9) as proxy:
        with pytest.raises(Unreachable) as caught:
            make(proxy.url, gateway.api_key, retry=QUICK).send(next(NUMBERS), purpose="login")
    assert (proxy.requests, caught.value.certainty) == (3, "unknown")


def test_what_a_vendor_refused_is_not_repeated() -> None:
    def problem(**members: Any) -> Problem:
        return Problem({"type": "https://otpmux.github.io/otpmux/problems/unavailable", "title": "x", **members})

    retry = Retry(tries=3, pause=0.25, longest_wait=5)
    assert retry.wait(problem(status=503, certainty="rejected"), 1) is None
    assert retry.wait(problem(status=503, certainty="rejected", retry_after=2), 1) == 2
    assert retry.wait(problem(status=503, certainty="not_sent", retry_after=60), 1) is None
    assert retry.wait(problem(status=503, certainty="unknown"), 1) == 0.25
    assert retry.wait(problem(status=503, certainty="unknown"), 2) == 0.5
    assert retry.wait(problem(status=503, certainty="unknown"), 3) is None
    assert retry.wait(problem(status=429, certainty="not_sent", retry_after=1), 1) is None


def test_both_clients_are_one_text() -> None:
    maker = Path(__file__).parents[1] / "make_sync.py"
    assert subprocess.run([sys.executable, str(maker), "--check"]).returncode == 0


def test_what_a_key_may_not_decide_about_the_text(client: Any) -> None:
    with pytest.raises(Problem) as refused:
        client.send(next(NUMBERS), message="{code}!", brand="Other", variables={"name": "Ann"})
    assert refused.value.type == "invalid_request"
    assert [one.field for one in refused.value.errors] == ["variables", "brand", "message"]
    assert "free_text = true" in refused.value.errors[2].message
