"""Callers of hooks as their own libraries and rules make them, against a gateway with two emulated vendors, the first
of which is broken.

A request that the library "standardwebhooks" signs, a caller with the rules of Supabase Auth (three tries in five
seconds, a new `webhook-id` in each), and the bodies that Kratos makes of the Jsonnet template in the documentation.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import _gojsonnet
from standardwebhooks import Webhook

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60
SECRET = "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD = "v1,whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
KRATOS = "the-secret-of-kratos-0123456789"

CONFIG = """
[providers.first]
kind = "easyotp"
base_url = "{first}"
api_key = "env:FIRST_KEY"
[providers.second]
kind = "startmessaging"
base_url = "{second}"
api_key = "env:SECOND_KEY"
[policy]
countries = "any"
[limits]
recipient = ["2/1h"]
[[server.api_keys]]
name = "web"
key = "env:WEB_KEY"
[[doors.hooks]]
name = "supabase"
kind = "supabase_sms"
secret = "env:SUPABASE"
old_secret = "env:OLD_SUPABASE"
[[doors.hooks]]
name = "kratos"
kind = "kratos"
secret = "env:KRATOS"
"""


def program() -> list[str]:
    """The command: that of OTPMUX_PROGRAM, or the one that cargo builds."""
    built = os.environ.get("OTPMUX_PROGRAM")
    return [built] if built else ["cargo", "run", "--quiet", "-p", "otpmux-cli", "--"]


class Running:
    """A program that prints a line of JSON when it is ready."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        command = [*program(), *arguments]
        env = {**os.environ, **environment}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT)
        self.ready = json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


class World:
    def __init__(self) -> None:
        self.emulator = Running("--json", "emulate", "--listen", "127.0.0.1:0", "--no-limits")
        self.admin_url = f"http://{self.emulator.ready['listen']}/_emulator"
        vendors = self.emulator.ready["vendors"]
        first, second = vendors["easyotp"], vendors["startmessaging"]
        self.admin("PUT", "/faults/easyotp", {"kind": "refuse"})
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "otpmux.toml"
        path.write_text(CONFIG.format(first=first["base_url"], second=second["base_url"]))
        self.gateway = Running(
            "serve", "--json", "--listen", "127.0.0.1:0", "--config", str(path),
            FIRST_KEY=first["credentials"]["api_key"], SECOND_KEY=second["credentials"]["api_key"],
            WEB_KEY="the-key-of-the-web-application", SUPABASE=SECRET, OLD_SUPABASE=OLD, KRATOS=KRATOS,
        )  # fmt: skip
        self.url = self.gateway.ready["listening"]

    def admin(self, method: str, path: str, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.admin_url + path, data, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def codes(self, to: str) -> list[str]:
        """The codes that arrived, all of them by the second vendor."""
        messages = self.admin("GET", "/messages?" + urllib.parse.urlencode({"to": to}))
        assert all(message["vendor"] == "startmessaging" for message in messages), messages
        return [message["code"] for message in messages]

    def stop(self) -> None:
        self.gateway.stop()
        self.emulator.stop()
        self.folder.cleanup()


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, dict(answer.headers.items()), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers.items()), error.read()


def signed(body: bytes, secrets: list[str], at: datetime | None = None) -> dict[str, str]:
    """Headers as Supabase Auth writes them: the library's signatures, joined by comma and space."""
    at = at or datetime.now(UTC)
    message = f"msg_{uuid.uuid4()}"
    signatures = [Webhook(secret.removeprefix("v1,")).sign(message, at, body.decode()) for secret in secrets]
    timestamp = str(int(at.timestamp()))
    return {"webhook-id": message, "webhook-timestamp": timestamp, "webhook-signature": ", ".join(signatures)}


def payload(digits: str, code: str) -> bytes:
    return json.dumps({
        "metadata": {"uuid": str(uuid.uuid4()), "time": "2026-11-28T22:00:00Z", "name": "send-sms"},
        "user": {"id": str(uuid.uuid4()), "phone": digits, "app_metadata": {"provider": "phone"}},
        "sms": {"otp": code, "sms_type": "sms", "phone": digits},
    }).encode()  # fmt: skip


