"""Events of a gateway, checked by the specification's own library: every type, the signatures of both secrets of a
rotation, and a verification that is approved."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import tempfile
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from standardwebhooks import Webhook, WebhookVerificationError

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60
NEW = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OTHER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
KEY = "the-key-of-the-operator-0123"
PHONE = "+919876543210"
TYPES = [
    "verification.created", "verification.approved", "verification.failed", "check.exhausted", "send.blocked",
    "send.unconfirmed", "delivery.failed", "provider.down", "provider.up",
]  # fmt: skip

CONFIG = """
[providers.only]
kind = "easyotp"
base_url = "{vendor}"
api_key = "env:VENDOR_KEY"
[policy]
countries = "any"
[[server.api_keys]]
name = "operator"
key = "env:WEB_KEY"
admin = true
[[events]]
name = "judge"
url = "http://127.0.0.1:{port}/"
secret = "env:NEW"
secret_old = "env:OLD"
metadata = true
allow_loopback = true
"""


class Running:
    """A program that prints a line of JSON when it is ready."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        built = os.environ.get("OTPMUX_PROGRAM")
        command = [built] if built else ["cargo", "run", "--quiet", "-p", "otpmux-cli", "--"]
        env = {**os.environ, **environment}
        self.process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT)
        self.ready = json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


class Receiver(BaseHTTPRequestHandler):
    received: queue.Queue = queue.Queue()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.received.put((dict(self.headers.items()), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_) -> None:
        pass


def event() -> dict:
    """The next event, if the library accepts it with both secrets and no other."""
    headers, body = Receiver.received.get(timeout=PATIENCE)
    for secret in (NEW, OLD):
        assert Webhook(secret).verify(body, headers) == json.loads(body)
    for secret, text in ((OTHER, body), (NEW, body + " ")):
        try:
            Webhook(secret).verify(text, headers)
        except WebhookVerificationError:
            continue
        raise AssertionError("accepted")
    assert PHONE[1:] not in body, body
    return {"webhook-id": headers["webhook-id"], **json.loads(body)}


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    emulator = Running("--json", "emulate", "--listen", "127.0.0.1:0", "--no-limits")
    vendor = emulator.ready["vendors"]["easyotp"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "otpmux.toml"
        path.write_text(CONFIG.format(vendor=vendor["base_url"], port=server.server_port))
        gateway = Running(
            "serve", "--json", "--listen", "127.0.0.1:0", "--config", str(path),
            VENDOR_KEY=vendor["credentials"]["api_key"], WEB_KEY=KEY, NEW=NEW, OLD=OLD,
        )  # fmt: skip

        def post(path: str, body: dict) -> dict:
            headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
            request = urllib.request.Request(gateway.ready["listening"] + path, json.dumps(body).encode(), headers)
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.loads(answer.read())

        for kind in TYPES:
            triggered = post(f"/v1/admin/events/trigger/{kind}", {})
            got = event()
            assert (got["webhook-id"], got["type"]) == (triggered["id"], kind), got
            assert triggered["endpoints"] == 1 and got["data"]["reason"] == "test", got

        sent = post("/v1/verifications", {"to": PHONE, "metadata": {"order": "4711"}})
        query = urllib.parse.urlencode({"to": PHONE})
        with urllib.request.urlopen(f"http://{emulator.ready['listen']}/_emulator/messages?{query}") as answer:
            code = json.loads(answer.read())[-1]["code"]
        verdict = post(f"/v1/verifications/{sent['id']}/verify", {"code": code})
        assert verdict["verdict"] == "approved", verdict
        both = {got["type"]: got["data"] for got in (event(), event())}
        assert set(both) == {"verification.created", "verification.approved"}, both
        data = both["verification.approved"]
        assert (data["id"], data["provider"], data["country"]) == (sent["id"], "only", "IN"), data
        assert data["metadata"] == {"order": "4711"} and code not in json.dumps(both), both
        gateway.stop()
    emulator.stop()
    server.shutdown()
    print("events: ok")


main()
