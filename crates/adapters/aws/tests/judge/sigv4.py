#!/usr/bin/env python3
"""Signs requests with botocore, Amazon's own signer, and compares them with src/sigv4.json.

    sigv4.py            compares; exits with 1 if one differs
    sigv4.py --write    writes the file anew

The unit test `signs_as_botocore_does` signs the same requests with the adapter.
"""

import datetime
import json
import random
import sys
from pathlib import Path
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

FILE = Path(__file__).resolve().parents[2] / "src/sigv4.json"
COUNT = 240
TEXT = "abcXYZ019 -_.~!*'();:@&=+$,/?#[]%äß€日本🙂\"<>\\^`{|}"


def text(rng: random.Random, most: int, alphabet: str = TEXT) -> str:
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(0, most)))


def vector(rng: random.Random, number: int) -> dict:
    path = rng.choice(["/", "/v2/email/outbound-emails", "/a//b", "/a/./b/../c/", "/~x/"])
    if number % 3 == 0:
        path = "/" + "/".join(quote(text(rng, 8), safe="") for _ in range(rng.randint(1, 4)))
    pairs = [(quote(text(rng, 6), safe="-_.~"), quote(text(rng, 8), safe="-_.~")) for _ in range(rng.randint(0, 5))]
    pairs += rng.choice([[], [("Action", "Publish"), ("Version", "2010-03-31")], [("a", ""), ("a", "b"), ("a", "a")]])
    query = "&".join(f"{name}={value}" for name, value in pairs if name)
    headers = [("host", rng.choice(["sns.eu-west-1.amazonaws.com", "127.0.0.1:4010"]))]
    if rng.random() < 0.8:
        headers.append(("content-type", rng.choice(["application/json", "application/x-amz-json-1.0", "application/x-www-form-urlencoded; charset=utf-8"])))
    if rng.random() < 0.5:
        headers.append(("x-amz-target", "PinpointSMSVoiceV2.SendTextMessage"))
    if rng.random() < 0.3:
        headers.append(("x-amz-meta", "  two   spaces  " + text(rng, 5, "abc 019")))
    return {
        "method": rng.choice(["GET", "POST", "PUT", "DELETE"]),
        "path": path,
        "query": query,
        "headers": headers,
        "body": text(rng, 60),
        "region": rng.choice(["us-east-1", "eu-central-1", "ap-south-1", "cn-north-1", "us-gov-west-1"]),
        "service": rng.choice(["sns", "sms-voice", "ses", "sts"]),
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": text(rng, 40, "abcDEF019+/") or "secret",
        "session_token": rng.choice([None, "IQoJb3JpZ2lu" + text(rng, 80, "abcDEF019+/=")]),
        "at": rng.randint(1_500_000_000, 2_500_000_000),
    }


def authorization(given: dict) -> str:
    at = datetime.datetime.fromtimestamp(given["at"], datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda *_, **__: at
    url = f"https://{given['headers'][0][1]}{given['path']}" + (f"?{given['query']}" if given["query"] else "")
    request = AWSRequest(method=given["method"], url=url, data=given["body"].encode())
    for name, value in given["headers"]:
        request.headers.add_header(name, value)
    keys = Credentials(given["access_key_id"], given["secret_access_key"], given["session_token"])
    botocore.auth.SigV4Auth(keys, given["service"], given["region"]).add_auth(request)
    return request.headers["Authorization"]


def main() -> None:
    if sys.argv[1:] == ["--write"]:
        rng = random.Random(4)
        vectors = [vector(rng, number) for number in range(COUNT)]
        for given in vectors:
            given["authorization"] = authorization(given)
        lines = ",\n".join(json.dumps(given, ensure_ascii=False) for given in vectors)
        FILE.write_text(f"[\n{lines}\n]\n")
        return
    vectors = json.loads(FILE.read_text())
    wrong = [given for given in vectors if authorization(given) != given["authorization"]]
    for given in wrong:
        print(f"differs: {given['method']} {given['path']}?{given['query']}")
    print(f"{len(vectors) - len(wrong)} of {len(vectors)} requests are signed as botocore signs them")
    sys.exit(1 if wrong or len(vectors) < COUNT else 0)


if __name__ == "__main__":
    main()
