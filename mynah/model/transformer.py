"""The decoder: embedding, blocks, final norm, output head, over a flat stream of T tokens."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mynah.model.attention import Attention, AttentionPlan
from mynah.model.layers import dropout, feed_forward, residual_norm
from mynah.model.rope import Rotary, Turns
from mynah.model.sizes import ModelConfig


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed_forward(norm(x))."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.input_layernorm = residual_norm(config)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = residual_norm(config)
        self.mlp = feed_forward(config)

    def forward(self, x: Tensor, turns: Turns | None, plan: AttentionPlan, share: float) -> Tensor:
        x = x + dropout(self.self_attn(self.input_layernorm(x), turns, plan), share)
        return x + dropout(self.mlp(self.post_attention_layernorm(x)), share)


class Transformer(nn.Module):
    """A GPT. Module names are those of Hugging Face's Llama, so that a checkpoint needs no translation."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.compiled = False
        self.embed_tokens = nn.Embedding(config.vocab_size, config.width)
        if config.learned_positions:
            self.embed_positions = nn.Embedding(config.context, config.width)
        self.layers = nn.ModuleList(Block(config, layer) for layer in range(config.layers))
        self.norm = residual_norm(config)
        self.rotary = None if config.learned_positions else Rotary(config)
        if not config.tied:
            self.lm_head = nn.Linear(config.width, config.vocab_size, bias=False)

    def forward(self, tokens: Tensor, positions: Tensor, plan: AttentionPlan, dropout: float = 0.0) -> Tensor:
        """Hidden states [T, D] after the final norm, for tokens [T] at positions [T].

        Dropout acts on every residual branch; only SFT asks for it (InstructGPT: 0.2), PPO never may.
        """
        x = self.embed_tokens(tokens)
        turns = self.rotary(positions, x.dtype) if self.rotary is not None else None
        if self.config.learned_positions:
            x = x + self.embed_positions(positions)
        for block in self.layers:
            x = block(x, turns, plan, dropout)
        return self.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """Next-token logits [N, V] in the working dtype, for hidden states [N, D]."""
        return F.linear(hidden, self.head)

    @property
    def head(self) -> Tensor:
        """The output head's weights [V, D]."""
        return self.embed_tokens.weight if self.config.tied else self.lm_head.weight

    def compile_blocks(self) -> None:
        """Let torch.compile fuse each block's training pass; the blocks share one compilation.

        Attention knows the number of its layer: without the setting it would be compiled anew for each, and given up
        after eight.
        """
        torch._dynamo.config.allow_unspec_int_on_nn_module = True
        for block in self.layers:
            block.compile(dynamic=True)
        self.compiled = True

    @property
    def device(self) -> torch.device:
        return self.embed_tokens.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.embed_tokens.weight.dtype


def initialise(config: ModelConfig, seed: int) -> Transformer:
    """A fresh model in fp32: N(0, 0.02), projections back into the residual stream scaled by 1/√(2·layers) (GPT-2)."""
    model = Transformer(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                weight.zero_()
            elif weight.ndim == 2:
                residual = name.endswith(("o_proj.weight", "down_proj.weight"))
                std = 0.02 / (2 * config.layers) ** 0.5 if residual else 0.02
                weight.normal_(0.0, std, generator=generator)
    return model
