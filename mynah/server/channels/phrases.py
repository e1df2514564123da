"""What the service itself says in other services, in English and Chinese."""

PHRASES = {
    "en": {
        "help": "Write to me, and I answer.\n"
        "!new  begin a new conversation\n"
        "!good, !bad  what you think of my last answer\n"
        "!training yes, !training no  whether your conversations may help to train me\n"
        "!leave  erase all that we said",
        "first": "(!help tells what else I know. What you write here does not train me unless you say !training yes.)",
        "new": "A new conversation: I have forgotten what we said before.",
        "training_yes": "Your conversations may help to train me. !training no takes it back.",
        "training_no": "Your conversations do not train me. !training yes would allow it.",
        "leave": "!leave yes erases all that you wrote to me and all that I answered, in every thread, for good.",
        "left": "All that we said here is erased. If you write again, I do not know you.",
        "nobody": "There is nothing of yours here.",
        "thanks": "Thank you, noted.",
        "nothing_to_rate": "There is no answer of mine here yet.",
        "busy": "One after the other, please: I am still answering your last messages.",
        "disabled": "Your account is disabled; please ask whoever runs this assistant.",
        "broken": "Something went wrong here. Please try again.",
        "silent": "I have no answer to that.",
    },
    "zh": {
        "help": "直接发消息，我会回答。\n"
        "/new  开始新对话\n"
        "/good、/bad  评价我的上一条回答\n"
        "/training yes、/training no  是否允许用您的对话来训练我\n"
        "/leave  删除我们的全部对话",
        "first": "（发送 /help 查看更多功能。除非您发送 /training yes，您的对话不会用于训练。）",
        "new": "新对话开始了，之前说的我都不再参考。",
        "training_yes": "您的对话可以用于训练。发送 /training no 可随时收回。",
        "training_no": "您的对话不会用于训练。发送 /training yes 表示同意。",
        "leave": "发送 /leave yes 将永久删除您写给我的和我回答您的全部内容，无法恢复。",
        "left": "我们的全部对话已删除。您再发消息时，我不会记得您。",
        "nobody": "这里没有您的任何内容。",
        "thanks": "谢谢，已记录。",
        "nothing_to_rate": "这里还没有我的回答。",
        "busy": "请稍等，我还在回答您前面的消息。",
        "disabled": "您的账号已停用，请联系管理员。",
        "broken": "出了点问题，请再试一次。",
        "silent": "这个问题我答不上来。",
    },
}


def phrase(language: str, name: str) -> str:
    return PHRASES[language][name]
