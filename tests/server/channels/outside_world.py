"""WeCom's and Slack's side of the conversation, written from their documentation alone: nothing of ours is used.

`Outside` is a server that speaks the two APIs over HTTP, with the errors that they document; the functions make what
the services send. The cipher is OpenSSL's program, the XML is put together by hand.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.dom import minidom

CORP, AGENT, SECRET = "wwcorp", 1000002, "app-secret-of-the-test"
TOKEN, AES_KEY = "tok3n", base64.b64encode(bytes(range(32))).decode().rstrip("=")
CREATED = int(time.time())  # of every message: a repeat of one has the time of the first
SIGNING, BOT = "8f742231b10e8888abcd99yyyzzz85a5", "xoxb-token-of-the-test"


def aes(data: bytes, *, decrypt: bool = False) -> bytes:
    key = base64.b64decode(AES_KEY + "=")
    way = ["-d"] if decrypt else []
    command = ["openssl", "enc", "-aes-256-cbc", *way, "-nopad", "-K", key.hex(), "-iv", key[:16].hex()]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


@dataclass
class Callback:
    """A signed callback of WeCom: what goes into the address, and the body."""

    query: dict[str, str]
    body: str


def sealed(text: str, receive_id: str = CORP) -> str:
    """The documented plaintext, encrypted."""
    message = text.encode()
    plain = b"0123456789abcdef" + len(message).to_bytes(4, "big") + message + receive_id.encode()
    pad = 32 - len(plain) % 32
    return base64.b64encode(aes(plain + bytes([pad]) * pad)).decode()


def signed(encrypted: str, *, at: float | None = None, nonce: str = "1372623149") -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    return {"msg_signature": sha1(TOKEN, stamp, nonce, encrypted), "timestamp": stamp, "nonce": nonce}


def message(
    text: str,
    id: str = "1",
    person: str = "zhangsan",
    *,
    corp: str = CORP,
    receive_id: str = CORP,
    kind: str = "text",
    **more: Any,
) -> Callback:
    said = (
        f"<xml><ToUserName><![CDATA[{corp}]]></ToUserName><FromUserName><![CDATA[{person}]]></FromUserName>"
        f"<CreateTime>{CREATED}</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>"
        f"<Content><![CDATA[{text}]]></Content><MsgId>{id}</MsgId><AgentID>{AGENT}</AgentID></xml>"
    )
    encrypted = sealed(said, receive_id)
    body = (
        f"<xml><ToUserName><![CDATA[{corp}]]></ToUserName><AgentID><![CDATA[{AGENT}]]></AgentID>"
        f"<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    )
    return Callback(signed(encrypted, **more), body)


def opened(reply: bytes) -> dict[str, str]:
    """What a passive reply says, after its signature was checked."""
    envelope = texts(reply)
    expected = sha1(TOKEN, envelope["TimeStamp"], envelope["Nonce"], envelope["Encrypt"])
    assert envelope["MsgSignature"] == expected
    plain = aes(base64.b64decode(envelope["Encrypt"]), decrypt=True)
    assert len(plain) % 32 == 0
    plain = plain[: -plain[-1]]
    length = int.from_bytes(plain[16:20], "big")
    assert plain[20 + length :].decode() == CORP
    return texts(plain[20 : 20 + length])


def texts(document: bytes) -> dict[str, str]:
    root = minidom.parseString(document).documentElement
    return {child.tagName: "".join(node.data for node in child.childNodes) for child in root.childNodes}


def slack_signed(body: bytes, *, at: float | None = None, secret: str = SIGNING) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    signature = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={signature}",
        "Content-Type": "application/json",
    }


def slack_event(text: str, ts: str = "1700000000.000100", *, team: str = "T1", **event: Any) -> bytes:
    """A direct message, unless `event` says something else."""
    told = {"type": "message", "channel_type": "im", "channel": "D1", "user": "U1", "ts": ts, "text": text} | event
    return json.dumps({"type": "event_callback", "team_id": team, "event_id": f"Ev{ts}", "event": told}).encode()


@dataclass
class Outside:
    """The services' APIs. `broken` are answers to give first in place of the right ones, by path."""

    url: str = ""
    said: list[dict[str, Any]] = field(default_factory=list)
    """What messages were sent, in order."""
    tokens: int = 0
    """How many access tokens were given; the newest is the valid one."""
    lasts: int = 7200
    broken: dict[str, list[tuple[int, dict[str, str], Any]]] = field(default_factory=dict)
    heard: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        with self.heard:
            assert self.heard.wait_for(lambda: len(self.said) >= count, timeout=20), self.said
        return self.said

    def respond(self, path: str, query: dict[str, str], headers: Any, body: Any) -> tuple[int, dict[str, str], Any]:
        if self.broken.get(path):
            return self.broken[path].pop(0)
        if path == "/cgi-bin/gettoken":
            if (query["corpid"], query["corpsecret"]) != (CORP, SECRET):
                return 200, {}, {"errcode": 40013, "errmsg": "invalid corpid"}
            self.tokens += 1
            token = {"access_token": f"token-{self.tokens}", "expires_in": self.lasts}
            return 200, {}, {"errcode": 0, "errmsg": "ok"} | token
        if path == "/cgi-bin/message/send":
            if query["access_token"] != f"token-{self.tokens}":
                return 200, {}, {"errcode": 42001, "errmsg": "access_token expired"}
            assert (body["msgtype"], body["agentid"]) == ("text", AGENT)
            if len(body["text"]["content"].encode()) > 2048:
                return 200, {}, {"errcode": 40058, "errmsg": "content too long"}
            self.hear({"to": body["touser"], "text": body["text"]["content"]})
            return 200, {}, {"errcode": 0, "errmsg": "ok", "msgid": "x"}
        if path == "/api/chat.postMessage":
            if headers["Authorization"] != f"Bearer {BOT}":
                return 200, {}, {"ok": False, "error": "invalid_auth"}
            self.hear(body)
            return 200, {}, {"ok": True, "ts": "1.2"}
        return 404, {}, {"error": path}

    def hear(self, said: dict[str, Any]) -> None:
        with self.heard:
            self.said.append(said)
            self.heard.notify_all()

    def serve(self) -> ThreadingHTTPServer:
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                status, headers, answer = outside.respond(
                    parts.path, query, self.headers, json.loads(body) if body else None
                )
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in (headers | {"Content-Length": str(len(data))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server
