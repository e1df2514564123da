"""Search finds words in languages with spaces and without, the same on both databases, and only one's own."""

import pytest

from mynah import store
from mynah.store.search_index import words_of

TEXTS = {
    "weather": "What will the weather be like in Paris tomorrow?",
    "天气": "今天北京的天气怎么样？我想去爬长城。",
    "mixed": "请用Python写一个快速排序，complexity O(n log n)",
    "kana": "明日の天気を教えてください",
    "long": "weather " + "filler " * 20_000 + "unreachable",
    "accents": "Ein Café in der Straße, naïve Gäste",
}


@pytest.fixture
def searched(db, tell):
    ann = tell("nothing", "to see").owner
    ids = {name: tell(text, "ok", owner=ann).question for name, text in TEXTS.items()}
    tell("今天北京的天气 weather Python", "weather 天气")  # somebody else's
    names = {id: name for name, id in ids.items()}

    def find(query: str) -> set[str]:
        with db.reading() as tx:
            return {names[hit.message] for hit in store.search(tx, ann, query)}

    return find


def test_words_are_found_in_any_language(searched):
    assert searched("weather") == {"weather", "long"}
    assert searched("WEATHER paris") == {"weather"}
    assert searched("天气") == {"天气"}
    assert searched("天") == {"天气", "kana"}
    assert searched("北京的天气") == {"天气"}
    assert searched("天京") == set(), "the characters must follow each other"
    assert searched("北京 长城") == {"天气"}
    assert searched("排序") == searched("python") == searched("快速排序 complexity") == {"mixed"}
    assert searched("天気") == {"kana"}
    assert searched("strasse café") == {"accents"}


def test_the_last_word_may_be_unfinished_and_quotes_hold_words_together(searched):
    assert searched("weath") == searched("weather") == {"weather", "long"}
    assert searched('"weath"') == set()
    assert searched('"weather be like"') == {"weather"}
    assert searched('"be weather"') == set()
    assert searched("we") == set(), "short words are taken as they are"


def test_what_a_query_holds_is_only_ever_words(searched):
    for query in (
        '"',
        '" OR "',
        "a* NOT b",
        "weather AND",
        "NEAR(x",
        "words:x",
        "'; DROP TABLE user",
        "\0",
        "!()&|<->:*",
        "",
    ):
        assert isinstance(searched(query), set)
    assert searched("weather OR paris") == set()
    assert searched("weather*") == {"weather", "long"}


def test_a_very_long_text_is_kept_whole_and_searched_by_its_beginning(searched, db, tell):
    assert searched("unreachable") == set()
    told = tell(TEXTS["long"] * 3, "ok")
    with db.reading() as tx:
        assert store.messages(tx, told.conversation)[0].message.content == TEXTS["long"] * 3


def test_a_hit_shows_where_the_word_is(db, tell):
    told = tell("x " * 300 + "the needle lies here" + " y" * 300, "ok")
    with db.reading() as tx:
        [hit] = store.search(tx, told.owner, "needle")
    assert "the needle lies here" in hit.snippet
    assert len(hit.snippet) < 200
    assert (hit.conversation, hit.message) == (told.conversation, told.question)


def test_how_text_is_cut():
    assert words_of("Hello, WORLD_2!") == ["hello", "world", "2"]
    assert words_of("ｆｕｌｌ 天气ok") == ["full", "天", "气", "ok"]
