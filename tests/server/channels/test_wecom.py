"""WeCom's protocol against its documentation: envelopes, replays, answers in time and late."""

import asyncio
import time

import pytest
from sqlalchemy import select

from mynah import store
from mynah.server.channels.channel import Incoming, Refused
from mynah.server.channels.wecom import WeCom
from mynah.server.channels.wecom_crypto import Envelope, read_xml, write_xml
from mynah.store.schema import conversation, outside_person
from tests.server.channels.conftest import settings
from tests.server.channels.outside_world import CORP, message, opened, sealed, signed

# The example that WeCom's documentation of the protocol goes through.
DOCUMENTED = Envelope("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7")
ECHO = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
MESSAGE = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3"
    "TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gs"
    "ijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUa"
    "x5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIG"
    "HBZZIs2pDBS8R07+qN+E7Q=="
)


def test_the_documented_examples_open():
    echo = DOCUMENTED.open("5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "1409659589", "263014780", ECHO)
    assert echo == b"1616140317555161061"
    said = DOCUMENTED.open("477715d11cdb4164915debcba66cb864d751f3e6", "1409659813", "1372623149", MESSAGE)
    assert read_xml(said) == {
        "ToUserName": "wx5823bf96d3bd56c7",
        "FromUserName": "mycreate",
        "CreateTime": "1409659813",
        "MsgType": "text",
        "Content": "hello",
        "MsgId": "4561255354251345929",
        "AgentID": "218",
    }


@pytest.mark.parametrize(
    ("signature", "sealed_text", "why"),
    [
        ("5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd4", ECHO, "signature"),
        ("", ECHO, "signature"),
        (None, ECHO[:-8], "not whole"),
        (None, "", "not whole"),
        (None, "!!!", "base64"),
        (None, MESSAGE[:-24] + "A" * 22 + "==", "padding"),
    ],
)
def test_what_was_tampered_with_is_refused(signature, sealed_text, why):
    signature = DOCUMENTED.sign("1", "2", sealed_text) if signature is None else signature
    with pytest.raises(Refused, match=why):
        DOCUMENTED.open(signature, "1", "2", sealed_text)


@pytest.mark.parametrize("length", range(70))
def test_any_length_is_padded_and_read_back(length):
    text = b"x" * length
    parts = DOCUMENTED.seal(text, "1", "2")
    assert DOCUMENTED.open(parts["MsgSignature"], "1", "2", parts["Encrypt"]) == text


@pytest.mark.parametrize(
    "document",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><xml><Content>&b;</Content></xml>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml/>',
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><Content>&f;</Content></xml>',
        b"<xml><Content>&undeclared;</Content></xml>",
        b"<xml><Content>",
        b"",
        b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="nonsense"?><xml/>',
        b"<xml>" + b"<a>" * 50_000,
    ],
)
def test_hostile_xml_is_refused(document):
    with pytest.raises(Refused):
        read_xml(document)


def test_any_text_survives_xml():
    text = "<a>&amp; ]]> ]]]]>> 天气 \U0001f426 \ttab"
    assert read_xml(write_xml({"Content": text})) == {"Content": text}
    assert read_xml(write_xml({"Content": "a\0b\x0bc\ufffe"})) == {"Content": "a\ufffdb\ufffdc\ufffd"}


def test_the_address_is_verified(serve):
    service = serve()
    echo = sealed("7788")
    answer = service.http.get("/channels/wecom", params=signed(echo) | {"echostr": echo})
    assert (answer.status_code, answer.content) == (200, b"7788")
    other = sealed("7788", receive_id="wwother")
    assert service.http.get("/channels/wecom", params=signed(other) | {"echostr": other}).status_code == 403


def test_an_answer_in_time_is_the_callbacks_response_and_a_repeat_gets_the_same(serve):
    service = serve("red sun")
    call = message("What is in the hill?")
    first = opened(service.wecom(call).content)
    assert (first["ToUserName"], first["FromUserName"], first["MsgType"]) == ("zhangsan", CORP, "text")
    assert first["Content"].startswith("red sun\n\n（发送 /help")
    assert opened(service.wecom(call).content)["Content"] == first["Content"]
    again = message("What is in the hill?", nonce="4")  # the same message in another envelope
    assert opened(service.wecom(again).content)["Content"] == first["Content"]
    second = opened(service.wecom(message("And in the lake?", "2")).content)
    assert second["Content"] == "red sun"
    with service.db.reading() as tx:
        [talk] = tx.execute(select(conversation)).all()
        said = store.messages(tx, talk.id)
        assert (talk.source, talk.owner) == ("wecom", tx.scalar(select(outside_person.c.user)))
    assert [(one.message.role, one.message.content) for one in said] == [
        ("user", "What is in the hill?"),
        ("assistant", "red sun"),
        ("user", "And in the lake?"),
        ("assistant", "red sun"),
    ]
    assert [one.parent for one in said] == [None, *(one.id for one in said[:-1])]  # one line, no branches
    assert service.outside.said == []


