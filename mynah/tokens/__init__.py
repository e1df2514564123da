"""Text and conversations as token ids: the only home of special tokens, the chat template and loss masks."""

from mynah.tokens.chat import ChatFormat
from mynah.tokens.stream import Detokenizer
from mynah.tokens.template import CHAT_TEMPLATE
from mynah.tokens.tokenizer import SPECIAL_TOKENS, Tokenizer, check_fits

__all__ = ["CHAT_TEMPLATE", "SPECIAL_TOKENS", "ChatFormat", "Detokenizer", "Tokenizer", "check_fits"]
