"""What the services are told and know us by. Secrets come from the environment, or from a file that is ours alone."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError, field_validator

from mynah.config import Settings
from mynah.errors import UserError
from mynah.files import read_text
from mynah.server.channels.wecom_crypto import Envelope

PREFIX = "MYNAH"


class ServiceSettings(Settings):
    """Of any service."""

    url: str

    @field_validator("url")
    @classmethod
    def _is_a_base(cls, url: str) -> str:
        parts = urlsplit(url)
        local = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise ValueError("has the form https://HOST")
        if not parts.hostname or parts.username or parts.query or parts.fragment:
            raise ValueError("has the form https://HOST")
        return url


class WeComSettings(ServiceSettings):
    """WeCom."""

    corp_id: str
    """The corp's id, under “My Company” of the console; begins with ww."""
    agent_id: int
    """The app's AgentId."""
    secret: SecretStr
    """The app's Secret, by which it speaks on its own."""
    token: SecretStr
    """Token of the app's “Receive Messages”."""
    aes_key: SecretStr
    """EncodingAESKey of the same."""
    url: str = "https://qyapi.weixin.qq.com"
    """Where WeCom's API is; another one for a private deployment."""

    @field_validator("aes_key")
    @classmethod
    def _is_a_key(cls, key: SecretStr) -> SecretStr:
        Envelope("", key.get_secret_value(), "")
        return key


class SlackSettings(ServiceSettings):
    """Slack."""

    signing_secret: SecretStr
    """“Signing Secret” of the app."""
    bot_token: SecretStr
    """“Bot User OAuth Token”; begins with xoxb-."""
    url: str = "https://slack.com"
    """Where Slack's API is."""


@dataclass(frozen=True)
class ChannelSettings:
    """The services that are set up; None for one that is not."""

    wecom: WeComSettings | None = None
    slack: SlackSettings | None = None


NO_CHANNELS = ChannelSettings()
S = TypeVar("S", bound=ServiceSettings)


def load_channels(file: Path | None, environment: Mapping[str, str] = os.environ) -> ChannelSettings:
    """Settings from a TOML file with tables [wecom] and [slack], and from MYNAH_WECOM_… and MYNAH_SLACK_…, which win.

    Raises:
        UserError: The file can be read by others, or a setting is missing, unknown or wrong. No value is ever shown.
    """
    tables = _read(file) if file else {}
    if unknown := set(tables) - {"wecom", "slack"}:
        raise UserError(f"{file}: unknown table [{min(unknown)}]; known are [wecom] and [slack].")
    return ChannelSettings(
        _service(WeComSettings, "wecom", tables, file, environment),
        _service(SlackSettings, "slack", tables, file, environment),
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        mode = file.stat().st_mode & 0o777
    except FileNotFoundError:
        raise UserError(f"{file}: no such file.") from None
    if mode & 0o077:
        raise UserError(f"{file}: holds secrets and can be read by others; run: chmod 600 {file}")
    try:
        return tomllib.loads(read_text(file))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file}: not TOML ({error}).") from None


def _service(
    schema: type[S], name: str, tables: Mapping[str, Any], file: Path | None, environment: Mapping[str, str]
) -> S | None:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise UserError(f"{file}: {name} is a table, which begins with [{name}].")
    variables = {key: f"{PREFIX}_{name}_{key}".upper() for key in schema.model_fields}
    told = table | {key: environment[variable] for key, variable in variables.items() if environment.get(variable)}
    if not told:
        return None
    try:
        return schema.model_validate(told)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_context=False)[0]
        key = str(problem["loc"][0])
        where = variables.get(key) if environment.get(variables.get(key, "")) else f"[{name}] {key}"
        wrong = {"missing": "is missing", "extra_forbidden": f"is unknown; known are {', '.join(schema.model_fields)}"}
        why = wrong.get(problem["type"], problem["msg"].removeprefix("Value error, "))
        hint = f" (or set {variables[key]})" if problem["type"] == "missing" else ""
        raise UserError(f"{file or 'environment'}: {where} {why}{hint}.") from None
