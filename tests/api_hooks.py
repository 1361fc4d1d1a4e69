"""What schemathesis (tests/host/test_api.py) has to know to come behind the door: who asks, and the names of what is
there. In PROSE_API are, as JSON: `url`, and `token` of an operator or `seed` and `root` of a radio."""

import base64
import http.client
import json
import os
import ssl
import urllib.parse
import zlib

import radio
import schemathesis

SITE = json.loads(os.environ["PROSE_API"])
KNOWN = {
    # A radio has no names.
    "group": ["0a0b0c", "patrol"] if SITE["side"] == "operator" else ["0a0b0c"],
    "subscriber": ["s1", "s2"],
    "device": [f"r{number}" for number in range(1, 13)],
    "fingerprint": SITE["pending"],
}


def known(name, value):
    """Something that is there, for half of the values that it might be."""
    names = KNOWN[name]
    at = zlib.crc32(repr(value).encode()) % (2 * len(names))
    return names[at] if at < len(names) else value


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    parameters = path_parameters or {}
    return {name: known(name, value) if name in KNOWN else value for name, value in parameters.items()}


@schemathesis.hook
def map_body(context, body):
    if not isinstance(body, dict):
        return body
    body = {name: whole(value) for name, value in body.items()}
    path = context.operation.path
    if path.endswith("/exclude") and "device" in body:
        body["device"] = known("device", body["device"])
    if path.endswith("/approve") and "fingerprint" in body:
        body["fingerprint"] = known("fingerprint", body["fingerprint"])
    if path.endswith("/updates") and isinstance(body.get("wait_s"), int):
        body["wait_s"] = min(body["wait_s"], 1)  # what is asked, not for how long, is tried here
    return body


def whole(value):
    """To JSON Schema 7.0 is an integer; the manager takes 7 (docs/manager-api.md)."""
    if isinstance(value, dict):
        return {name: whole(one) for name, one in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Door:
    """A connection that asks for nonces."""

    def __init__(self):
        place = urllib.parse.urlsplit(SITE["url"])
        context = ssl.create_default_context(cafile=SITE["authority"])
        self.connection = http.client.HTTPSConnection(place.hostname, place.port, context=context, timeout=30)

    def nonce(self):
        self.connection.request("POST", "/v1/nonce")
        text = json.loads(self.connection.getresponse().read())["nonce"]
        return base64.urlsafe_b64decode(text + "=")


@schemathesis.auth(refresh_interval=None)
class Credential:
    def __init__(self):
        if "seed" in SITE:
            self.door = Door()
            self.radio = radio.Radio(bytes.fromhex(SITE["root"]), bytes.fromhex(SITE["seed"]))

    def get(self, case, context):
        if "token" in SITE:
            return f"Bearer {SITE['token']}"
        statement = self.radio.statement(self.door.nonce())
        return "ProSeal-Statement " + base64.urlsafe_b64encode(statement).decode().rstrip("=")

    def set(self, case, data, context):
        case.headers["Authorization"] = data
