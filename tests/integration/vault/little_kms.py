"""A key service of one key, in a process of its own, that knows nothing of RewardRails: `python little_kms.py`.

POST /wrap and /unwrap take and answer JSON lists of base64; GET /calls answers how often it was asked. Its key never leaves.
"""

import base64
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY = AESGCM(AESGCM.generate_key(256))
_calls = 0


class Service(BaseHTTPRequestHandler):
    """Wraps and unwraps."""

    def do_GET(self) -> None:
        self._answer(200, _calls)

    def do_POST(self) -> None:
        global _calls  # noqa: PLW0603 - one counter for one process
        _calls += 1
        keys = [base64.b64decode(one) for one in json.loads(self.rfile.read(int(self.headers["Content-Length"])))]
        try:
            done = [_wrap(one) if self.path == "/wrap" else _KEY.decrypt(one[:12], one[12:], b"") for one in keys]
        except InvalidTag:
            self._answer(403, "not ours")
            return
        self._answer(200, [base64.b64encode(one).decode() for one in done])

    def log_message(self, *args: object) -> None:
        """Nothing."""

    def _answer(self, status: int, body: object) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def _wrap(key: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + _KEY.encrypt(nonce, key, b"")


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), Service)
    print(server.server_port, flush=True)  # noqa: T201 - the parent reads it
    server.serve_forever()
