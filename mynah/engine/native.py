"""The engine's passes and draws in compiled C (`decode.c`, `draw.c`), where this machine can make it: fast on a CPU.

A step of a small model is about 1 600 calls into PyTorch, each a microsecond; as one call it is a fraction of that.
Where `compiled.library` has none, or for a model with other parts, PyTorch does all: it is the oracle that the tests
compare with.
"""

from __future__ import annotations

import ctypes
import weakref
from ctypes import c_float, c_int32, c_int64, c_void_p

import torch
from torch import Tensor, nn

from mynah.engine.kv_cache import KVCache
from mynah.engine.siblings import Kin
from mynah.model.layers import RMSNorm, SwiGLU
from mynah.model.lora import adapters
from mynah.model.transformer import Block, Transformer
from mynah.native.compiled import library

LANES = 16
HEAD_WIDTHS = (32, 64, 96, 128, 256)
KEPT = 2**24
"""Numbers of scratch, 32 MB."""


class _Matrix(ctypes.Structure):
    _fields_ = [("panels", c_void_p), ("factors", c_void_p)]


class _Layer(ctypes.Structure):
    _fields_ = [
        *((name, _Matrix) for name in ("qkv", "out", "gate_up", "down")),
        *((name, c_void_p) for name in ("qkv_bias", "out_bias", "before_attention", "before_mlp", "q_norm", "k_norm")),
        *((name, c_void_p) for name in ("keys", "values")),
        ("rotates", c_int64),
    ]


class _Kin(ctypes.Structure):
    _fields_ = [(name, c_void_p) for name in Kin._fields]


class _Model(ctypes.Structure):
    _fields_ = [
        *((name, c_int64) for name in ("width", "layers", "heads", "kv_heads", "head_width", "ff_width")),
        *((name, c_int64) for name in ("vocab_size", "context")),
        ("eps", c_float),
        ("threads", c_int32),
        ("head", _Matrix),
        *((name, c_void_p) for name in ("embedding", "norm", "cosines", "sines", "layer")),
    ]


def runs(model: Transformer) -> bool:
    """False for what decode.c does not do: another number format or device, adapters, GPT-2, odd widths."""
    config = model.config
    return (
        model.device.type == "cpu"
        and model.dtype == torch.bfloat16
        and model.rotary is not None
        and isinstance(model.norm, RMSNorm)
        and isinstance(model.layers[0].mlp, SwiGLU)
        and not adapters(model)
        and config.head_width in HEAD_WIDTHS
        and config.width % LANES == config.ff_width % LANES == 0
        and library("decode") is not None
    )


