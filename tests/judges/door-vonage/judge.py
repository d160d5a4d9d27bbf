"""Vonage's Python library, unchanged but for its host, uses the door for Vonage Verify, over TLS, with a secret and
with tokens of an application. The gateway has two emulated vendors, the first of which is broken."""

import json
import logging
import os
import shutil
import subprocess
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

from vonage import Auth, HttpClientOptions, Vonage
from vonage_http_client import AuthenticationError, HttpRequestError, NotFoundError, RateLimitedError
from vonage_verify import EmailChannel, SmsChannel, VerifyRequest, VoiceChannel

# It logs each error that is expected here.
logging.disable(logging.CRITICAL)

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 30
APPLICATION = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
KEY = "the-key-of-the-web-application"

CONFIG = """
[providers.first]
kind = "startmessaging"
base_url = "{first}"
api_key = "env:FIRST_KEY"
[providers.second]
kind = "easyotp"
base_url = "{second}"
api_key = "env:SECOND_KEY"
[policy]
countries = "any"
resend_delay = "0s"
max_resends = 3
max_guesses = 3
[limits]
recipient = []
[server]
tls_certificate = "{folder}/tls.crt"
tls_private_key = "{folder}/tls.key"
[[server.api_keys]]
name = "web"
key = "env:WEB_KEY"
[doors.vonage]
api_key = "abcd1234"
[[doors.vonage.applications]]
id = "{application}"
public_keys = ["{folder}/application.pub"]
caller = "web"
"""


def run(arguments, environment=None):
    """Starts the program of OTPMUX_PROGRAM, or the one that cargo builds, and returns it with its first line."""
    program = os.environ.get("OTPMUX_PROGRAM")
    command = [program] if program else ["cargo", "run", "--quiet", "-p", "otpmux-cli", "--"]
    process = subprocess.Popen(
        [*command, *arguments], cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, text=True
    )
    return process, json.loads(process.stdout.readline())


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class World:
    """A gateway with the door, and the vendors that it calls."""

    def __enter__(self):
        self.emulator, ready = run(["--json", "emulate", "--listen", "127.0.0.1:0", "--no-limits"])
        self.admin = f"http://{ready['listen']}/_emulator"
        first, second = ready["vendors"]["startmessaging"], ready["vendors"]["easyotp"]
        broken = urllib.request.Request(f"{self.admin}/faults/startmessaging", b'{"kind": "refuse"}', method="PUT")
        urllib.request.urlopen(broken, timeout=PATIENCE).close()
        folder = self.folder = tempfile.mkdtemp(prefix="otpmux-door-")
        certificate = ["-keyout", f"{folder}/tls.key", "-out", f"{folder}/tls.crt", "-days", "2", "-nodes"]
        name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        openssl("req", "-x509", "-newkey", "rsa:2048", *certificate, *name)
        openssl("genpkey", "-algorithm", "RSA", "-out", f"{folder}/application.key")
        openssl("pkey", "-in", f"{folder}/application.key", "-pubout", "-out", f"{folder}/application.pub")
        openssl("genpkey", "-algorithm", "RSA", "-out", f"{folder}/stranger.key")
        config = Path(folder, "otpmux.toml")
        urls = {"first": first["base_url"], "second": second["base_url"]}
        config.write_text(CONFIG.format(**urls, folder=folder, application=APPLICATION))
        keys = {
            "FIRST_KEY": first["credentials"]["api_key"],
            "SECOND_KEY": second["credentials"]["api_key"],
            "WEB_KEY": KEY,
        }
        self.gateway, ready = run(["serve", "--json", "--listen", "127.0.0.1:0", "--config", str(config)], keys)
        self.host = ready["listening"].removeprefix("https://").replace("127.0.0.1", "localhost")
        os.environ["REQUESTS_CA_BUNDLE"] = f"{folder}/tls.crt"
        return self

    def __exit__(self, *_):
        for process in (self.gateway, self.emulator):
            process.terminate()
            process.wait(PATIENCE)
        shutil.rmtree(self.folder)

    def codes(self, to):
        """The codes that arrived, all of them by the second vendor."""
        query = urllib.parse.urlencode({"to": to})
        with urllib.request.urlopen(f"{self.admin}/messages?{query}", timeout=PATIENCE) as answer:
            messages = json.load(answer)
        assert {message["vendor"] for message in messages} <= {"easyotp"}, messages
        return [message["code"] for message in messages]

    def verify(self, auth):
        return Vonage(auth, HttpClientOptions(api_host=f"{self.host}/vonage", timeout=PATIENCE)).verify

    def with_secret(self, secret=KEY):
        return self.verify(Auth(api_key="abcd1234", api_secret=secret))

    def with_token(self, key="application.key", application=APPLICATION):
        return self.verify(Auth(application_id=application, private_key=f"{self.folder}/{key}"))


