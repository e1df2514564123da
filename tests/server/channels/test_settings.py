"""Where the channels' secrets come from, and that no mistake shows one."""

import pytest

from mynah.errors import UserError
from mynah.server.channels.settings import ChannelSettings, load_channels
from tests.server.channels.outside_world import AES_KEY

WECOM = f"""
[wecom]
corp_id = "wwcorp"
agent_id = 1000002
secret = "the-secret"
token = "the-token"
aes_key = "{AES_KEY}"
"""
SECRETS = ("the-secret", "the-token", AES_KEY, "xoxb-1", "sign-1")


def written(tmp_path, text: str, mode: int = 0o600):
    file = tmp_path / "channels.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_a_file_of_ones_own_and_the_environment_over_it(tmp_path):
    slack = {"MYNAH_SLACK_SIGNING_SECRET": "sign-1", "MYNAH_SLACK_BOT_TOKEN": "xoxb-1"}
    found = load_channels(written(tmp_path, WECOM), {"MYNAH_WECOM_CORP_ID": "wwother", **slack})
    assert (found.wecom.corp_id, found.wecom.agent_id) == ("wwother", 1000002)
    assert found.wecom.secret.get_secret_value() == "the-secret"
    assert found.slack.bot_token.get_secret_value() == "xoxb-1"
    assert (found.wecom.url, found.slack.url) == ("https://qyapi.weixin.qq.com", "https://slack.com")
    assert not any(secret in repr(found) + str(found) for secret in SECRETS)


def test_nothing_is_set_up_by_default():
    assert load_channels(None, {"HOME": "/"}) == ChannelSettings(None, None)


@pytest.mark.parametrize(
    ("text", "mode", "environment", "sentence"),
    [
        (WECOM, 0o640, {}, "holds secrets and can be read by others; run: chmod 600"),
        (WECOM, 0o604, {}, "holds secrets and can be read by others"),
        (WECOM.replace(AES_KEY, AES_KEY[:-1]), 0o600, {}, r"\[wecom\] aes_key the EncodingAESKey has 43 letters"),
        (WECOM.replace("\ntoken", "\n#"), 0o600, {}, r"\[wecom\] token is missing \(or set MYNAH_WECOM_TOKEN\)"),
        (WECOM + 'tokn = "the-token"', 0o600, {}, r"\[wecom\] tokn is unknown; known are url, corp_id"),
        (WECOM + 'url = "http://qyapi.example.com"', 0o600, {}, r"\[wecom\] url has the form https://HOST"),
        (WECOM + 'url = "https://a:the-secret@example.com"', 0o600, {}, "url has the form"),
        (WECOM.replace("1000002", '"the-secret"'), 0o600, {}, r"\[wecom\] agent_id Input should be a valid integer"),
        (WECOM + "[telegram]", 0o600, {}, r"unknown table \[telegram\]"),
        ("wecom = 3", 0o600, {}, "wecom is a table"),
        ("secret = the-secret", 0o600, {}, "not TOML"),
        (WECOM, 0o600, {"MYNAH_WECOM_AES_KEY": "the-secret"}, "MYNAH_WECOM_AES_KEY the EncodingAESKey has"),
        ("", 0o600, {"MYNAH_SLACK_BOT_TOKEN": "xoxb-1"}, "signing_secret is missing"),
    ],
)
def test_a_mistake_is_one_sentence_without_the_secret(tmp_path, text, mode, environment, sentence):
    with pytest.raises(UserError, match=sentence) as raised:
        load_channels(written(tmp_path, text, mode), environment)
    shown = str(raised.value)
    assert not any(secret in shown for secret in SECRETS)
    assert "\n" not in shown


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load_channels(tmp_path / "none.toml", {})
