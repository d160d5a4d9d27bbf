#!/usr/bin/env python3
"""A real mail server on loopback: aiosmtpd, as Debian packages it (python3-aiosmtpd).

    server.py [--tls starttls|implicit|none] [--login USER:PASSWORD] [--cert PEM --key PEM]

It prints its port on the first line, then each mail that it accepts as one line of JSON. It ends with its
standard input.
"""

import argparse
import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Mailbox:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 <" + address + ">: no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "helo": session.host_name,
            "starttls": session.ssl is not None,
            "user": session.auth_data.login.decode() if session.auth_data else None,
            "content": envelope.content.decode("utf-8"),
        }
        print(json.dumps(mail), flush=True)
        return "250 2.0.0 queued"


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", choices=["starttls", "implicit", "none"], default="none")
    parser.add_argument("--login")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    given = parser.parse_args()
    context = None
    if given.tls != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(given.cert, given.key)

    def authenticate(server, session, envelope, mechanism, data):
        user, password = given.login.split(":", 1)
        right = isinstance(data, LoginPassword) and data == LoginPassword(user.encode(), password.encode())
        return AuthResult(success=right, handled=False, auth_data=data)

    def protocol():
        return SMTP(
            Mailbox(),
            hostname="mail.test",
            tls_context=context if given.tls == "starttls" else None,
            require_starttls=given.tls == "starttls",
            authenticator=authenticate if given.login else None,
            auth_required=bool(given.login),
            auth_require_tls=False,
        )

    loop = asyncio.get_running_loop()
    implicit = context if given.tls == "implicit" else None
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=implicit)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