class Native:
    """A model's matrices in panels of 16 outputs, as decode.c reads them, in bf16 or 8 bits; until they change."""

    def __init__(self, model: Transformer, int8: bool = False) -> None:
        config, lib = model.config, library("decode")
        assert lib is not None, "ask runs() first"
        self._panels = self._in_bytes if int8 else self._in_pairs
        self._lib, self._model = lib, model
        self._held: list[Tensor] = []  # what C points to
        self._layers = (_Layer * config.layers)()
        for block, layer in zip(model.layers, self._layers, strict=True):
            assert isinstance(block, Block)
            attention, mlp = block.self_attn, block.mlp
            assert isinstance(mlp, SwiGLU)
            heads = (attention.q_proj, attention.k_proj, attention.v_proj)
            layer.qkv = self._panels(torch.cat([head.weight for head in heads]))
            layer.out = self._panels(attention.o_proj.weight)
            layer.gate_up = self._panels(_in_turns(mlp.gate_proj.weight, mlp.up_proj.weight))
            layer.down = self._panels(mlp.down_proj.weight)
            if attention.q_proj.bias is not None:
                layer.qkv_bias = self._hold(torch.cat([head.bias for head in heads]))
            if attention.o_proj.bias is not None:
                layer.out_bias = self._hold(attention.o_proj.bias)
            layer.before_attention = self._hold(_weight(block.input_layernorm))
            layer.before_mlp = self._hold(_weight(block.post_attention_layernorm))
            if config.qk_norm:
                layer.q_norm, layer.k_norm = (
                    self._hold(_weight(attention.q_norm)),
                    self._hold(_weight(attention.k_norm)),
                )
            layer.rotates = attention.rotates
        assert model.rotary is not None
        cosines, sines = model.rotary(torch.arange(config.context), model.dtype)
        sines = sines.chunk(2, dim=-1)[1].repeat(1, 1, 2)  # decode.c subtracts them itself
        self._c = _Model(
            config.width,
            config.layers,
            config.heads,
            config.kv_heads,
            config.head_width,
            config.ff_width,
            config.vocab_size,
            config.context,
            config.norm_eps,
            1,
            self._panels(model.head),
            self._hold(model.embed_tokens.weight),
            self._hold(_weight(model.norm)),
            self._hold(cosines),
            self._hold(sines),
            ctypes.addressof(self._layers),
        )
        self._scratch, self._each = self._empty(0), torch.arange(0)
        self._slabs: tuple[weakref.ref[KVCache], int] | None = None

    def decode(self, cache: KVCache, tokens: Tensor, positions: Tensor, kin: Kin | None = None) -> Tensor:
        """Logits [B, V] after one more token of rows 0 … B − 1, for which the cache has room.

        What rows have in common with the eldest of their `kin` is read there, once for all.
        """
        logits, each = self._empty(len(tokens), self._c.vocab_size), self._first(len(tokens))
        self._step(cache, tokens, each, positions, kin or Kin.strangers(each), logits)
        return logits

    def read(self, cache: KVCache, tokens: Tensor, slots: Tensor, positions: Tensor) -> Tensor:
        """Hidden states [T, D] of prompts: tokens [T] at positions [T] of rows [T] of the cache.

        What lies before them in their rows must be there already, or be among them.
        """
        return self._step(cache, tokens, slots, positions, None, None)

    def logits(self, hidden: Tensor) -> Tensor:
        """Of hidden states [N, D], [N, V]."""
        hidden = hidden.contiguous()
        logits = self._empty(len(hidden), self._c.vocab_size)
        self._c.threads = torch.get_num_threads()
        self._lib.head(ctypes.byref(self._c), hidden.data_ptr(), len(hidden), logits.data_ptr())
        return logits

    def _step(
        self,
        cache: KVCache,
        tokens: Tensor,
        slots: Tensor,
        positions: Tensor,
        kin: Kin | None,
        logits: Tensor | None,
    ) -> Tensor:
        """Hidden states of all tokens. With `kin`, and logits to be filled, each token is of a row of its own."""
        self._look_into(cache)
        tokens, slots, positions = (x.long().contiguous() for x in (tokens, slots, positions))
        self._c.threads = torch.get_num_threads()
        model, count = ctypes.byref(self._c), len(tokens)
        hidden = self._empty(count, self._c.width)
        scratch = self._room(self._lib.room(model, count, cache.length))  # by name: it must outlive the call
        wrong = self._lib.step(
            model,
            count,
            tokens.data_ptr(),
            slots.data_ptr(),
            positions.data_ptr(),
            ctypes.byref(_Kin(*(each.data_ptr() for each in kin))) if kin else None,
            cache.length,
            scratch.data_ptr(),
            hidden.data_ptr(),
            None if logits is None else logits.data_ptr(),
        )
        if wrong:
            raise IndexError("a token or position that the model does not have")
        return hidden

    def _look_into(self, cache: KVCache) -> None:
        """Let C have the cache's slabs, unless it has just those."""
        if self._slabs != (held := (weakref.ref(cache), cache.allocations)):
            for layer, keys, values in zip(self._layers, cache.keys, cache.values, strict=True):
                layer.keys, layer.values = keys.data_ptr(), values.data_ptr()
            self._slabs = held

    def _first(self, rows: int) -> Tensor:
        """0 … rows − 1: the slots of a step, made once."""
        if len(self._each) < rows:
            self._each = torch.arange(rows)
        return self._each[:rows]

    def _room(self, numbers: int) -> Tensor:
        """Scratch; kept, unless a long prompt wants so much that it had better be given back."""
        if numbers > KEPT:
            return self._empty(numbers)
        if len(self._scratch) < numbers:
            self._scratch = self._empty(numbers)
        return self._scratch

    @staticmethod
    def _empty(*shape: int) -> Tensor:
        return torch.empty(shape, dtype=torch.bfloat16)

    def _in_pairs(self, weight: Tensor) -> _Matrix:
        """A matrix [N, K] as panels [N / 32][K / 2][2][16][2]."""
        pairs = _whole(weight).view(torch.int32).unflatten(0, (-1, 2, LANES))  # [N / 32, 2, 16, K / 2]
        return _Matrix(self._hold(pairs.permute(0, 3, 1, 2)), None)

    def _in_bytes(self, weight: Tensor) -> _Matrix:
        """A matrix [N, K] as panels [N / 32][K / 2][2][2][16] of 8 bits, and each output's factor."""
        rounded, factors = eight_bits(_whole(weight))
        pairs = rounded.unflatten(0, (-1, 2, LANES)).unflatten(-1, (-1, 2))  # [N / 32, 2, 16, K / 2, 2]
        return _Matrix(self._hold(pairs.permute(0, 3, 1, 4, 2)), self._hold(factors.float()))

    def _hold(self, tensor: Tensor) -> int:
        kept = tensor.detach().contiguous()
        self._held.append(kept)
        return kept.data_ptr()


