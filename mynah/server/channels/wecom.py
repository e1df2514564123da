"""WeCom (企业微信): an app's callback, and the API by which it speaks on its own.

A message comes as an encrypted callback. The answer goes back in the callback's response if it is there within WeCom's
five seconds and short enough; otherwise by `message/send`, for which an access token is fetched and kept.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping

from mynah.server.channels.channel import Incoming, Refused, Undelivered, pieces
from mynah.server.channels.outbound import Outbound
from mynah.server.channels.settings import WeComSettings
from mynah.server.channels.wecom_crypto import Envelope, read_xml, write_xml

log = logging.getLogger(__name__)

WINDOW = 300.0
"""Seconds that a callback's time may differ from ours; older ones are replays."""
LIMIT = 2048
"""Bytes of a text message."""
EARLY = 300.0
"""Seconds before its end at which an access token is replaced."""
STALE = {40001, 40014, 42001}
"""Error codes for an access token that no longer counts."""


class WeCom:
    """One app of one corp. A person's talk with the app is one thread."""

    name, language = "wecom", "zh"

    def __init__(self, settings: WeComSettings) -> None:
        self._settings = settings
        self._envelope = Envelope(
            settings.token.get_secret_value(), settings.aes_key.get_secret_value(), settings.corp_id
        )
        self._api = Outbound("WeCom", settings.url)
        self._token, self._until = "", 0.0
        self._lock = asyncio.Lock()

    def verify(self, query: Mapping[str, str]) -> bytes:
        """What WeCom wants to read back when the callback's address is entered in its console."""
        return self._open(query, query.get("echostr", ""))

    def read(self, query: Mapping[str, str], body: bytes) -> Incoming | None:
        """The message in a callback; None for events and for what is no text."""
        envelope = read_xml(body)
        if envelope.get("ToUserName") != self._settings.corp_id:
            raise Refused("it is for another corp")
        said = read_xml(self._open(query, envelope.get("Encrypt", "")))
        if said.get("ToUserName") != self._settings.corp_id or said.get("AgentID") != str(self._settings.agent_id):
            raise Refused("it is for another app")
        if said.get("MsgType") != "text" or not said.get("MsgId") or not said.get("FromUserName"):
            return None
        person, at = said["FromUserName"], said.get("CreateTime", "")
        return Incoming(
            channel=self.name,
            team=self._settings.corp_id,
            person=person,
            thread=str(self._settings.agent_id),
            id=said["MsgId"],
            text=said.get("Content", ""),
            at=float(at) if at.isdecimal() and len(at) < 12 else time.time(),
        )

    def reply(self, to: Incoming, text: str) -> bytes | None:
        """The callback's response that says `text`; None if it is too long for one message."""
        if len(text.encode()) > LIMIT:
            return None
        now = str(int(time.time()))
        said = {"ToUserName": to.person, "FromUserName": to.team, "CreateTime": now, "MsgType": "text", "Content": text}
        return write_xml(self._envelope.seal(write_xml(said), now, secrets.token_hex(8)))

    async def send(self, to: Incoming, text: str) -> None:
        for piece in pieces(text, LIMIT):
            await self._send(to.person, piece)

    async def close(self) -> None:
        await self._api.close()

    def _open(self, query: Mapping[str, str], sealed: str) -> bytes:
        timestamp = query.get("timestamp", "")
        if not timestamp.isdecimal() or len(timestamp) > 12 or abs(time.time() - int(timestamp)) > WINDOW:
            raise Refused("its time is not now")
        return self._envelope.open(query.get("msg_signature", ""), timestamp, query.get("nonce", ""), sealed)

    async def _send(self, person: str, text: str) -> None:
        body = {
            "touser": person,
            "msgtype": "text",
            "agentid": self._settings.agent_id,
            "text": {"content": text},
            "safe": 0,
        }
        for fresh in (False, True):
            token = await self._access(fresh)
            _, answer = await self._api.call("POST", "/cgi-bin/message/send", query={"access_token": token}, body=body)
            code = answer.get("errcode")
            if code in STALE and not fresh:
                continue
            if code != 0:
                raise Undelivered(f"WeCom refused a message with error {code}")
            if answer.get("invaliduser"):
                raise Undelivered("WeCom knows no such person, or they do not see this app")
            return

    async def _access(self, fresh: bool) -> str:
        """The access token; `fresh` replaces one that WeCom no longer takes."""
        stale = self._token if fresh else ""
        async with self._lock:
            if self._token == stale or time.monotonic() >= self._until:
                query = {
                    "corpid": self._settings.corp_id,
                    "corpsecret": self._settings.secret.get_secret_value(),
                }
                _, answer = await self._api.call("GET", "/cgi-bin/gettoken", query=query)
                token, seconds = answer.get("access_token"), answer.get("expires_in")
                if answer.get("errcode") or not isinstance(token, str) or not isinstance(seconds, int | float):
                    raise Undelivered(f"WeCom gave no access token (error {answer.get('errcode')})")
                self._token, self._until = token, time.monotonic() + max(0.0, seconds - EARLY)
            return self._token
