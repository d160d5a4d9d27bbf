#!/usr/bin/env python3
"""Tests a gateway against its own OpenAPI document: run.py OTPMUX ST

OTPMUX is the built command, ST the command of schemathesis. Starts emulated vendors and a gateway on
free ports, and ends exactly these. The checks are in schemathesis.toml.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
API_KEY = "made-up api key of 32 bytes or more"
SERVER_KEY = "bWFkZS11cCBzZXJ2ZXIga2V5IG9mIDMyIGJ5dGVzISE="

# Limits as wide as they go: a 429 would hide everything else. Short codes, because the document
# allows what a configuration may allow.
CONFIG = """
[providers.easyotp]
kind = "easyotp"
api_key = "env:EASYOTP_KEY"
base_url = "{easyotp}"
resilience.requests = []

[providers.startmessaging]
kind = "startmessaging"
api_key = "env:STARTMESSAGING_KEY"
base_url = "{startmessaging}"
resilience.requests = []

[store]
url = 'sqlite:{store}'
durability = "process"

[[server_keys]]
id = "1"
key = "env:SERVER_KEY"

[[server.api_keys]]
name = "schemathesis"
key = "env:API_KEY"
free_text = true
admin = true

[policy]
countries = "any"
allow_short_codes = true
resend_delay = "0s"
resend_delay_max = "0s"

[limits]
recipient = ["1000000/1h"]
ip = ["1000000/1h"]
purpose = ["1000000/1h"]
number_range = ["1000000/1h"]
global = ["1000000/1h"]
guesses = ["1000000/1h"]
guesses_total = ["1000000/1h"]
"""


def start(arguments, environment):
    """The process, and the line of JSON that it prints once it serves."""
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE)
    line = process.stdout.readline()
    if not line:
        sys.exit(f"{arguments[1]} did not start; status {process.wait()}")
    return process, json.loads(line)


def main():
    otpmux, schemathesis = (str(Path(argument).absolute()) for argument in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as home:
        emulator, vendors = start(
            [otpmux, "--json", "emulate", "--no-limits", "--listen", "127.0.0.1:0"], {}
        )
        gateway = None
        try:
            vendors = vendors["vendors"]
            easyotp, startmessaging = vendors["easyotp"], vendors["startmessaging"]
            config = Path(home, "otpmux.toml")
            config.write_text(
                CONFIG.format(
                    easyotp=easyotp["base_url"],
                    startmessaging=startmessaging["base_url"],
                    store=Path(home, "otpmux.db"),
                )
            )
            keys = {
                "EASYOTP_KEY": easyotp["credentials"]["api_key"],
                "STARTMESSAGING_KEY": startmessaging["credentials"]["api_key"],
                "SERVER_KEY": SERVER_KEY,
                "API_KEY": API_KEY,
            }
            serve = [otpmux, "serve", "--json", "--listen", "127.0.0.1:0", "--config", config]
            gateway, ready = start(serve, keys)
            url = ready["listening"]
            run = [schemathesis, "--config-file", HERE / "schemathesis.toml", "run"]
            run += [url + "/openapi.json", *sys.argv[3:]]
            environment = {**os.environ, "API_KEY": API_KEY}
            status = subprocess.run(run, env=environment, cwd=home).returncode
            if gateway.poll() is not None:
                sys.exit(f"the gateway ended; status {gateway.returncode}")
            return status
        finally:
            for process in (gateway, emulator):
                if process is not None:
                    process.terminate()
                    process.wait()


if __name__ == "__main__":
    sys.exit(main())
