"""Generation for rollouts and chat alike; it knows token ids only: no text, no tools, no users."""

from mynah.engine.engine import Engine, Token
from mynah.engine.guide import Guide

__all__ = ["Engine", "Guide", "Token"]
