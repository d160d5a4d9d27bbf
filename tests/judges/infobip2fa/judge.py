"""Sends, resends and verifies at the emulated Infobip with the vendor's own client.

Usage: python judge.py READY, with the emulator's ready line.
"""

from __future__ import annotations

import json
import sys
import urllib.request

from infobip_api_client import ApiClient, Configuration
from infobip_api_client.api.tfa_api import TfaApi
from infobip_api_client.exceptions import ApiException
from infobip_api_client.models import TfaStartAuthenticationRequest, TfaVerifyPinRequest

TO = "41793026727"


def ask(method: str, url: str, body: dict | None = None) -> object:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, method=method)) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def main() -> None:
    ready = json.loads(sys.argv[1])
    vendor = ready["vendors"]["infobip2fa"]
    admin = ready["handset"].rstrip("/") + "/_emulator"
    keys = vendor["credentials"]
    api = TfaApi(ApiClient(Configuration(host=vendor["base_url"], api_key=keys["api_key"])))
    start = TfaStartAuthenticationRequest(
        application_id=keys["application_id"], message_id="9C815F8AF3328", to=TO, track_delivery=True
    )
    sent = api.send_tfa_pin_code_over_sms(start, nc_needed=True)
    assert (sent.nc_status, sent.sms_status) == ("NC_DESTINATION_REACHABLE", "MESSAGE_SENT"), sent
    assert sent.pin_id and sent.to == TO, sent
    again = api.send_tfa_pin_code_over_voice(start)
    assert again.call_status == "PENDING_ACCEPTED", again
    code = ask("GET", f"{admin}/messages?vendor=infobip2fa")[0]["code"]
    wrong = "000000" if code != "000000" else "000001"

    def verify(pin: str) -> object:
        return api.verify_tfa_phone_number(sent.pin_id, TfaVerifyPinRequest(pin=pin))

    answer = verify(wrong)
    assert (answer.verified, answer.pin_error, answer.attempts_remaining) == (False, "WRONG_PIN", 9)
    assert refused(lambda: verify(code)) == 429
    ask("POST", f"{admin}/clock", {"advance_seconds": 3})
    assert verify(code).verified is True
    assert refused(lambda: api.verify_tfa_phone_number("unknown", TfaVerifyPinRequest(pin=code))) == 404
    api.send_tfa_pin_code_over_sms(start)
    assert refused(lambda: api.send_tfa_pin_code_over_sms(start)) == 429
    print("infobip2fa: the vendor's client and the emulator agree")


def refused(call) -> int:
    try:
        call()
    except ApiException as error:
        return error.status
    raise AssertionError("this call must be refused")


if __name__ == "__main__":
    main()
