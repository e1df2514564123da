"""Slack's protocol against its documentation, and people and threads of several services kept apart."""

import json
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from mynah import store
from mynah.server.channels.channel import pieces
from mynah.server.channels.slack import escape, plain, sign
from mynah.store.schema import conversation, outside_person, reaction, user
from tests.server.channels.outside_world import SIGNING, message, opened, slack_event

MENTIONED = {"type": "app_mention", "channel_type": "channel", "channel": "C1"}


def test_the_documented_signature():
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    expected = b"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert sign(SIGNING, "1531420618", body) == expected


def test_the_address_is_verified_and_strangers_are_refused(serve):
    service = serve()
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"})
    answer = service.slack(body.encode())
    assert (answer.status_code, answer.text) == (200, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P")
    assert service.slack(body.encode(), secret="another").status_code == 403
    assert service.slack(body.encode(), at=0).status_code == 403
    assert service.http.post("/channels/slack", content=body).status_code == 403


def test_a_direct_message_is_answered_once_however_often_it_comes(serve):
    service = serve("red <!channel> & sun")
    body = slack_event("What is in the hill?")
    for _ in range(3):
        assert service.slack(body).json() == {"ok": True}
    [said] = service.outside.wait_for(1)
    assert said["channel"] == "D1"
    assert "thread_ts" not in said
    assert said["text"].startswith("red &lt;!channel&gt; &amp; sun\n\n(!help")
    assert said["unfurl_links"] is said["unfurl_media"] is False
    service.slack(slack_event("And in the lake?", "1700000001.000100"))
    assert service.outside.wait_for(2)[1]["text"] == "red &lt;!channel&gt; &amp; sun"
    with service.db.reading() as tx:
        [talk] = tx.execute(select(conversation)).all()
        assert [one.message.content for one in store.messages(tx, talk.id) if one.author] == [
            "What is in the hill?",
            "And in the lake?",
        ]


def test_threads_are_conversations_and_teams_are_apart(serve):
    service = serve()
    calls = [
        slack_event("<@UBOT> first", "1.1", **MENTIONED),
        slack_event("<@UBOT> in its thread", "1.2", thread_ts="1.1", **MENTIONED),
        slack_event("<@UBOT> second", "1.3", **MENTIONED),
        slack_event("<@UBOT> by another", "1.4", user="U2", thread_ts="1.1", **MENTIONED),
        slack_event("<@UBOT> U1 of another team", "1.5", team="T2", **MENTIONED),
    ]
    for number, call in enumerate(calls, 1):
        service.slack(call)
        service.outside.wait_for(number)
    assert [said["thread_ts"] for said in service.outside.said] == ["1.1", "1.1", "1.3", "1.1", "1.5"]
    opened(service.wecom(message("U1 of WeCom", person="U1")).content)
    with service.db.reading() as tx:
        talks = tx.execute(select(conversation).order_by(conversation.c.id)).all()
        asked = [[one.message.content for one in store.messages(tx, talk.id) if one.author] for talk in talks]
        people = tx.execute(select(outside_person)).all()
    assert asked == [["first", "in its thread"], ["second"], ["by another"], ["U1 of another team"], ["U1 of WeCom"]]
    assert len({talk.owner for talk in talks}) == len(people) == 4
    assert [talk.source for talk in talks] == ["slack"] * 4 + ["wecom"]


def test_what_is_not_said_to_us_is_not_answered(serve):
    service = serve()
    for event in (
        {"bot_id": "B1"},
        {"subtype": "message_changed"},
        {"channel_type": "channel"},
        {"type": "reaction_added"},
        {"user": None},
        {"channel": None},
    ):
        assert service.slack(slack_event("hello", **event)).json() == {"ok": True}
    assert service.slack(b'{"type": "event_callback"}').json() == {"ok": True}
    assert [service.slack(body).status_code for body in (b"[]", b"no", b"\xff", b"[" * 100_000)] == [403] * 4
    with service.db.reading() as tx:
        assert tx.execute(select(conversation)).all() == []


def test_commands(serve):
    service = serve("red sun")

    def say(text: str, number: int) -> str:
        service.slack(slack_event(text, f"2.{number}"))
        return service.outside.wait_for(number)[-1]["text"]

    assert say("!good", 1) == "There is no answer of mine here yet."
    assert say("Hello", 2) == "red sun"
    assert say("!bad", 3) == say("!BAD", 4) == "Thank you, noted."
    assert say("!training", 5).startswith("Your conversations do not train me.")
    assert say("!training yes", 6).startswith("Your conversations may help")
    assert say("!new", 7).startswith("A new conversation")
    assert say("Hello again", 8) == "red sun"
    assert say("!unknown", 9) == "red sun"  # not a command: something said
    with service.db.reading() as tx:
        ann = tx.scalar(select(outside_person.c.user))
        assert [row.rating for row in tx.execute(select(reaction))] == [-1]
        assert store.consents(tx, ann, "training")
        first, second = tx.execute(select(conversation).order_by(conversation.c.id)).all()
        assert [one.message.content for one in store.messages(tx, second.id) if one.author] == [
            "Hello again",
            "!unknown",
        ]
        assert len(store.messages(tx, first.id)) == 2


def test_who_leaves_is_erased_and_a_stranger_afterwards(serve):
    service = serve("red sun")

    def say(text: str, number: int) -> str:
        service.slack(slack_event(text, f"4.{number}"))
        return service.outside.wait_for(number)[-1]["text"]

    assert say("!leave yes", 1) == "There is nothing of yours here."
    assert say("What hides in the hill?", 2).startswith("red sun")
    service.slack(slack_event("Mine stays", "4.25", user="U2"))
    service.outside.wait_for(3)
    assert say("!leave", 4).startswith("!leave yes erases all")
    with service.db.reading() as tx:
        before = {talk.id: talk.owner for talk in tx.execute(select(conversation))}
        assert len(before) == 2
    assert say("!leave yes", 5).startswith("All that we said here is erased.")
    with service.db.reading() as tx:
        left = {talk: [one.message.content for one in store.messages(tx, talk)] for talk in before}
        [still] = tx.execute(select(outside_person)).all()
    assert [words for talk, words in left.items() if before[talk] == still.user] == [["Mine stays", "red sun"]]
    assert not any(any(words) for talk, words in left.items() if before[talk] != still.user)
    assert say("It is me", 6).startswith("red sun\n\n(!help")  # as to anybody new
    with service.db.reading() as tx:
        assert len(tx.execute(select(outside_person)).all()) == 2


def test_disabled_people_are_told_and_the_erased_are_strangers(serve):
    service = serve("red sun")
    service.slack(slack_event("Hello", "3.1"))
    service.outside.wait_for(1)
    with service.db.writing() as tx:
        ann = tx.scalar(select(outside_person.c.user))
        tx.execute(user.update().where(user.c.id == ann).values(disabled_at=store.schema.now()))
    service.slack(slack_event("Hello", "3.2"))
    assert service.outside.wait_for(2)[1]["text"].startswith("Your account is disabled")
    with service.db.writing() as tx:
        store.erase_person(tx, ann)
        assert tx.execute(select(outside_person)).all() == []
    service.slack(slack_event("Hello", "3.3"))
    assert service.outside.wait_for(3)[2]["text"].startswith("red sun")
    with service.db.reading() as tx:
        assert tx.scalar(select(outside_person.c.user)) != ann


def test_a_flood_of_one_person_is_held_back_and_the_rest_answered_one_after_the_other(serve):
    service = serve("red sun", pause=0.1)
    flood = [slack_event(f"Hello {number}", f"4.{number}") for number in range(7)]
    with ThreadPoolExecutor(7) as at_once:
        assert [answer.status_code for answer in at_once.map(service.slack, flood)] == [200] * 7
    said = [one["text"] for one in service.outside.wait_for(7)]
    assert sum(text.startswith("One after the other") for text in said) == 3
    with service.db.reading() as tx:
        [talk] = tx.execute(select(conversation)).all()
        told = store.messages(tx, talk.id)
    assert len([one for one in told if one.author]) == 4
    assert [one.parent for one in told] == [None, *(one.id for one in told[:-1])]


def test_slack_asks_to_slow_down(serve):
    service = serve("red sun")
    service.outside.broken = {
        "/api/chat.postMessage": [(429, {"Retry-After": "1"}, {"ok": False, "error": "ratelimited"})]
    }
    service.slack(slack_event("Hello", "5.1"))
    assert len(service.outside.wait_for(1)) == 1


def test_marks_of_slack():
    assert plain(" <@U0BOT|bird>  is 1 &lt; 2 &amp;&amp; <https://a.example|a.example>?") == "is 1 < 2 && a.example?"
    assert escape("<!channel> <@U1> a & b") == "&lt;!channel&gt; &lt;@U1&gt; a &amp; b"


def test_long_texts_are_cut_where_they_may_be():
    text = "\n\n".join(f"Paragraph {number} has some words." for number in range(400))
    parts = pieces(text, 3900, "characters")
    assert len(parts) == 4
    assert all(len(part) <= 3900 and part.startswith("Paragraph") and part.endswith(".") for part in parts)
    assert "\n\n".join(parts) == text
    assert pieces("", 10) == []
    assert pieces("天气" * 10, 7) == ["天气"] * 10
