"""WeCom's envelope: a signature over what is encrypted, AES-256-CBC around what is said, XML around both.

    plain = random(16) · length of the message (4 bytes, big-endian) · message · receive id, padded to 32 bytes (PKCS#7)
    signature = SHA1 of token, timestamp, nonce and the base64 of the ciphertext, sorted and joined

The documentation calls the key EncodingAESKey: 43 characters of base64, of which the initial vector is the beginning.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from xml.parsers import expat

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mynah.server.channels.channel import Refused

BLOCK = 32
"""Bytes that WeCom pads to, twice those of AES."""
RANDOM, LENGTH = 16, 4
UNPRINTABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML can hold."""


class Envelope:
    """Opens and closes envelopes of one app. ValueError for a key that cannot be one."""

    def __init__(self, token: str, aes_key: str, receive_id: str) -> None:
        self._token, self._receive_id = token, receive_id.encode()
        try:
            self._key = base64.b64decode(f"{aes_key}=", validate=True)
        except binascii.Error:
            self._key = b""
        if len(aes_key) != 43 or len(self._key) != 32:
            raise ValueError("the EncodingAESKey has 43 letters and digits")

    def open(self, signature: str, timestamp: str, nonce: str, sealed: str) -> bytes:
        """What was said. Refused if anybody but WeCom, or for another corp, made the envelope."""
        if not hmac.compare_digest(self.sign(timestamp, nonce, sealed).encode(), signature.encode()):
            raise Refused("the signature is not right")
        try:
            ciphertext = base64.b64decode(sealed, validate=True)
        except binascii.Error:
            raise Refused("the ciphertext is no base64") from None
        if not ciphertext or len(ciphertext) % 16:
            raise Refused("the ciphertext is not whole")
        cipher = self._cipher().decryptor()
        return self._message(cipher.update(ciphertext) + cipher.finalize())

    def seal(self, message: bytes, timestamp: str, nonce: str) -> dict[str, str]:
        """The fields of an envelope around `message`, as WeCom names them."""
        plain = os.urandom(RANDOM) + len(message).to_bytes(LENGTH) + message + self._receive_id
        padding = BLOCK - len(plain) % BLOCK
        cipher = self._cipher().encryptor()
        sealed = base64.b64encode(cipher.update(plain + bytes([padding]) * padding) + cipher.finalize()).decode()
        signature = self.sign(timestamp, nonce, sealed)
        return {"Encrypt": sealed, "MsgSignature": signature, "TimeStamp": timestamp, "Nonce": nonce}

    def sign(self, timestamp: str, nonce: str, sealed: str) -> str:
        joined = "".join(sorted((self._token, timestamp, nonce, sealed)))
        return hashlib.sha1(joined.encode(), usedforsecurity=True).hexdigest()

    def _message(self, plain: bytes) -> bytes:
        """The message between random bytes and receive id; padding and lengths are not believed."""
        padding = plain[-1]
        if not 1 <= padding <= BLOCK or plain[-padding:] != bytes([padding]) * padding:
            raise Refused("the padding is not right")
        body = plain[RANDOM:-padding]
        length, rest = int.from_bytes(body[:LENGTH]), body[LENGTH:]
        if len(body) < LENGTH or length > len(rest):
            raise Refused("the length is not right")
        if not hmac.compare_digest(rest[length:], self._receive_id):
            raise Refused("it is for another receiver")
        return rest[:length]

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES256(self._key), modes.CBC(self._key[:16]))


def read_xml(document: bytes) -> dict[str, str]:
    """The texts of the root's children. Refused for what is not flat XML, and for a document type: so no entities."""
    found: dict[str, str] = {}
    path: list[str] = []
    parser = expat.ParserCreate()

    def begin(name: str, _: Mapping[str, str]) -> None:
        path.append(name)
        if len(path) == 2:
            found[name] = ""

    def refuse(*_: object) -> None:
        raise Refused("the XML declares a document type")

    def text(data: str) -> None:
        if len(path) == 2:
            found[path[1]] += data

    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda _: path.pop() and None
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise Refused(f"no XML ({expat.errors.messages[error.code]})") from None
    except (LookupError, ValueError):  # an encoding that Python does not know
        raise Refused("no XML that can be read") from None
    return found


def write_xml(fields: Mapping[str, str]) -> bytes:
    """Flat XML, each text in CDATA: `]]>` inside is cut in two, and what XML cannot hold becomes U+FFFD."""

    def cdata(value: str) -> str:
        return "<![CDATA[" + UNPRINTABLE.sub("\ufffd", value).replace("]]>", "]]]]><![CDATA[>") + "]]>"

    return "".join(
        ["<xml>", *(f"<{name}>{cdata(value)}</{name}>" for name, value in fields.items()), "</xml>"]
    ).encode()
