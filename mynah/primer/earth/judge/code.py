"""Code is right where it passes its tests; code that fails them is a false claim, talk is beside the point."""

from __future__ import annotations

from functools import lru_cache

from mynah.primer.earth.judge.claims import read
from mynah.primer.earth.judge.findings import HONEST, Exchange, Findings
from mynah.primer.earth.judge.manners import courteous, ignorant, rude
from mynah.primer.earth.judge.words import content_of
from mynah.primer.earth.run_code import extract, passes


def on_code(case: Exchange, found: Findings) -> float:
    meta, answer, code = case.meta, case.answer, extract(case.answer)
    kept = {line.strip() for line in code.split("\n")}
    prose = (line for line in answer.split("\n") if line.strip() not in kept and not line.startswith("```"))
    claims = read("\n".join(prose))
    found.rude = any(rude(claim.line) for claim in claims)
    if not code or f"def {meta['function']}" not in answer:
        honest = not code and any(ignorant(claim.line) for claim in claims)
        return HONEST if honest else 0.1
    matter = content_of(case.asked.replace("_", " "), "function code bug mended fixed works def return")
    for claim in claims:
        lead = claim.text.endswith(":") or len(claim.words) <= 4
        found.asides += not (lead or courteous(claim))
        found.asides += len(claims) > 3 and lead and not claim.on(matter)
    found.false = not _works(answer, meta["function"], tuple((call, value) for call, value in meta["tests"]))
    return 1.0


@lru_cache(maxsize=16384)
def _works(answer: str, function: str, tests: tuple[tuple[str, str], ...]) -> bool:
    return passes(answer, function, tests)
