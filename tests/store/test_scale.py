"""Ten thousand conversations of fifty messages in one person's history: listed and searched without waiting."""

import random
import statistics
import time
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from mynah import store
from mynah.store import search_index
from mynah.store.schema import content, conversation, message, new_id, now, search_text

CONVERSATIONS, MESSAGES = 10_000, 50
TARGET_MS = 100
ENGLISH = (
    "the weather in paris is fine today but python sorting needs a faster bird than yesterday when nobody sang".split()
)
CHINESE = "今天 天气 怎么样 北京 长城 快速 排序 学习 模型 朋友 明天 下雨 苹果 电脑 鸟儿 唱歌 我们 一起".split()


def talk(tx: Connection, owner: str, drawn: random.Random, rare: list[str]) -> None:
    """A conversation as `add_message` would lay it down, in few statements."""
    begun = now() - timedelta(seconds=drawn.randrange(10**7))
    id, parent = new_id(), None
    rows: dict[str, list[dict]] = {"content": [], "message": [], "search": []}
    for number in range(MESSAGES):
        words = drawn.choices(ENGLISH, k=20) if number % 2 else ["".join(drawn.choices(CHINESE, k=20))]
        text = " ".join([*words, *([rare.pop()] if rare and drawn.random() < 0.01 else [])])
        kept = {"id": new_id(), "owner": owner, "key": "k", "body": text, "sealed": True, "created_at": begun}
        said = {
            "id": new_id(),
            "conversation": id,
            "parent": parent,
            "role": "user",
            "content": kept["id"],
            "author": owner,
        }
        parent = said["id"]
        rows["content"].append(kept)
        rows["message"].append(said)
        searched = " ".join([f"u{owner}", *search_index.words_of(text)])
        rows["search"].append({"message": parent, "words": searched})
    place = {"id": id, "owner": owner, "source": "chat", "temporary": False, "updated_at": begun}
    tx.execute(conversation.insert(), place)
    tx.execute(content.insert(), rows["content"])
    tx.execute(message.insert(), rows["message"])
    tx.execute(search_text.insert(), rows["search"])


def p95(call, times: int = 40) -> float:
    """Milliseconds."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - begun))
    return statistics.quantiles(taken, n=20)[-1]


@pytest.mark.stress
def test_a_long_history_is_listed_and_searched_at_once(sqlite):
    drawn, rare = random.Random(0), [f"needle{number}" for number in range(20)]
    with sqlite.writing() as tx:
        ann = store.add_user(tx)
        others = [store.add_user(tx) for _ in range(3)]
    for batch in range(0, CONVERSATIONS, 100):
        with sqlite.writing() as tx:
            for _ in range(100):
                talk(tx, ann, drawn, rare)
            talk(tx, others[batch % 3], drawn, [])
    figures = {}
    with sqlite.reading() as tx:
        listed = store.conversations(tx, ann, limit=CONVERSATIONS)[::1000]
        pages = [None, *((talk.updated_at, talk.id) for talk in listed)]
        assert len(pages) == 11
        figures["list"] = p95(lambda: store.conversations(tx, ann, after=drawn.choice(pages)))
        newest = store.conversations(tx, ann)[0]
        figures["read"] = p95(lambda: store.messages(tx, newest.id))
        for query in (
            "weather",
            "weather paris",
            '"python sorting"',
            "weath",
            "needle7",
            "天气",
            "天气怎么样北京",
            "长城 needle7",
            "nowhere",
        ):
            figures[f"search {query}"] = p95(lambda query=query: store.search(tx, ann, query))
        assert len(store.search(tx, ann, "天气")) == 50
        assert store.search(tx, others[0], "needle7") == []
    begun = time.perf_counter()
    assert store.scrub(sqlite)
    figures["scrub"] = 1000 * (time.perf_counter() - begun)
    figures["megabytes"] = sqlite.file.stat().st_size / 1e6
    print("\n" + "\n".join(f"{name:24} {value:8.1f}" for name, value in figures.items()))
    measured = {name: value for name, value in figures.items() if name not in ("scrub", "megabytes")}
    assert max(measured.values()) < TARGET_MS, figures
