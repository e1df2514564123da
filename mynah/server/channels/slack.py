"""Slack: events of an app that is written to directly, or mentioned in a channel; answers by chat.postMessage."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from mynah.server.channels.channel import Incoming, Refused, Undelivered, pieces
from mynah.server.channels.outbound import Outbound
from mynah.server.channels.settings import SlackSettings

WINDOW = 300.0
"""Seconds that a request's time may differ from ours; older ones are replays."""
LIMIT = 3900
"""Characters of a message; Slack advises against more than 4 000."""
PATIENCE = 30.0
"""Seconds that we wait at most when Slack asks us to slow down."""
MENTION = re.compile(r"^\s*<@[A-Z0-9]+(?:\|[^>]*)?>\s*")
LINK = re.compile(r"<(?:https?://|mailto:)[^>|]*\|([^>]*)>|<((?:https?://|mailto:)[^>|]*)>")


class Slack:
    """One app in one workspace. A thread is a thread of Slack's, or all that is said outside of threads in a direct
    chat."""

    name, language = "slack", "en"

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings
        self._api = Outbound("Slack", settings.url)

    def read(self, headers: Mapping[str, str], body: bytes) -> Incoming | str | None:
        """What was said to the app; a `str` is the challenge to repeat; None for all else that happens.

        Refused if Slack did not sign the request, or not now.
        """
        self._check(headers, body)
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            raise Refused("no JSON") from None
        if not isinstance(told, dict):
            raise Refused("no JSON object")
        if told.get("type") == "url_verification":
            return str(told.get("challenge", ""))
        event = told.get("event")
        if told.get("type") != "event_callback" or not isinstance(event, dict) or not self._for_us(event):
            return None
        texts = [event.get(name) for name in ("channel", "user", "ts", "text")]
        if not all(isinstance(text, str) for text in (*texts, told.get("team_id"))):
            return None
        channel, person, ts, text = map(str, texts)
        direct = event.get("channel_type") == "im"
        root = event.get("thread_ts") or ("" if direct else ts)
        at = float(ts) if re.fullmatch(r"\d{1,11}\.\d{1,9}", ts) else time.time()
        thread = f"{channel}/{root}" if root else channel
        return Incoming(self.name, str(told["team_id"]), person, thread, ts, plain(text), at)

    async def send(self, to: Incoming, text: str) -> None:
        channel, _, root = to.thread.partition("/")
        for piece in pieces(escape(text), LIMIT, "characters"):
            # Nothing is unfurled: Slack would fetch addresses that a model wrote.
            body: dict[str, Any] = {"channel": channel, "text": piece, "unfurl_links": False, "unfurl_media": False}
            await self._post(body | ({"thread_ts": root} if root else {}))

    async def close(self) -> None:
        await self._api.close()

    def _check(self, headers: Mapping[str, str], body: bytes) -> None:
        timestamp = headers.get("x-slack-request-timestamp", "")
        if not timestamp.isdecimal() or len(timestamp) > 12 or abs(time.time() - int(timestamp)) > WINDOW:
            raise Refused("its time is not now")
        given = headers.get("x-slack-signature", "").encode()
        if not hmac.compare_digest(sign(self._settings.signing_secret.get_secret_value(), timestamp, body), given):
            raise Refused("the signature is not right")

    def _for_us(self, event: Mapping[str, Any]) -> bool:
        """Mentions in channels, and messages in direct chats; not what bots say, ourselves among them."""
        if event.get("bot_id") or event.get("bot_profile") or event.get("subtype"):
            return False
        direct = event.get("channel_type") == "im"
        return event.get("type") == "app_mention" or (event.get("type") == "message" and direct)

    async def _post(self, body: dict[str, Any]) -> None:
        token = self._settings.bot_token.get_secret_value()
        for last in (False, True):
            response, answer = await self._api.call("POST", "/api/chat.postMessage", body=body, token=token)
            if answer.get("ok") is True:
                return
            limited = response.status_code == 429 or answer.get("error") == "ratelimited"
            if not limited or last:
                raise Undelivered(f"Slack refused a message ({str(answer.get('error'))[:64]})")
            wait = response.headers.get("retry-after", "1")
            await asyncio.sleep(min(PATIENCE, float(wait) if wait.isdecimal() else 1.0))


def sign(secret: str, timestamp: str, body: bytes) -> bytes:
    """Slack's signature, version 0."""
    return b"v0=" + hmac.digest(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, "sha256").hex().encode()


def plain(text: str) -> str:
    """What a person typed, without the mention of us and without Slack's marks."""
    text = LINK.sub(lambda match: match[1] or match[2], MENTION.sub("", text))
    for mark, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(mark, character)
    return text.strip()


def escape(text: str) -> str:
    """Text as text: nobody is mentioned, and no channel is called, by what a model wrote."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
