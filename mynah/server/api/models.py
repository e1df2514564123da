"""`/api/models`, `/api/starters`: who answers, and what one could ask."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Connection, select

from mynah.server.api.here import Who, page
from mynah.server.remote import Remote
from mynah.server.talks import Talks
from mynah.store.schema import service_setting

STARTERS = {
    "en": (
        "Explain why the sky is blue, in three sentences.",
        "Write a short poem about a bird that learns to talk.",
        "What are the pros and cons of working from home?",
        "Give me three ideas for a quick dinner.",
    ),
    "zh": (
        "用三句话解释天空为什么是蓝色的。",
        "写一首短诗，讲一只学说话的鸟。",
        "在家办公有哪些优点和缺点？",
        "给我三个简单晚餐的主意。",
    ),
}
SETTING = "starters"
"""A service setting: a list of texts in place of these."""
ABOUT = "about"
"""A service setting: a sentence that says what this assistant is good for."""


def routes(talks: Talks) -> APIRouter:
    api = APIRouter(prefix="/api", tags=["models"])

    @api.get("/models")
    async def models(who: Who) -> dict[str, Any]:
        """Who answers; the default one answers where none is named."""
        engine = talks.engine
        if isinstance(engine, Remote):
            known = [(model["id"], model.get("max_model_len")) for model in await engine.models()]
        else:
            known = [(model.name, model.assistant.engine.context) for model in engine.models]
        return page([{"name": n, "context": c, "default": i == 0} for i, (n, c) in enumerate(known)])

    @api.get("/starters")
    async def starters(who: Who, request: Request) -> dict[str, Any]:
        """Questions to begin with, in the reader's language; `about`: what this assistant is, where that was set."""
        own, about = await talks.ledger.read(_own)
        language = "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"
        return page([{"text": text} for text in own or STARTERS[language]]) | {"about": about}

    return api


def _own(tx: Connection) -> tuple[list[str], str]:
    wanted = service_setting.c.name.in_([SETTING, ABOUT])
    kept = {row.name: row.value for row in tx.execute(select(service_setting).where(wanted))}
    texts, about = kept.get(SETTING), kept.get(ABOUT)
    return [text for text in texts or [] if isinstance(text, str)], about if isinstance(about, str) else ""
