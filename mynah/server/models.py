"""Which checkpoints answer under which names; a name can pass to a new checkpoint while the old one finishes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mynah.agent.assistant import Assistant
from mynah.model.precision import Hardware
from mynah.runs import Stage, weights_sha256
from mynah.server.errors import APIError
from mynah.server.settings import ServeSettings


@dataclass(eq=False)
class ServedModel:
    """One loaded checkpoint with its engine."""

    name: str
    assistant: Assistant
    weights: str
    """`sha256:…` of its weights."""
    origin: Stage | None = None
    """The stage of a run that it is; None for a checkpoint from elsewhere."""
    hardware: Hardware = field(default_factory=lambda: Hardware(device="cpu", dtype="float32"))
    """What it was loaded for; what takes its place is loaded for the same."""
    created: int = field(default_factory=lambda: int(time.time()))
    in_flight: int = 0
    """Answers asked of it and not finished, waiting ones included."""
    seconds: float = 1.0
    """What a request took lately."""

    @classmethod
    def load(
        cls,
        name: str,
        folder: Path,
        hardware: Hardware,
        settings: ServeSettings,
        origin: Stage | None = None,
    ) -> ServedModel:
        """`hardware` is resolved. Raises UserError for a folder that holds no policy."""
        assistant = Assistant.load(folder, hardware, name, settings.rows, settings.prefix_tokens, settings.int8)
        return cls(name, assistant, weights_sha256(folder), origin, hardware)

    @property
    def fingerprint(self) -> str:
        """OpenAI's `system_fingerprint`: the same seed gives the same answer while it is the same."""
        return "fp_" + self.weights.removeprefix("sha256:")[:12]

    def describe(self) -> dict[str, Any]:
        return {
            "id": self.name,
            "object": "model",
            "created": self.created,
            "owned_by": "mynah",
            "max_model_len": self.assistant.engine.context,
            "weights": self.weights,
        }


class Models:
    """Name → checkpoint."""

    def __init__(self, served: list[ServedModel]) -> None:
        self._served = {model.name: model for model in served}

    def __iter__(self) -> Any:
        return iter(self._served.values())

    def promote(self, model: ServedModel) -> None:
        """From now on requests for its name go to `model`. The one before finishes what it has begun, then is freed."""
        self._served[model.name] = model

    def find(self, name: str) -> ServedModel:
        if name not in self._served:
            there = ", ".join(self._served)
            raise APIError(
                404,
                f"The model '{name}' does not exist; there are: {there}.",
                param="model",
                code="model_not_found",
            )
        return self._served[name]
