"""Every word of the page is there in both languages, and every word that the page asks for is there."""

import json
import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent.parent.parent / "web" / "src"
AREAS = [path.stem for path in sorted((SOURCES / "locales" / "en").glob("*.json"))]
SERVER = Path(__file__).parent.parent.parent / "mynah" / "server"
OF_PROGRAMS = {
    *("invalid_api_key", "insufficient_scope", "unknown_url", "stream_not_found", "not_signed"),
    *("invalid_value", "invalid_type", "unsupported_value", "missing_required_parameter"),
}
"""What the service refuses to programs alone, and what names a field in its own sentence."""
PLURAL = re.compile("_(one|other)$")


def words(language: str, area: str) -> dict[str, str]:
    """Text by its path, as `shortcuts.help`; a plural counts once."""

    def flat(part: dict | str, path: str) -> dict[str, str]:
        if isinstance(part, str):
            return {PLURAL.sub("", path): part}
        return {
            name: text for key, inner in part.items() for name, text in flat(inner, f"{path}.{key}".strip(".")).items()
        }

    return flat(json.loads((SOURCES / "locales" / language / f"{area}.json").read_text("utf-8")), "")


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_say_the_same_things(area: str) -> None:
    english, chinese = words("en", area), words("zh", area)
    assert english.keys() == chinese.keys()
    for name, text in english.items():
        named = set(re.findall(r"\{\{(\w+)\}\}", text)) - {"count"}
        assert set(re.findall(r"\{\{(\w+)\}\}", chinese[name])) - {"count"} == named, name


def test_what_is_asked_for_is_there() -> None:
    there = {area: words("en", area) for area in AREAS}
    missing = []
    for path in sorted(SOURCES.rglob("*.tsx")):
        source = path.read_text("utf-8")
        areas = set(re.findall(r'useTranslation\("(\w+)"\)', source)) or {"common"}
        for asked in re.findall(r'\bt\("([\w.:]+)"', source):
            namespace, _, name = asked.rpartition(":")
            if not any(name in there[area] for area in ([namespace] if namespace else areas)):
                missing.append(f"{path.relative_to(SOURCES)}: {asked}")
    assert not missing


def test_there_are_words_for_whatever_the_service_refuses_to_a_person() -> None:
    codes = {code for path in SERVER.rglob("*.py") for code in re.findall(r'\bcode="(\w+)"', path.read_text("utf-8"))}
    for language in ("en", "zh"):
        told = {name.removeprefix("errors.") for name in words(language, "common") if name.startswith("errors.")}
        assert told == codes - OF_PROGRAMS
    assert all(text for name, text in words("zh", "common").items()), "only English may leave it to the service"
