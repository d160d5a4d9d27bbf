"""A client for an otpmux gateway that needs nothing but Python 3.9."""

import http.client
import json
import time
import urllib.error
import urllib.request
import uuid


class Problem(Exception):
    """The gateway did not do what it was asked. `type` is what programs should look at."""

    def __init__(self, problem):
        super().__init__(problem["title"])
        self.type = problem["type"].rpartition(":")[2]
        self.title = problem["title"]
        self.detail = problem.get("detail", "")
        self.status = problem["status"]
        # What is known about the message: "not_sent", "rejected" or "unknown".
        self.certainty = problem.get("certainty")
        # Whose fault: "caller", "policy", "provider", "recipient" or "internal" (the gateway's own).
        self.blame = problem.get("blame")
        # Seconds to wait before another try.
        self.retry_after = problem.get("retry_after")


class Gateway:
    def __init__(self, url, api_key):
        self._url = url.rstrip("/")
        self._api_key = api_key

    def send(self, to, purpose, client_ip=None, country=None):
        """Sends a code. Keep the answer's `id` in the user's session, on the server.

        `to` may be as the user typed it: "+91 98765 43210", or "098765 43210" with country="IN".
        """
        body = {"to": to, "purpose": purpose}
        if country:
            body["country"] = country
        if client_ip:
            body["client"] = {"ip": client_ip}
        return self._write("/v1/verifications", body)

    def resend(self, id):
        """Sends the same code again."""
        return self._write(f"/v1/verifications/{id}/resend", {})

    def verify(self, id, code, client_ip=None):
        """Tries a code. A wrong one is an answer; only the verdict "approved" lets anybody in.

        However often it is asked for, it uses up one of the user's guesses.
        """
        body = {"code": code}
        if client_ip:
            body["client"] = {"ip": client_ip}
        return self._write(f"/v1/verifications/{id}/verify", body)

    def _write(self, path, body):
        # One key for all tries of one request: it is done once, however often it is asked for. So
        # an answer that got lost may be asked for again.
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        for tries_left in (2, 1, 0):
            try:
                return self._call(path, body, headers)
            except Problem as problem:
                wait = problem.retry_after or 1
                if problem.status < 500 or wait > 5 or not tries_left:
                    raise
            except (OSError, http.client.HTTPException):
                wait = 1
                if not tries_left:
                    raise
            time.sleep(wait)

    def _call(self, path, body, headers):
        request = urllib.request.Request(
            self._url + path,
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._api_key}",
                "Content-Type": "application/json",
                **headers,
            },
        )
        try:
            # Longer than a send may take over all vendors (policy.deadline).
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.headers.get_content_type() != "application/problem+json":
                    raise  # not from the gateway, but from something before it
                raise Problem(json.load(error)) from None
