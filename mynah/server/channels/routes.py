"""The addresses that other services call. Their own signatures say who calls, so neither key nor session is asked."""

from __future__ import annotations

import asyncio
import logging
from typing import NoReturn

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from mynah.server.channels.channel import Refused
from mynah.server.channels.desk import Desk
from mynah.server.channels.settings import ChannelSettings
from mynah.server.channels.slack import Slack
from mynah.server.channels.wecom import WeCom
from mynah.server.errors import APIError

log = logging.getLogger(__name__)

PATIENCE = 4.0
"""Seconds that a callback waits for its answer; WeCom gives up after five, and asks again."""


class Channels:
    """The services that are set up, with their routes."""

    def __init__(self, settings: ChannelSettings, desk: Desk) -> None:
        self.desk = desk
        self.wecom = WeCom(settings.wecom) if settings.wecom else None
        self.slack = Slack(settings.slack) if settings.slack else None

    def routes(self) -> APIRouter:
        routes = APIRouter(prefix="/channels")
        if self.wecom:
            self._of_wecom(routes, self.wecom)
        if self.slack:
            self._of_slack(routes, self.slack)
        return routes

    async def close(self) -> None:
        await self.desk.close()
        for channel in (self.wecom, self.slack):
            if channel:
                await channel.close()

    def _of_wecom(self, routes: APIRouter, wecom: WeCom) -> None:
        @routes.get("/wecom")
        async def verify(request: Request) -> Response:
            """WeCom asks whether the address is ours."""
            try:
                return Response(wecom.verify(request.query_params), media_type="text/plain")
            except Refused as refusal:
                refuse("WeCom", refusal)

        @routes.post("/wecom")
        async def message(request: Request) -> Response:
            """A message, answered in the response if that is possible in time, else by WeCom's API."""
            try:
                said = wecom.read(request.query_params, await request.body())
            except Refused as refusal:
                refuse("WeCom", refusal)
            if said is None:
                return Response()
            answering = self.desk.take(wecom, said)
            if answering.sending is None:
                await asyncio.wait({answering.text}, timeout=PATIENCE)
            if answering.sending is None and answering.text.done():
                reply = wecom.reply(said, answering.text.result())
                if reply:
                    return Response(reply, media_type="application/xml")
            answering.send_once()
            return Response()

    def _of_slack(self, routes: APIRouter, slack: Slack) -> None:
        @routes.post("/slack")
        async def event(request: Request) -> Response:
            """Something happened in the workspace; Slack wants to hear at once that we know."""
            try:
                said = slack.read(request.headers, await request.body())
            except Refused as refusal:
                refuse("Slack", refusal)
            if isinstance(said, str):
                return PlainTextResponse(said)
            if said is not None:
                self.desk.take(slack, said).send_once()
            return JSONResponse({"ok": True})


def refuse(service: str, refusal: Refused) -> NoReturn:
    """Who is not the service learns nothing of why."""
    log.warning("%s: a request was refused: %s", service, refusal)
    raise APIError(403, f"This request is not {service}'s.", code="not_signed") from None
