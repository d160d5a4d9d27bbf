"""The client for programs that wait; made by make_sync.py."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import httpx

from . import _requests
from ._errors import OtpmuxError, Unreachable
from ._models import Delivery, Verdict, Verification
from ._requests import Request
from ._retry import Retry


class Otpmux:
    """A client of one gateway, safe to share between threads. Use one for the whole program.

    `timeout` is in seconds, for one try; it should exceed the gateway's `policy.deadline`. Pass an
    `http` client of your own for proxies or certificates; it is then yours to close.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout: float = 30.0,
        retry: Retry | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError("the URL of the gateway must begin with https:// or http://")
        self._url = url.rstrip("/")
        self._authorization = f"Bearer {api_key}"
        self._timeout = timeout
        self._retry = retry or Retry()
        self._own = http is None
        self._http = http or httpx.Client()

    def send(
        self,
        to: str,
        *,
        country: str | None = None,
        purpose: str | None = None,
        channel: str | None = None,
        locale: str | None = None,
        ttl: int | None = None,
        code_length: int | None = None,
        template: str | None = None,
        variables: Mapping[str, str] | None = None,
        brand: str | None = None,
        message: str | None = None,
        repeat: str | None = None,
        escalate: bool | None = None,
        external_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        client_ip: str | None = None,
        user_agent: str | None = None,
        idempotency_key: str | None = None,
    ) -> Verification:
        """Sends a code to a telephone number or an e-mail address.

        A number begins with `+`, or is in the national form of `country` (ISO 3166-1). `ttl` is in
        seconds. `variables` fills the variables of the configured text, `brand` names the service in
        it; `message` is a text of your own with `{code}`, for API keys that may give one.
        While a verification is live, `repeat="same_code"` sends it again, `"new_code"` a new one.
        `escalate=False` sends no message that was not requested.
        `external_id` is an id of your own, for `verify_external`. `client_ip` is the end user's
        address: without it, nothing limits one attacker. All tries of this call have one idempotency
        key; give your own to make a repeat after a crash safe, too.
        """
        request = _requests.send(
            to,
            idempotency_key,
            {"ip": client_ip, "user_agent": user_agent},
            country=country,
            purpose=purpose,
            channel=channel,
            locale=locale,
            ttl=ttl,
            code_length=code_length,
            template=template,
            variables=variables,
            brand=brand,
            message=message,
            repeat=repeat,
            escalate=escalate,
            external_id=external_id,
            metadata=metadata,
        )
        return Verification.of(self._call(request))

    def resend(
        self,
        id: str,
        *,
        channel: str | None = None,
        locale: str | None = None,
        idempotency_key: str | None = None,
    ) -> Verification:
        """Sends another message because the user asked for it. Renews neither ttl nor guesses."""
        request = _requests.resend(id, channel, locale, idempotency_key)
        return Verification.of(self._call(request))

    def verify(
        self,
        id: str,
        code: str,
        *,
        client_ip: str | None = None,
        idempotency_key: str | None = None,
    ) -> Verdict:
        """Checks a code. Only `verdict.approved` lets the user in; an error never does.

        All tries of this call have one idempotency key, so a lost answer costs no guess.
        """
        request = _requests.verify(id, code, client_ip, idempotency_key)
        return Verdict.of(self._call(request))

    def verify_recipient(
        self,
        to: str,
        code: str,
        *,
        country: str | None = None,
        purpose: str | None = None,
        client_ip: str | None = None,
        idempotency_key: str | None = None,
    ) -> Verdict:
        """Checks a code for the newest verification of a recipient and purpose.

        Nothing needs to be kept between `send` and this call. Do not show users the reason of a
        verdict: it reveals to a stranger whether a code was sent.
        """
        request = _requests.verify_selected(
            code, client_ip, idempotency_key, to=to, country=country, purpose=purpose
        )
        return Verdict.of(self._call(request))

    def verify_external(
        self,
        external_id: str,
        code: str,
        *,
        purpose: str | None = None,
        client_ip: str | None = None,
        idempotency_key: str | None = None,
    ) -> Verdict:
        """Checks a code for the verification that was sent with this `external_id`."""
        request = _requests.verify_selected(
            code, client_ip, idempotency_key, external_id=external_id, purpose=purpose
        )
        return Verdict.of(self._call(request))

    def get(self, id: str) -> Verification:
        """Returns the status and the history of a verification."""
        return Verification.of(self._call(_requests.get(id)))

    def cancel(self, id: str) -> None:
        """Cancels a verification: no code is valid for it any more."""
        self._call(_requests.cancel(id))

    def deliver(
        self,
        to: str,
        code: str | None = None,
        *,
        country: str | None = None,
        purpose: str | None = None,
        channel: str | None = None,
        locale: str | None = None,
        ttl: int | None = None,
        template: str | None = None,
        variables: Mapping[str, str] | None = None,
        brand: str | None = None,
        message: str | None = None,
        metadata: Mapping[str, str] | None = None,
        client_ip: str | None = None,
        user_agent: str | None = None,
        idempotency_key: str | None = None,
    ) -> Delivery:
        """Delivers a code that your application made and checks itself.

        It has the routes, limits and failover of a send, and is no verification. `message` is a
        finished text with the code, for API keys that may give one; without `code`, the only number
        of 4 to 10 digits in it is the code.
        """
        request = _requests.deliver(
            to,
            idempotency_key,
            {"ip": client_ip, "user_agent": user_agent},
            code=code,
            country=country,
            purpose=purpose,
            channel=channel,
            locale=locale,
            ttl=ttl,
            template=template,
            variables=variables,
            brand=brand,
            message=message,
            metadata=metadata,
        )
        return Delivery.of(self._call(request))

    def redeliver(
        self,
        id: str,
        *,
        channel: str | None = None,
        locale: str | None = None,
        idempotency_key: str | None = None,
    ) -> Delivery:
        """Delivers the same code again because the user asked for it."""
        request = _requests.redeliver(id, channel, locale, idempotency_key)
        return Delivery.of(self._call(request))

    def delivery(self, id: str) -> Delivery:
        """Returns the status and the history of a delivery."""
        return Delivery.of(self._call(_requests.delivery(id)))

    def end_delivery(self, id: str, outcome: str) -> None:
        """Reports the outcome: `approved` (the user typed the code) or `cancelled`."""
        self._call(_requests.end_delivery(id, outcome))

    def capabilities(self) -> Mapping[str, Any]:
        """Returns channels, countries, lengths of codes and limits, as the gateway is configured."""
        answer: Mapping[str, Any] = self._call(_requests.capabilities())
        return answer

    def close(self) -> None:
        """Closes the connections, unless the HTTP client is yours."""
        if self._own:
            self._http.close()

    def __enter__(self) -> Otpmux:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _call(self, request: Request) -> Any:
        tried = 0
        while True:
            tried += 1
            try:
                return self._once(request)
            except OtpmuxError as error:
                wait = self._retry.wait(error, tried)
                if wait is None:
                    raise
            time.sleep(wait)

    def _once(self, request: Request) -> Any:
        try:
            answer = self._http.request(
                request.method,
                self._url + request.path,
                json=request.body,
                headers={"Authorization": self._authorization, **(request.headers or {})},
                timeout=self._timeout,
            )
        except httpx.TransportError as error:
            kind = type(error).__name__
            raise Unreachable(f"no answer from the gateway ({kind}): is its URL right, and does it run?") from error
        return _requests.read(answer)
