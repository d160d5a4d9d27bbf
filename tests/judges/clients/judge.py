"""The official Python clients of Infobip, Plivo and Prelude send and verify at the emulated vendors.

Infobip's is emulated by hand; the other two are played from the golden files of their adapters. So the clients judge
the paths, the fields and the answers that the adapters rely on. Nothing is sent.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path

import plivo
from infobip_api_client import ApiClient, Configuration
from infobip_api_client.api.tfa_api import TfaApi
from infobip_api_client.exceptions import ApiException
from infobip_api_client.models import TfaResendPinRequest, TfaStartAuthenticationRequest, TfaVerifyPinRequest
from plivo.exceptions import ValidationError
from prelude_python_sdk import AuthenticationError, Prelude
from requests.adapters import HTTPAdapter

ROOT = Path(__file__).resolve().parents[3]
ADAPTERS = ROOT / "crates/adapters"
TO = "+14155550123"
PATIENCE = 30


class Emulator:
    """The emulated vendors, and their admin API."""

    def __init__(self) -> None:
        built = os.environ.get("OTPMUX_PROGRAM")
        command = [built] if built else ["cargo", "run", "--quiet", "-p", "otpmux-cli", "--"]
        command += ["--json", "emulate", "--listen", "127.0.0.1:0", "--no-limits"]
        for kind in ("plivoverify", "prelude"):
            command += ["--replay", str(ADAPTERS / kind)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        ready = json.loads(self.process.stdout.readline())
        self.admin_url = f"http://{ready['listen']}/_emulator"
        self.vendors = ready["vendors"]

    def admin(self, method: str, path: str, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.admin_url + path, data, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def code(self, vendor: str) -> str:
        return self.admin("GET", f"/messages?vendor={vendor}")[-1]["code"]

    def answer_next(self, vendor: str, file: str) -> None:
        """Has a vendor that is played from golden files answer with this one."""
        account = self.admin("GET", f"/accounts/{vendor}")
        self.admin("PUT", f"/accounts/{vendor}", {"next": [*account["next"], file]})

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


def wrong(code: str) -> str:
    return ("1" if code[0] == "0" else "0") + code[1:]


def infobip(emulator: Emulator) -> None:
    vendor = emulator.vendors["infobip2fa"]
    account = emulator.admin("GET", "/accounts/infobip2fa")

    def api(key: str) -> TfaApi:
        return TfaApi(ApiClient(Configuration(host=vendor["base_url"], api_key=key)))

    start = TfaStartAuthenticationRequest(
        application_id=account["application_id"], message_id=account["templates"][0], to=TO.lstrip("+")
    )
    good = api(account["api_key"])
    sent = good.send_tfa_pin_code_over_sms(start)
    assert sent.pin_id and sent.sms_status == "MESSAGE_SENT", sent
    code = emulator.code("infobip2fa")
    no = good.verify_tfa_phone_number(sent.pin_id, TfaVerifyPinRequest(pin=wrong(code)))
    assert no.verified is False and no.attempts_remaining == account["pin_attempts"] - 1, no
    again = good.resend_tfa_pin_code_over_sms(sent.pin_id, TfaResendPinRequest())
    assert again.pin_id == sent.pin_id, again
    yes = good.verify_tfa_phone_number(sent.pin_id, TfaVerifyPinRequest(pin=emulator.code("infobip2fa")))
    assert yes.verified is True, yes
    try:
        api("another-made-up-key").send_tfa_pin_code_over_sms(start)
    except ApiException as error:
        assert error.status == 401, error
    else:
        raise AssertionError("another key is accepted")


class Local(HTTPAdapter):
    """Plivo's client has one address."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request, **rest):
        request.url = request.url.replace("https://api.plivo.com", self.url)
        return super().send(request, **rest)


def plivo_verify(emulator: Emulator) -> None:
    client = plivo.RestClient("MA00000000000000000X", "made-up")
    client.session.mount("https://", Local(emulator.vendors["plivoverify"]["base_url"]))
    sent = client.verify_session.create(recipient=TO.lstrip("+"), channel="sms")
    code = emulator.code("plivoverify")
    try:
        client.verify_session.validate(sent.session_uuid, otp=wrong(code))
    except ValidationError as error:
        assert "incorrect otp" in str(error), error
    else:
        raise AssertionError("a wrong code is accepted")
    yes = client.verify_session.validate(sent.session_uuid, otp=code)
    assert "validated" in yes.message, yes
    shown = client.verify_session.get(sent.session_uuid)
    assert shown.session_uuid == sent.session_uuid and shown.recipient == TO.lstrip("+"), shown


def prelude(emulator: Emulator) -> None:
    url = emulator.vendors["prelude"]["base_url"]
    client = Prelude(api_token="made-up", base_url=url, max_retries=0)
    target = {"type": "phone_number", "value": TO}
    emulator.answer_next("prelude", "send-ok")
    sent = client.verification.create(target=target, options={"method": "message", "preferred_channel": "sms"})
    assert sent.id and sent.status == "success" and sent.channels == ["sms"], sent
    code = emulator.code("prelude")
    no = client.verification.check(target=target, code=wrong(code))
    assert no.status == "failure", no
    yes = client.verification.check(target=target, code=code)
    assert yes.status == "success" and yes.id == sent.id, yes
    emulator.answer_next("prelude", "send-401-invalid-api-key")
    try:
        client.verification.create(target=target)
    except AuthenticationError as error:
        assert error.status_code == 401, error
    else:
        raise AssertionError("a refusal is not read as one")


def main() -> None:
    emulator = Emulator()
    try:
        for use in (infobip, plivo_verify, prelude):
            use(emulator)
            print(f"{use.__name__}: sent, refused a wrong code, approved the right one, by the vendor's own client")
    finally:
        emulator.stop()


if __name__ == "__main__":
    main()
