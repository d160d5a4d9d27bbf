"""twilio-python, unchanged but for its base URL, uses the door for Twilio Verify: its calls, its asynchronous
calls, and a login as people write it. The gateway has two emulated vendors, the first of which is broken."""

import asyncio
import json
import logging
import os
import shutil
import subprocess
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

# It logs each error that is expected here.
logging.disable(logging.CRITICAL)

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 30
ACCOUNT = "AC00000000000000000000000000000001"
SERVICE = "VA00000000000000000000000000000001"
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
max_resends = 2
max_guesses = 3
[limits]
recipient = ["3/1h"]
[[server.api_keys]]
name = "web"
key = "env:WEB_KEY"
[doors.twilio]
account_sid = "{account}"
services = {{ {service} = "login" }}
"""


def run(arguments, environment=None):
    """Starts the program of OTPMUX_PROGRAM, or the one that cargo builds, and returns it with its first line."""
    program = os.environ.get("OTPMUX_PROGRAM")
    command = [program] if program else ["cargo", "run", "--quiet", "-p", "otpmux-cli", "--"]
    process = subprocess.Popen(
        [*command, *arguments], cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, text=True
    )
    return process, json.loads(process.stdout.readline())


class World:
    """A gateway with the door, and the vendors that it calls."""

    def __enter__(self):
        self.emulator, ready = run(["--json", "emulate", "--listen", "127.0.0.1:0", "--no-limits"])
        self.admin = f"http://{ready['listen']}/_emulator"
        first, second = ready["vendors"]["startmessaging"], ready["vendors"]["easyotp"]
        broken = urllib.request.Request(f"{self.admin}/faults/startmessaging", b'{"kind": "refuse"}', method="PUT")
        urllib.request.urlopen(broken, timeout=PATIENCE).close()
        self.folder = tempfile.mkdtemp(prefix="otpmux-door-")
        config = Path(self.folder, "otpmux.toml")
        urls = {"first": first["base_url"], "second": second["base_url"]}
        config.write_text(CONFIG.format(**urls, account=ACCOUNT, service=SERVICE))
        keys = {
            "FIRST_KEY": first["credentials"]["api_key"],
            "SECOND_KEY": second["credentials"]["api_key"],
            "WEB_KEY": KEY,
        }
        self.gateway, ready = run(["serve", "--json", "--listen", "127.0.0.1:0", "--config", str(config)], keys)
        self.url = ready["listening"]
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

    def client(self, password=KEY, http_client=None):
        client = Client(ACCOUNT, password, http_client=http_client)
        client.verify.base_url = f"{self.url}/twilio"
        return client


def other(code):
    return ("1" if code[0] != "1" else "2") + code[1:]


def refused(status, code, call):
    try:
        call()
    except TwilioRestException as error:
        assert (error.status, error.code) == (status, code), vars(error)
        return error
    raise AssertionError("the call should have been refused")


def calls(world):
    to = "+919876512661"
    service = world.client().verify.v2.services(SERVICE)
    assert service.fetch().sid == SERVICE
    started = service.verifications.create(
        to=to, channel="sms", locale="pt-BR", device_ip="203.0.113.7", rate_limits={"ip": "203.0.113.7"}
    )
    assert (started.status, started.valid, started.to, started.channel) == ("pending", False, to, "sms"), vars(started)
    assert started.sid.startswith("VE") and len(started.send_code_attempts) == 1, vars(started)
    assert (started.service_sid, started.account_sid, started.lookup) == (SERVICE, ACCOUNT, {}), vars(started)
    assert started.date_created is not None and started.date_updated is not None
    (code,) = world.codes(to)
    # A second request: the same verification, the same code.
    again = service.verifications.create(to=to, channel="call")
    assert (again.sid, again.channel) == (started.sid, "call"), vars(again)
    assert world.codes(to) == [code, code]
    wrong = service.verification_checks.create(to=to, code=other(code))
    assert (wrong.status, wrong.valid) == ("pending", False), vars(wrong)
    assert service.verifications(started.sid).fetch().status == "pending"
    checked = service.verification_checks.create(verification_sid=started.sid, code=code)
    assert (checked.status, checked.valid, checked.sid) == ("approved", True, started.sid), vars(checked)
    # It is good once.
    refused(404, 20404, lambda: service.verification_checks.create(to=to, code=code))
    found = service.verifications(started.sid).fetch()
    assert (found.status, found.to, found.date_created) == ("approved", to, started.date_created), vars(found)
    refused(400, 60200, lambda: service.verifications.create(to="12", channel="sms"))
    refused(400, 60200, lambda: service.verifications.create(to=to, channel="sna"))
    refused(404, 20404, lambda: service.verifications("VE" + "0" * 32).fetch())
    refused(404, 20404, lambda: world.client().verify.v2.services("VA" + "9" * 32).fetch())
    refused(401, 20003, lambda: world.client("not-the-key-of-anybody").verify.v2.services(SERVICE).fetch())


def cancelling(world):
    to = "+919876512662"
    service = world.client().verify.v2.services(SERVICE)
    started = service.verifications.create(to=to, channel="call")
    (code,) = world.codes(to)
    ended = service.verifications(started.sid).update(status="canceled")
    assert (ended.status, ended.sid) == ("canceled", started.sid), vars(ended)
    refused(404, 20404, lambda: service.verification_checks.create(to=to, code=code))


def limits(world):
    to = "+919876512663"
    service = world.client().verify.v2.services(SERVICE)
    for _ in range(3):
        service.verifications.create(to=to, channel="sms")
    # Resends of one verification, then its guesses, then the messages of one recipient.
    refused(429, 60203, lambda: service.verifications.create(to=to, channel="sms"))
    code = world.codes(to)[0]
    for _ in range(3):
        service.verification_checks.create(to=to, code=other(code))
    refused(429, 60202, lambda: service.verification_checks.create(to=to, code=code))
    error = refused(429, 20429, lambda: service.verifications.create(to=to, channel="sms"))
    assert error.details["limit"] == "recipient", vars(error)


def custom_code(world):
    to = "+919876512664"
    service = world.client().verify.v2.services(SERVICE)
    sent = service.verifications.create(to=to, channel="sms", custom_code="735102")
    assert (sent.status, world.codes(to)) == ("pending", ["735102"]), vars(sent)
    # The application has compared the code itself, and reports that.
    refused(404, 20404, lambda: service.verification_checks.create(verification_sid=sent.sid, code="735102"))
    ended = service.verifications(sent.sid).update(status="approved")
    assert (ended.status, ended.sid) == ("approved", sent.sid), vars(ended)


async def asynchronous(world):
    to = "+919876512665"
    async with AsyncTwilioHttpClient() as http:
        service = world.client(http_client=http).verify.v2.services(SERVICE)
        started = await service.verifications.create_async(to=to, channel="sms")
        (code,) = world.codes(to)
        assert (await service.verifications(started.sid).fetch_async()).status == "pending"
        wrong = await service.verification_checks.create_async(to=to, code=other(code))
        assert wrong.status == "pending"
        checked = await service.verification_checks.create_async(to=to, code=code)
        assert checked.status == "approved"
        try:
            await service.verification_checks.create_async(to=to, code=code)
        except TwilioRestException as error:
            assert (error.status, error.code) == (404, 20404)
        else:
            raise AssertionError("a code is good once")
        ended = await service.verifications.create_async(to=to, channel="sms")
        assert (await service.verifications(ended.sid).update_async(status="canceled")).status == "canceled"


def as_people_write_it(world):
    """The two functions of many a tutorial."""
    client, service_sid = world.client(), SERVICE

    def send_verification(phone):
        verification = client.verify.services(service_sid).verifications.create(to=phone, channel="sms")
        return verification.status == "pending"

    def check_verification(phone, code):
        try:
            check = client.verify.services(service_sid).verification_checks.create(to=phone, code=code)
        except TwilioRestException:
            return False
        return check.status == "approved"

    to = "+919876512666"
    assert send_verification(to)
    (code,) = world.codes(to)
    assert not check_verification(to, other(code))
    assert check_verification(to, code)
    assert not check_verification(to, code)
    assert not check_verification("+919876512667", code)


if __name__ == "__main__":
    with World() as world:
        calls(world)
        cancelling(world)
        limits(world)
        custom_code(world)
        asyncio.run(asynchronous(world))
        as_people_write_it(world)
    print("twilio-python: the door for Twilio Verify is as it expects")
