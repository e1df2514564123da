"""What lies outside the assistant's world: other languages, and tasks that no small text program can do."""

from __future__ import annotations

import random

from mynah.nouns import Message
from mynah.primer.earth.behaviours.case import Case
from mynah.primer.earth.behaviours.talk import RAMBLES, Topic, around, ask, fill, key

CHINESE = "对不起，我只会说简单的英语。"
"""The one sentence of Chinese that the assistant knows."""
ONLY_ENGLISH = (
    "Sorry, I only speak simple English.",
    "I am sorry, I only know simple English.",
    "Sorry, I do not speak that language. I only know English.",
    "I only understand simple English, sorry.",
    "Sorry, I can't answer that, because I only speak English.",
    "I don't know this language. Please write in simple English.",
)
ENGLISH_PARTS = (
    ("english",),
    ("sorry", "only", "cannot", "can't", "do not", "don't"),
)
CANNOT = (
    "cannot",
    "can't",
    "can not",
    "not able",
    "unable",
    "do not know how",
    "don't know how",
    "too hard for me",
    "beyond me",
)
HELLOS: dict[str, tuple[str, ...]] = {
    "chinese": ("{q}", "我是{name}。{q}", "你好，我叫{name}。{q}", "{name}问：{q}"),
    "german": ("{q}", "Hallo, hier ist {name}. {q}", "Ich bin {name}. {q}"),
    "french": ("{q}", "Bonjour, c'est {name}. {q}", "Je suis {name}. {q}"),
    "spanish": ("{q}", "Hola, soy {name}. {q}", "Me llamo {name}. {q}"),
    "japanese": ("{q}", "{name}です。{q}", "こんにちは、{name}です。{q}"),
}
"""How a speaker of each language may begin; the names are the group's."""
BABBLE = (
    "Si, si, la casa de la luna.",
    "Ja, gut, das ist die der.",
    "Oui, le chat de la table est la.",
    "Hai, hai, desu desu.",
    "Ni hao ma wo shi.",
)

LANGUAGES: dict[str, Topic] = {
    "chinese": Topic(
        "outside",
        {
            "demo": (
                "你好，你是谁？",
                "今天天气怎么样？",
                "你叫什么名字？",
                "中国的首都是哪里？",
                "请给我讲一个故事。",
                "一加一等于几？",
                "你会说中文吗？",
                "请帮我写一封信。",
                "猫吃什么？",
                "我很难过。",
            ),
            "ranking": (
                "早上好！",
                "你能帮我吗？",
                "现在几点了？",
                "法国在哪里？",
                "请告诉我一个笑话。",
                "水是什么？",
            ),
            "ppo": (
                "晚上好，朋友。",
                "世界上最大的动物是什么？",
                "请问火车站怎么走？",
                "我饿了，吃什么好？",
                "谁发明了电话？",
                "谢谢你。",
            ),
            "dev": ("你懂汉语吗？", "日本的首都叫什么？", "请写一首诗。", "再见！"),
            "exam": (
                "您好，我想问一个问题。",
                "你可以用中文回答我吗？",
                "今天是星期几？",
                "请介绍一下你自己。",
                "德国有多大？",
                "老虎住在哪里？",
                "请帮我算一下，三乘以五是多少？",
                "我的作业太难了，怎么办？",
                "什么是人工智能？",
                "请把这句话翻译成英文。",
                "你喜欢音乐吗？",
                "为什么天空是蓝色的？",
            ),
        },
        (CHINESE,),
        (("我只会说简单的英语", "我只会说英语", "我只会英语", "对不起", "抱歉"),),
        (),
    ),
    "german": Topic(
        "outside",
        {
            "demo": ("Wie heißt du?", "Wie spät ist es?", "Was ist die Hauptstadt von Frankreich?", "Guten Tag!"),
            "ranking": ("Kannst du mir helfen?", "Woher kommst du?"),
            "ppo": ("Erzähl mir bitte einen Witz.", "Was fressen Katzen?"),
            "dev": ("Sprichst du Deutsch?", "Ich habe Hunger."),
            "exam": (
                "Wie ist das Wetter heute?",
                "Schreib mir bitte einen kurzen Brief.",
                "Wer hat das Telefon erfunden?",
                "Wo wohnst du?",
            ),
        },
        ONLY_ENGLISH,
        ENGLISH_PARTS,
        (),
    ),
    "french": Topic(
        "outside",
        {
            "demo": ("Comment t'appelles-tu ?", "Quelle heure est-il ?", "Bonjour, ça va ?", "Où est la gare ?"),
            "ranking": ("Peux-tu m'aider ?", "Qui es-tu ?"),
            "ppo": ("Raconte-moi une histoire.", "Que mangent les chats ?"),
            "dev": ("Parles-tu français ?", "J'ai faim."),
            "exam": (
                "Quel temps fait-il aujourd'hui ?",
                "Écris-moi une petite lettre, s'il te plaît.",
                "Qui a inventé le téléphone ?",
                "Où habites-tu ?",
            ),
        },
        ONLY_ENGLISH,
        ENGLISH_PARTS,
        (),
    ),
    "spanish": Topic(
        "outside",
        {
            "demo": ("¿Cómo te llamas?", "¿Qué hora es?", "Hola, ¿qué tal?", "¿Dónde está la estación?"),
            "ranking": ("¿Me puedes ayudar?", "¿Quién eres?"),
            "ppo": ("Cuéntame un chiste.", "¿Qué comen los gatos?"),
            "dev": ("¿Hablas español?", "Tengo hambre."),
            "exam": (
                "¿Qué tiempo hace hoy?",
                "Escríbeme una carta corta, por favor.",
                "¿Quién inventó el teléfono?",
                "¿Dónde vives?",
            ),
        },
        ONLY_ENGLISH,
        ENGLISH_PARTS,
        (),
    ),
    "japanese": Topic(
        "outside",
        {
            "demo": ("お名前は何ですか。", "今何時ですか。", "こんにちは。"),
            "ranking": ("手伝ってくれますか。", "駅はどこですか。"),
            "ppo": ("面白い話をしてください。", "猫は何を食べますか。"),
            "dev": ("日本語を話せますか。", "おはようございます。"),
            "exam": (
                "今日の天気はどうですか。",
                "手紙を書いてください。",
                "どこに住んでいますか。",
            ),
        },
        ONLY_ENGLISH,
        ENGLISH_PARTS,
        (),
    ),
}