def other(code):
    return ("1" if code[0] != "1" else "2") + code[1:]


def refused(kind, status, call):
    try:
        call()
    except HttpRequestError as error:
        assert type(error) is kind and error.response.status_code == status, error
        problem = error.response.json()
        assert {"title", "type", "detail", "instance"} <= problem.keys() and problem["instance"], problem
        return problem
    raise AssertionError("the call should have been refused")


def calls(world, verify, digits):
    to = f"+{digits}"
    workflow = [SmsChannel(to=digits, from_="Acme"), VoiceChannel(to=digits)]
    request = VerifyRequest(
        brand="Acme", workflow=workflow, locale="pt-br", channel_timeout=60, client_ref="ref-1", code_length=8
    )
    started = verify.start_verification(request)
    (code,) = world.codes(to)
    assert len(code) == 8
    # A repeat under the same reference is the same request.
    assert verify.start_verification(request).request_id == started.request_id
    assert world.codes(to) == [code]
    verify.trigger_next_workflow(started.request_id)
    assert world.codes(to) == [code, code]
    refused(HttpRequestError, 409, lambda: verify.trigger_next_workflow(started.request_id))
    assert refused(HttpRequestError, 400, lambda: verify.check_code(started.request_id, other(code)))["title"]
    checked = verify.check_code(started.request_id, code)
    assert (checked.request_id, checked.status) == (started.request_id, "completed"), checked
    # It is good once.
    refused(NotFoundError, 404, lambda: verify.check_code(started.request_id, code))

    more = VerifyRequest(brand="Acme", workflow=[SmsChannel(to=digits)])
    started = verify.start_verification(more)
    code = world.codes(to)[-1]
    for _ in range(3):
        refused(HttpRequestError, 400, lambda: verify.check_code(started.request_id, other(code)))
    refused(HttpRequestError, 410, lambda: verify.check_code(started.request_id, code))
    started = verify.start_verification(more)
    assert verify.cancel_verification(started.request_id) is None
    refused(NotFoundError, 404, lambda: verify.check_code(started.request_id, world.codes(to)[-1]))
    for _ in range(4):
        verify.start_verification(more)
    refused(RateLimitedError, 429, lambda: verify.start_verification(more))


def refusals(world):
    verify = world.with_secret()
    mine = VerifyRequest(brand="Acme", workflow=[SmsChannel(to="919876512683")], code="123456")
    problem = refused(HttpRequestError, 422, lambda: verify.start_verification(mine))
    assert [field["name"] for field in problem["invalid_parameters"]] == ["code"], problem
    both = VerifyRequest(brand="Acme", workflow=[SmsChannel(to="919876512683"), EmailChannel(to="a@example.com")])
    problem = refused(HttpRequestError, 422, lambda: verify.start_verification(both))
    assert [field["name"] for field in problem["invalid_parameters"]] == ["workflow[1].to"], problem
    good = VerifyRequest(brand="Acme", workflow=[SmsChannel(to="919876512683")])
    for stranger in [
        world.with_secret("not-the-key-of-anybody"),
        world.with_token(key="stranger.key"),
        world.with_token(application="bbbbbbbb-bbbb-4ccc-8ddd-0123456789ab"),
    ]:
        refused(AuthenticationError, 401, lambda: stranger.start_verification(good))
    assert world.codes("+919876512683") == []


if __name__ == "__main__":
    with World() as world:
        calls(world, world.with_secret(), "919876512681")
        calls(world, world.with_token(), "919876512682")
        refusals(world)
    print("vonage (Python): the door for Vonage Verify is as it expects")