class AuthServer:
    """The rules by which Supabase Auth calls an HTTP hook: five seconds for three tries; a next one after a broken
    connection, two seconds later, and at once after 429 or 503 with `Retry-After`; then what the answer means."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.tries = 0

    def send(self, body: bytes) -> str:
        end = time.monotonic() + 5
        for _ in range(3):
            self.tries += 1
            try:
                status, headers, answer = post(self.url, body, signed(body, [OLD, SECRET]))
            except (OSError, http.client.HTTPException):
                if time.monotonic() + 2 > end:
                    break
                time.sleep(2)
                continue
            if status in (429, 503) and headers.get("retry-after"):
                continue
            return self.meaning(status, headers, answer)
        return "timeout"

    @staticmethod
    def meaning(status: int, headers: dict[str, str], answer: bytes) -> str:
        if status == 204:
            return "sent"
        if status in (200, 202):
            assert headers["content-type"].split(";")[0] == "application/json", headers
            assert len(answer) <= 200_000
            error = json.loads(answer).get("error", {})
            return f"{error['http_code']} {error['message']}" if error.get("message") else "sent"
        return {400: "Invalid payload sent to hook", 401: "Hook requires authorization token"}.get(status, str(status))


class Losing:
    """Passes requests on and loses the first answers."""

    def __init__(self, url: str, lost: int) -> None:
        state = {"left": lost}

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                kept = {name: value for name, value in self.headers.items() if name.lower().startswith("webhook-")}
                status, headers, answer = post(url, body, kept)
                if state["left"]:
                    state["left"] -= 1
                    self.close_connection = True
                    return
                self.send_response(status)
                for name in ("content-type", "retry-after"):
                    if name in headers:
                        self.send_header(name, headers[name])
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()


def supabase(world: World) -> None:
    url = f"{world.url}/hooks/supabase"
    # Each secret, and both during a rotation, in any order.
    for at, secrets in enumerate([[SECRET], [OLD], [SECRET, OLD], [OLD, SECRET]]):
        body = payload(f"91987650000{at}", "561166")
        assert AuthServer.meaning(*post(url, body, signed(body, secrets))) == "sent"
        assert world.codes(f"+91987650000{at}") == ["561166"]
    other = "v1,whsec_" + "A" * 32
    body = payload("919876500010", "561166")
    refused = "Hook requires authorization token"
    assert AuthServer.meaning(*post(url, body, signed(body, [other]))) == refused
    stale = datetime.now(UTC) - timedelta(minutes=6)
    assert AuthServer.meaning(*post(url, body, signed(body, [SECRET], stale))) == refused
    assert AuthServer.meaning(*post(url, body + b" ", signed(body, [SECRET]))) == refused
    assert world.codes("+919876500010") == []

    # The answer is lost, so it tries again, and one message arrives.
    losing = Losing(url, 1)
    caller = AuthServer(losing.url)
    assert caller.send(payload("919876500020", "561166")) == "sent"
    assert caller.tries == 2 and world.codes("+919876500020") == ["561166"]
    losing.stop()

    # Limits and numbers, in words for its user.
    caller = AuthServer(url)
    assert caller.send(payload("919876500020", "704218")) == "sent"
    told = caller.send(payload("919876500020", "345678"))
    assert told.startswith("429 Too many codes were requested."), told
    told = caller.send(payload("911", "345678"))
    assert told.startswith("422 ") and "911" not in told, told
    assert caller.tries == 3 and world.codes("+919876500020") == ["561166", "704218"]


def kratos(world: World) -> None:
    template = (ROOT / "docs/doors/snippets/kratos.jsonnet").read_text()
    shorter = "function(ctx) { to: ctx.recipient, text: ctx.body, type: ctx.template_type, data: ctx.template_data }"
    headers = {"Authorization": f"Bearer {KRATOS}"}
    number = 919876510000
    for source in (template, shorter):
        for name in ("login_code", "verification_code", "registration_code", "recovery_code", None):
            number += 1
            ctx = {
                "recipient": f"+{number}",
                "subject": "",
                "body": "Your login code is: 482913\n\nIt expires in 15 minutes.",
                "template_type": f"{name or 'other'}_valid",
                "template_data": {"to": f"+{number}", "expires_in_minutes": 15, **({name: "482913"} if name else {})},
                "message_type": "sms",
            }
            body = _gojsonnet.evaluate_snippet("otpmux.jsonnet", f"({source})({json.dumps(ctx)})").encode()
            # Its courier tries again after an error; a repeat of what was sent sends nothing.
            for _ in range(2):
                status, _, answer = post(f"{world.url}/hooks/kratos", body, headers)
                assert status == 200, (status, answer)
            assert world.codes(f"+{number}") == ["482913"], name
    status, _, answer = post(f"{world.url}/hooks/kratos", b'{"to":"+911","code":"482913"}', headers)
    assert status == 422 and len(answer) <= 1024 and b"911" not in answer, (status, answer)


def main() -> None:
    world = World()
    try:
        supabase(world)
        kratos(world)
    finally:
        world.stop()
    print("hooks: Supabase's and Kratos' requests were delivered once each, by the second vendor")


if __name__ == "__main__":
    main()
