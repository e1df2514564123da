"""mynah: pretrained GPT → demonstrations → rankings → reward model → PPO → chat, in one readable project."""

__version__ = "0.1.0"