def _weight(norm: nn.Module) -> Tensor:
    assert isinstance(norm, RMSNorm)
    return norm.weight


def _whole(weight: Tensor) -> Tensor:
    """With zeros behind it up to an even number of panels."""
    weight = weight.detach().contiguous()
    missing = -len(weight) % (2 * LANES)
    return torch.cat((weight, weight.new_zeros(missing, weight.shape[1]))) if missing else weight


def _in_turns(gate: Tensor, up: Tensor) -> Tensor:
    """Both matrices as one, 16 outputs of one and 16 of the other in turns."""
    return torch.stack([weight.detach().unflatten(0, (-1, LANES)) for weight in (gate, up)], 1).flatten(0, 2)


def eight_bits(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix [out, in] in whole numbers of 8 bits, and what each output is multiplied by [out]."""
    exact = weight.detach().float()
    scale = exact.abs().amax(1).clamp(min=1e-12) / 127
    return (exact / scale[:, None]).round_().to(torch.int8), scale.to(weight.dtype)


def draws(logits: Tensor) -> bool:
    """Whether `draw` takes them."""
    return logits.device.type == "cpu" and logits.dtype == torch.bfloat16 and library("draw") is not None


def draw(logits: Tensor, counters: Tensor, temperature: Tensor) -> tuple[Tensor, Tensor]:
    """What `sampler.sample` draws where nothing is steered or cut off: tokens [B] and their log p [B].

    counters: Seeds, sequences and positions [3, B].
    """
    lib = library("draw")
    assert lib is not None
    assert counters.shape == (3, len(logits))
    assert len(temperature) == len(logits)
    logits, counters, temperature = logits.contiguous(), counters.long().contiguous(), temperature.float().contiguous()
    tokens, logprobs = torch.empty(len(logits), dtype=torch.long), torch.empty(len(logits))
    lib.draw(
        logits.data_ptr(),
        len(logits),
        logits.shape[1],
        counters.data_ptr(),
        temperature.data_ptr(),
        torch.get_num_threads(),
        tokens.data_ptr(),
        logprobs.data_ptr(),
    )
    return tokens, logprobs
