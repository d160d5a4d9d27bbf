"""The official Python libraries of Twilio and Vonage use the emulated vendors, and check their receipts."""

import json
import logging
import os
import subprocess
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue

from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from vonage import Auth, HttpClientOptions, Vonage
from vonage_http_client import HttpRequestError
from vonage_jwt import verify_signature
from vonage_verify import EmailChannel, SmsChannel, VerifyRequest, VoiceChannel, WhatsappChannel

# They log each error that is expected here.
logging.disable(logging.CRITICAL)

TO = "+15017122661"
PATIENCE = 30


class Emulator:
    """The emulated vendors, and their admin API."""

    def __init__(self) -> None:
        built = os.environ.get("OTPMUX_JUDGED")
        command = [built] if built else ["cargo", "run", "--quiet", "-p", "otpmux-tests", "--bin", "judged"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(PATIENCE)


class Inbox:
    """A server for receipts."""

    def __init__(self) -> None:
        received = self.received = Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                received.put((self.path, dict(self.headers.items()), body.decode()))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/receipts?token=abc"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class ToEmulator(TwilioHttpClient):
    """Twilio's client, with the hosts replaced by the emulated ones."""

    def __init__(self, hosts: dict) -> None:
        super().__init__()
        self.hosts = hosts

    def request(self, method, url, **rest):
        parts = urllib.parse.urlsplit(url)
        return super().request(method, self.hosts[parts.hostname] + url.split(parts.netloc, 1)[1], **rest)


class Plain(HTTPAdapter):
    """Vonage's client always writes https."""

    def send(self, request, **rest):
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **rest)


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError("the call should have been refused")


def twilio(emulator: Emulator, inbox: Inbox) -> None:
    account = emulator.vendors["twilioverify"]["credentials"]
    hosts = {
        "verify.twilio.com": emulator.vendors["twilioverify"]["base_url"],
        "api.twilio.com": emulator.vendors["twilio"]["base_url"],
    }
    client = Client(account["account_sid"], account["auth_token"], http_client=ToEmulator(hosts))
    service = client.verify.v2.services(account["service_sid"])
    for channel, to in [("sms", TO), ("call", TO), ("whatsapp", TO), ("email", "ada@example.com")]:
        started = service.verifications.create(to=to, channel=channel, locale="pt-BR", device_ip="203.0.113.7")
        assert (started.status, started.channel, started.to) == ("pending", channel, to), vars(started)
        assert service.verifications(started.sid).fetch().status == "pending"
        code = emulator.code("twilioverify")
        wrong = "0000000" if code != "0000000" else "1111111"
        assert service.verification_checks.create(verification_sid=started.sid, code=wrong).status == "pending"
        checked = service.verification_checks.create(to=to, code=code)
        assert (checked.status, checked.valid, checked.sid) == ("approved", True, started.sid), vars(checked)
        error = refused(TwilioRestException, lambda: service.verification_checks.create(verification_sid=started.sid, code=code))
        assert (error.status, error.code) == (404, 20404), error
    for status in ["approved", "canceled"]:
        started = service.verifications.create(to=TO, channel="sms", custom_code="004217")
        assert emulator.code("twilioverify") == "004217"
        assert service.verifications(started.sid).update(status=status).status == status
    emulator.admin("PUT", "/accounts/twilioverify", {"enforce_limits": True})
    for _ in range(5):
        service.verifications.create(to=TO, channel="sms")
    error = refused(TwilioRestException, lambda: service.verifications.create(to=TO, channel="sms"))
    assert (error.status, error.code) == (429, 60203), error

    message = client.messages.create(to=TO, from_="+15557122661", body="Your code is 004217.", status_callback=inbox.url)
    assert (message.status, message.direction) == ("queued", "outbound-api"), vars(message)
    assert client.api.v2010.account.balance.fetch().currency == "USD"
    validator = RequestValidator(account["auth_token"])
    for state in ["sent", "delivered"]:
        path, headers, body = inbox.received.get(timeout=PATIENCE)
        fields = dict(urllib.parse.parse_qsl(body))
        assert (fields["MessageStatus"], fields["MessageSid"]) == (state, message.sid), fields
        signature = {name.lower(): value for name, value in headers.items()}["x-twilio-signature"]
        assert validator.validate(inbox.url, fields, signature), "the signature does not fit"
        assert not validator.validate(inbox.url, {**fields, "MessageStatus": "failed"}, signature)
    assert client.messages(message.sid).fetch().status == "delivered"
    print("twilio-python: agrees")


def vonage(emulator: Emulator, inbox: Inbox) -> None:
    account = emulator.vendors["vonageverify"]
    keys = account["credentials"]
    host = account["base_url"].removeprefix("http://")
    emulator.admin("PUT", "/accounts/vonageverify", {"status_url": inbox.url})
    for auth in [
        Auth(api_key=keys["api_key"], api_secret=keys["api_secret"]),
        Auth(application_id=keys["application_id"], private_key=keys["private_key"]),
    ]:
        client = Vonage(auth, HttpClientOptions(api_host=host, rest_host=host))
        client.http_client._session.mount("https://", Plain())
        number = TO.removeprefix("+")
        for channel in [
            SmsChannel(to=number),
            VoiceChannel(to=number),
            WhatsappChannel(to=number, from_="Acme"),
            EmailChannel(to="ada@example.com"),
        ]:
            request = VerifyRequest(brand="Acme", workflow=[channel], code_length=6, client_ref="r1")
            started = client.verify.start_verification(request)
            code = emulator.code("vonageverify")
            assert len(code) == 6
            wrong = "000000" if code != "000000" else "111111"
            error = refused(HttpRequestError, lambda: client.verify.check_code(started.request_id, wrong))
            assert error.response.status_code == 400, error
            assert client.verify.check_code(started.request_id, code).status == "completed"
            for kind in ["event", "summary"]:
                _, headers, body = inbox.received.get(timeout=PATIENCE)
                report = json.loads(body)
                said = (report["type"], report["status"], report["request_id"], report["client_ref"])
                assert said == (kind, "completed", started.request_id, "r1"), report
                token = {name.lower(): value for name, value in headers.items()}["authorization"].removeprefix("Bearer ")
                assert verify_signature(token, keys["signature_secret"]), "the signature does not fit"
        steps = [SmsChannel(to=number), SmsChannel(to=number)]
        started = client.verify.start_verification(VerifyRequest(brand="Acme", workflow=steps, code="1234"))
        client.verify.trigger_next_workflow(started.request_id)
        error = refused(HttpRequestError, lambda: client.verify.trigger_next_workflow(started.request_id))
        assert error.response.status_code == 409, error
        started = client.verify.start_verification(VerifyRequest(brand="Acme", workflow=[SmsChannel(to=number)]))
        client.verify.cancel_verification(started.request_id)
        error = refused(HttpRequestError, lambda: client.verify.cancel_verification(started.request_id))
        assert error.response.status_code == 404, error
    client = Vonage(
        Auth(api_key=keys["api_key"], api_secret=keys["api_secret"]), HttpClientOptions(api_host=host, rest_host=host)
    )
    client.http_client._session.mount("https://", Plain())
    assert client.account.get_balance().value == 10.28
    print("vonage (Python): agrees")


def main() -> None:
    emulator, inbox = Emulator(), Inbox()
    try:
        twilio(emulator, inbox)
        vonage(emulator, inbox)
    finally:
        emulator.stop()


main()
