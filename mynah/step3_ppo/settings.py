"""What step 3 can be told, with the papers' values beside the defaults."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from mynah.config import Amount, Count, Share
from mynah.model.lora import LoRA
from mynah.train.optim import OptimSettings


class PPOSettings(OptimSettings):
    """Step 3."""

    reward: Literal["model", "exact"] = "model"
    """What scores an answer: the reward model; or `exact`, 1 if it ends in the right answer that its row states."""
    start: Literal["newest", "sft"] = "newest"
    """Of a later round: the policy of the round before, or the SFT model, which no reward model has misled yet."""
    iterations: Count = 40
    """Times that fresh rollouts are made and learned from."""
    prompts: Count = 64
    """Prompts an iteration."""
    completions: Count = 2
    """Rollouts of each prompt; they share its computation."""
    minibatches: Count = 4
    """Updates per pass over an iteration's rollouts; at most `prompts`."""
    epochs: Count = 1
    """Passes over an iteration's rollouts (InstructGPT 1, Stiennon 4)."""
    max_new_tokens: Count = 64
    """Budget of an answer."""
    temperature: PositiveFloat = 1.0
    """Of rollouts; log-probabilities are taken at the same. No top-k or top-p: PPO needs the policy's own samples."""
    kl_coef: Amount = 0.05
    """Weight of the per-token penalty for leaving the reference (InstructGPT 0.02, Stiennon 0.05)."""
    kl_target: PositiveFloat | None = None
    """Nats of ref_kl that an adaptive kl_coef aims at; none keeps it fixed."""
    kl_horizon: Amount = 0.04
    """How slowly the adaptive coefficient moves, as a share of the run."""
    missing_end_score: float = -1.0
    """Score of an answer that does not end within its budget."""
    uncertainty_penalty: Amount = 0.0
    """β of score = ensemble mean − β · ensemble standard deviation; 0 takes the reward model's own head."""
    gamma: Share = 1.0
    """Discount."""
    gae_lambda: Share = 0.95
    """λ of the advantage estimate."""
    whiten: bool = True
    """Whiten advantages over the whole batch."""
    clip_range: Amount = 0.2
    """ε of the policy's ratio."""
    value_clip: Amount = 0.2
    """How far a value may move in one iteration."""
    learning_rate: Amount = 3e-4
    """Of the policy, constant after the warm-up. InstructGPT: 9e-6 for 1.3B parameters."""
    schedule: Literal["cosine", "linear", "constant"] = "constant"
    """As in the papers."""
    value_learning_rate: Amount = 1e-3
    """Of the value model. With an optimiser of its own, a value coefficient would change nothing."""
    epsilon: Amount = 1e-5
    """Adam's ε, as in the papers' code."""
    ema_half_life: Amount = 0.17
    """Half-life of the average that is evaluated and served (InstructGPT: 0.992 over 500 updates)."""
    ptx_coef: Amount = 0.0
    """Weight of the pretraining loss mixed in (PPO-ptx; InstructGPT 27.8 with its normalisation); 0 for none."""
    ptx_examples: Count = 8
    """Pretraining pieces an update, with ptx (InstructGPT: 8 an episode)."""
    max_ref_kl: Amount = 60.0
    """Nats beyond which the run counts as collapsed."""
    microbatch_tokens: Count = 16_384
    """Tokens in one forward pass; a matter of memory, not of results."""
    snapshots: Annotated[int, Field(ge=0)] = 0
    """Policies kept along the way, beside the resume state: the KL–gold frontier is drawn from them."""
    lora: LoRA = LoRA()
    """Train adapters, and the value head, only: policy and reference share a base, value and reward model another."""
