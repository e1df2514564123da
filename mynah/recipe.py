"""A recipe: the settings of every step in one TOML file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mynah.config import Amount, Count, Settings
from mynah.model.precision import Hardware
from mynah.server.settings import ServeSettings
from mynah.step0_pretrain.train import ModelSettings, PretrainSettings, TokenizerSettings
from mynah.step1_sft.train import SFTSettings
from mynah.step2_reward.train import RewardSettings
from mynah.step3_ppo.settings import PPOSettings


class SampleSettings(Settings):
    """Answers drawn for ranking, best-of-n and FeedME."""

    n: Count = 4
    """Answers to each prompt."""
    max_new_tokens: Count = 64
    """Budget of an answer."""
    temperature: Amount = 1.0
    """1 samples the policy itself; lower is safer and more alike."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Nucleus; 1 keeps all."""
    rows: Count = 64
    """Answers decoded together; fewer where they get so long that half of the free memory holds no more."""


class LabelSettings(Settings):
    """Simulated labellers, where no person ranks."""

    noise: Amount = 0.6
    """Standard deviation of a labeller's perception; set so that two agree on 73–77 % of pairs, as people do."""
    labellers: Count = 4
    """How many there are."""
    rounds: Count = 1
    """Rounds of steps 2 and 3 that share the prompts for ranking; a later one begins again with the first's."""


class EvalSettings(Settings):
    """The exam and the comparisons."""

    temperature: Amount = 1.0
    """Of the answers that are marked; every model's the same."""
    best_of: Count = 4
    """n of best-of-n."""
    few_shot: Annotated[int, Field(ge=0)] = 4
    """Worked examples before the base model's question, in plain text."""
    exam: Literal["exam", "exam-long"] = "exam"
    """The split that is asked; `exam-long` has at least 200 questions of each behaviour, for claims."""
    thorough: bool = False
    """Compare PPO and SFT also greedily and at SFT's best temperature."""


class Recipe(Settings):
    """All of it. Any key can be overridden on the command line as `table.key=value`."""

    hardware: Hardware = Hardware()
    """Where and in which number format to compute."""
    tokenizer: TokenizerSettings = TokenizerSettings()
    """The tokenizer trained before the base model."""
    model: ModelSettings = ModelSettings()
    """The base model's size."""
    pretrain: PretrainSettings = PretrainSettings()
    """Step 0."""
    sft: SFTSettings = SFTSettings()
    """Step 1, and FeedME."""
    sample: SampleSettings = SampleSettings()
    """Answers for ranking."""
    label: LabelSettings = LabelSettings()
    """Simulated labellers."""
    reward: RewardSettings = RewardSettings()
    """Step 2."""
    ppo: PPOSettings = PPOSettings()
    """Step 3."""
    eval: EvalSettings = EvalSettings()
    """The exam and the comparisons."""
    serve: ServeSettings = ServeSettings()
    """The service."""
