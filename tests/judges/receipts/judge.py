"""Checks the signatures in the golden receipts with the vendors' own libraries.

The adapters must accept and refuse the same files (`cargo test -p otpmux-tests --test golden`), so an
adapter and the vendor's library agree on every one of them. Nothing is sent; the clock is each file's.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import bird
import jwt
import plivo.utils
import standardwebhooks.webhooks
import svix.webhooks
from mailgun.security import SecurityGuard
from sendgrid.helpers.eventwebhook import EventWebhook
from sinch.domains.sms.sinch_events.v1 import SmsSinchEvent
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature
from twilio.request_validator import RequestValidator
from vonage_jwt import verify_signature

ROOT = Path(__file__).resolve().parents[3]
PRESETS = ROOT / "crates/adapters/http/presets"
# The public address in the golden files.
PUBLIC_URL = "https://otp.example.com"


class Call:
    """A vendor's request, and the settings with which the file is played."""

    def __init__(self, file: dict, settings: dict) -> None:
        request = file["request"]
        self.url = PUBLIC_URL + request["path"]
        self.headers = {name.lower(): value for name, value in request["headers"].items()}
        self.form = request["body"] if isinstance(request["body"], dict) else {}
        self.body = request["body"] if isinstance(request["body"], str) else ""
        self.settings = settings
        self.secret = settings.get("receipt_secret", "")


def accepts(error: type[Exception], check: Callable[..., object], *arguments: object) -> bool:
    try:
        check(*arguments)
    except error:
        return False
    return True


def twilio(call: Call) -> bool:
    validator = RequestValidator(call.settings["auth_token"])
    return validator.validate(call.url, call.form, call.headers["x-twilio-signature"])


def vonage(call: Call) -> bool:
    token = call.headers["authorization"].removeprefix("Bearer ")
    # The library checks the token; its claim about the body is the caller's to compare.
    claims = jwt.decode(token, options={"verify_signature": False})
    hashed = hashlib.sha256(call.body.encode()).hexdigest()
    return verify_signature(token, call.secret) and claims["payload_hash"] == hashed


def plivo_v2(call: Call) -> bool:
    nonce = call.headers["x-plivo-signature-v2-nonce"]
    signature = call.headers["x-plivo-signature-v2"]
    return plivo.utils.validate_signature(call.url, nonce, signature, call.settings["auth_token"])


def telnyx(call: Call) -> bool:
    arguments = (call.body, call.headers, call.secret)
    return accepts(WebhookVerificationError, verify_webhook_signature, *arguments)


def sinch(call: Call) -> bool:
    return SmsSinchEvent(call.secret).validate_authentication_header(call.headers, call.body)


def bird_webhook(call: Call) -> bool:
    client = bird.Bird(api_key="bk_us1_none", webhook_secret=call.secret)
    unwrap = client.webhooks.unwrap
    return accepts(bird.WebhookVerificationError, unwrap, call.body, call.headers)


def resend(call: Call) -> bool:
    verify = svix.webhooks.Webhook(call.secret).verify
    return accepts(svix.webhooks.WebhookVerificationError, verify, call.body, call.headers)


def webhook(call: Call) -> bool:
    verify = standardwebhooks.webhooks.Webhook(call.settings["secret"]).verify
    error = standardwebhooks.webhooks.WebhookVerificationError
    return accepts(error, verify, call.body, call.headers)


def sendgrid(call: Call) -> bool:
    signature = call.headers["x-twilio-email-event-webhook-signature"]
    timestamp = call.headers["x-twilio-email-event-webhook-timestamp"]
    return EventWebhook(call.secret).verify_signature(call.body, signature, timestamp)


def mailgun(call: Call) -> bool:
    signature = json.loads(call.body)["signature"]
    return SecurityGuard.verify_webhook(
        call.secret, signature["token"], signature["timestamp"], signature["signature"]
    )


JUDGES: dict[str, Callable[[Call], bool]] = {
    "twilio": twilio,
    "vonage": vonage,
    "plivo": plivo_v2,
    "telnyx": telnyx,
    "sinch": sinch,
    "bird": bird_webhook,
    "resend": resend,
    "webhook": webhook,
    "sendgrid": sendgrid,
    "mailgun": mailgun,
}


@contextmanager
def clock(at: str | None):
    """Sets the libraries' clocks to the time at which a file says that the request came."""
    if at is None:
        yield
        return
    now = datetime.fromisoformat(at).astimezone(UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return now if tz else now.replace(tzinfo=None)

    with (
        mock.patch("time.time", lambda: now.timestamp()),
        mock.patch.object(standardwebhooks.webhooks, "datetime", Clock),
    ):
        yield


def main() -> int:
    wrong = 0
    for name, judge in JUDGES.items():
        folder = PRESETS / name
        common = json.loads((folder / "fixture.json").read_text())["golden"]["settings"]
        accepted = refused = 0
        for path in sorted((folder / "wire").glob("*.json")):
            file = json.loads(path.read_text())
            for case in file["cases"]:
                if case["call"] != "receipts":
                    continue
                call = Call(file, common | case.get("settings", {}))
                with clock(case.get("input", {}).get("received_at")):
                    verdict = judge(call)
                expected = "receipts" in case["expect"]
                accepted += verdict
                refused += not verdict
                if verdict != expected:
                    words = "accepts" if verdict else "refuses"
                    print(f"{path.relative_to(ROOT)}: the vendor's library {words} it", file=sys.stderr)
                    wrong += 1
        print(f"{name}: {accepted} accepted, {refused} refused")
        if not accepted:
            print(f"{name}: no receipt was accepted", file=sys.stderr)
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