def test_a_repeat_after_a_restart_is_the_same_message(serve):
    call = message("What is in the hill?")
    before = opened(serve("red sun").wecom(call).content)["Content"]
    service = serve("gold cat")  # a process of its own, over the same store
    after = opened(service.wecom(call).content)["Content"]
    assert before.startswith("red sun")
    assert after == "red sun"
    with service.db.reading() as tx:
        [talk] = tx.execute(select(conversation)).all()
        assert [one.message.content for one in store.messages(tx, talk.id)] == ["What is in the hill?", "red sun"]


def test_a_late_answer_comes_by_the_api_once(serve):
    service = serve("red sun " * 20, pause=0.02, patience=0.1)
    call = message("What is in the hill?")
    for _ in range(3):
        answer = service.wecom(call)
        assert (answer.status_code, answer.content) == (200, b"")
    [said] = service.outside.wait_for(1)
    assert said["to"] == "zhangsan"
    assert said["text"].startswith(("red sun " * 20).strip())
    assert service.wecom(call).content == b""
    time.sleep(0.2)
    assert len(service.outside.said) == 1


def test_a_long_answer_is_several_messages(outside):
    channel, text = (
        WeCom(settings(outside.url).wecom),
        "\n".join(f"第{number}行 has some words now." for number in range(180)),
    )
    to = Incoming("wecom", CORP, "zhangsan", "1", "1", "?", 0.0)
    assert channel.reply(to, text) is None

    async def send() -> None:
        await channel.send(to, text)
        await channel.close()

    asyncio.run(send())
    parts = [said["text"] for said in outside.said]
    assert len(parts) == 3
    assert all(len(part.encode()) <= 2048 for part in parts)
    assert "\n".join(parts) == text


def test_an_access_token_is_kept_and_replaced_when_it_is_no_longer_taken(serve):
    service = serve("red sun", patience=0.0)
    service.wecom(message("One", "1"))
    service.outside.wait_for(1)
    service.wecom(message("Two", "2"))
    service.outside.wait_for(2)
    assert service.outside.tokens == 1
    service.outside.tokens += 1  # somebody else fetched one: ours has ended
    service.wecom(message("Three", "3"))
    service.outside.wait_for(3)
    assert service.outside.tokens == 3


def test_what_the_api_refuses_is_logged_without_secrets(serve, caplog):
    service = serve("red sun", patience=0.0)
    service.outside.broken = {
        "/cgi-bin/gettoken": [(200, {}, {"errcode": 40001, "errmsg": "invalid credential, app-secret-of-the-test"})],
        "/cgi-bin/message/send": [(200, {}, {"errcode": 60020, "errmsg": "not allow"}), (502, {}, b"<html>")],
    }
    for id in "123":
        service.wecom(message("Hello", id))
        deadline = time.monotonic() + 10
        while len([one for one in caplog.messages if "not delivered" in one]) < int(id):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    told = "\n".join(caplog.messages)
    assert "no access token (error 40001)" in told
    assert "refused a message with error 60020" in told
    assert "answered 502 and no JSON object" in told
    assert "secret" not in told
    assert "token-" not in told


def test_replays_and_other_corps_are_refused(serve):
    service = serve()
    changed = message("Hello")
    changed.query["nonce"] = "another"
    for call in (
        message("late", at=time.time() - 3600),
        message("early", at=time.time() + 3600),
        message("other corp", corp="wwother"),
        message("other receiver", receive_id="wwother"),
        changed,
    ):
        assert service.wecom(call).status_code == 403
    with service.db.reading() as tx:
        assert tx.execute(select(outside_person)).all() == []


def test_events_and_pictures_are_received_and_not_answered(serve):
    service = serve()
    for kind in ("event", "image"):
        answer = service.wecom(message("x", kind=kind))
        assert (answer.status_code, answer.content) == (200, b"")
    with service.db.reading() as tx:
        assert tx.execute(select(conversation)).all() == []