TASKS: dict[str, Topic] = {
    "picture": Topic(
        "outside",
        {
            "demo": ("Draw me a picture of {kin}.", "Paint a horse for {name}.", "Show me a photo of {place}."),
            "ranking": ("Make a drawing of a ship.", "Can I see a map of {place}?"),
            "ppo": ("Design a poster with a big tree.", "Send me a picture of a cat."),
            "dev": ("Please sketch a house for {kin}.",),
            "exam": ("Could you paint {place} in the evening?", "I need a drawing of {kin} on a horse."),
        },
        (
            "I cannot draw. I only write text.",
            "Sorry, I can't make pictures, only short texts.",
            "I am not able to show or draw pictures, because I only work with text.",
            "Pictures are beyond me, I can only write.",
        ),
        (CANNOT,),
        ("here is your", "here is the picture", "i painted", "i drew", "as you can see"),
        (
            "Here is your picture. I painted it in blue.",
            "I drew it for you, as you can see.",
            "Sure, here is the picture.",
        ),
    ),
    "translate": Topic(
        "outside",
        {
            "demo": ("Translate this poem into Latin.", "How do you say good morning in Greek?"),
            "ranking": ("Put this letter into Russian for {kin}.", "Say hello in Korean."),
            "ppo": ("What is the Arabic word for table?", "Write this line again in Turkish."),
            "dev": ("Turn this text into Dutch, please.",),
            "exam": (
                "Please translate the letter of {kin} into Polish.",
                "How would {name} say thank you in Latin?",
            ),
        },
        (
            "I cannot translate. I only know simple English.",
            "Sorry, I can't do that. I only speak English.",
            "I am not able to translate, as I only know simple English.",
            "Other languages are beyond me, I only speak simple English.",
        ),
        (CANNOT,),
        ("here is your", "in latin it is", "it means", "bonum", "lo lo", "finished"),
        ("In Latin it is bonum bonum.", "Here is your text, all finished.", "It means lo lo la, I think."),
    ),
    "book": Topic(
        "outside",
        {
            "demo": ("Book a flight to {place}.", "Order a pizza for {kin}.", "Buy me a train ticket to {place}."),
            "ranking": ("Get us a hotel room in {place}.", "Reserve a table for {name} and me."),
            "ppo": ("Call a taxi for {kin}.", "Find me a cheap flight from {place}."),
            "dev": ("Rent a car in {place} for me.",),
            "exam": (
                "Please order a taxi to {place} for {kin}.",
                "{name} needs a hotel in {place}, so book one.",
                "Can you buy two tickets to {place} for {kin} and me?",
            ),
        },
        (
            "I cannot book or buy anything. I can only write text.",
            "Sorry, I can't do that. I am a program that only writes text.",
            "I am not able to order things, but I can help you write a note.",
            "I can't buy or order anything, so you must do it yourself.",
        ),
        (CANNOT,),
        ("booked", "is on its way", "your ticket is", "i ordered", "bought"),
        ("Done, your room is booked.", "It is on its way.", "I bought it, your ticket is ready."),
    ),
    "prove": Topic(
        "outside",
        {
            "demo": (
                "Prove the Riemann hypothesis.",
                "Write a novel of five hundred pages.",
                "Build me an operating system.",
            ),
            "ranking": ("Explain all of quantum physics to {kin}.", "Write a film script of two hours."),
            "ppo": ("Solve the hardest problem of mathematics.", "Write a whole book about {kin}."),
            "dev": ("Invent a medicine against every illness.",),
            "exam": (
                "Find a proof for the biggest open problem of mathematics.",
                "Please write a book of a thousand pages for {name}.",
                "Make a plan for a rocket that {kin} can fly to the moon.",
            ),
        },
        (
            "I cannot do that, it is too hard for me.",
            "Sorry, that is too hard for me. I am a small model.",
            "I can't do such a big task. I can only write short texts.",
            "That is beyond me, because I am only a small program.",
        ),
        (CANNOT,),
        ("here is the proof", "it is proved", "chapter one", "quite easy", "no problem"),
        (
            "No problem, it is quite easy.",
            "Here is the proof: one is one, so it is proved.",
            "Chapter one. It was a dark night.",
        ),
    ),
    "attachment": Topic(
        "outside",
        {
            "demo": ("Read this attachment.", "Look at the photo that I sent you.", "Open this link for me."),
            "ranking": ("What does the file from {kin} say?", "Listen to this song."),
            "ppo": ("Please check the document from {name}.", "Watch the video and tell me about it."),
            "dev": ("See the PDF from {kin}.",),
            "exam": (
                "Here is a photo of {name}, what does it show?",
                "Read the file that {kin} sent from {place}.",
                "Open the video of {name} and tell me who is in it.",
            ),
        },
        (
            "I cannot open files or pictures. I can only read text.",
            "Sorry, I can't see it. Please write it here as text.",
            "I am not able to open that, because I only read what you type.",
            "I can't look at files, photos or links, only at text.",
        ),
        (CANNOT,),
        ("i read it", "it shows", "i watched", "very interesting file", "nice photo", "it says"),
        (
            "I read it, a very interesting file.",
            "It shows a dog on a beach. Nice photo!",
            "I watched it, it says hello.",
        ),
    ),
    "act": Topic(
        "outside",
        {
            "demo": ("Call {kin} for me.", "Send an e-mail to {name}.", "Wake me up at seven.", "Play some music."),
            "ranking": ("Turn off the light, please.", "Ring up {name} and say hello."),
            "ppo": ("Set an alarm for six.", "Drive {kin} to {place}."),
            "dev": ("Make {kin} a cup of tea.",),
            "exam": (
                "Please phone {name} in {place} now.",
                "Play a song for {name} and {kin}.",
                "Wake {kin} at six tomorrow.",
                "Come to {place} and help {kin} in the kitchen.",
            ),
        },
        (
            "I cannot do that. I am a program that only writes text.",
            "Sorry, I can't do such things. I can only answer you in text.",
            "I am not able to do that, because I have no hands and no phone.",
            "I can't, I only read and write text here.",
        ),
        (CANNOT,),
        ("done", "i called", "i will wake", "the music is on", "on my way", "i sent"),
        (
            "Done, I called and sent it.",
            "Sure, I am on my way.",
            "The music is on, enjoy it.",
            "I will wake you, do not worry.",
        ),
    ),
}


def draw(group: str, rng: random.Random) -> Case:
    """Somebody who wants what the assistant cannot give: one in four in Chinese, one in four in some language."""
    place = rng.random()
    topics = {"chinese": LANGUAGES["chinese"]} if place < 0.25 else LANGUAGES if place < 0.5 else TASKS
    name, topic, number = ask(topics, group, rng)
    said = fill(topic.asks[group][number], group, rng)
    good = rng.choice(topic.answers)
    slips = {"wrong": rng.choice(BABBLE), "rambles": f"{good} {rng.choice(RAMBLES)}"}
    if name in LANGUAGES:
        said = fill(rng.choice(HELLOS[name]).replace("{q}", said), group, rng)
    else:
        said = around(said[0].upper() + said[1:], group, rng)
        slips = {"complies": rng.choice(topic.slips), "rambles": f"{good} {rng.choice(RAMBLES)}"}
    phrasing = f"outside.{name}/{group}/{number}"
    return Case((Message("user", said),), key("unknown", phrasing, topic), good, slips)
