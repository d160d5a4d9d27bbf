"""Lets a user in who can read a code.

    OTPMUX_URL=http://127.0.0.1:8080 OTPMUX_API_KEY=... python3 login.py +919876543210
"""

import os
import sys

from otpmux import Gateway, Problem


def main():
    gateway = Gateway(os.environ["OTPMUX_URL"], os.environ["OTPMUX_API_KEY"])
    try:
        sent = gateway.send(sys.argv[1], purpose="login")
    except Problem as problem:
        return f"not sent: {problem.title.lower()}{wait(problem)}"
    # `code_length` is null where the vendor alone decides. Do not hard-code it.
    digits = f"a code of {sent['code_length']} digits" if sent["code_length"] else "a code"
    # Not confirmed is not failed: the message may well arrive.
    certainly = "" if sent["confirmed"] else "perhaps "
    print(f"{certainly}sent {digits} to {sent['to']}")

    while True:
        print('the code, or "again" for another message:', flush=True)
        typed = sys.stdin.readline().strip()
        if not typed:
            return "nothing was typed"
        try:
            if typed == "again":
                gateway.resend(sent["id"])
                print("sent again")
                continue
            answer = gateway.verify(sent["id"], typed)
        except Problem as problem:
            print(f"{problem.title.lower()}{wait(problem)}")
            continue
        if answer["verdict"] == "approved":
            print("welcome")
            return None
        if answer["verdict"] != "wrong_code":
            # Expired, used, locked, unknown: a stranger need not hear which.
            return "this code is of no use any more: begin again"
        print("that is not the code")


def wait(problem):
    return f"; try again in {problem.retry_after} s" if problem.retry_after else ""


if __name__ == "__main__":
    sys.exit(main())
