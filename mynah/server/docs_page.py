"""The OpenAPI description as a plain page: no scripts, nothing from elsewhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
pre { background: #8882; padding: .7rem; overflow: auto; font-size: 13px }
h2 { border-top: 1px solid #8886; padding-top: 1rem; font-size: 1.1rem }
"""


def docs_page(schema: dict[str, Any]) -> str:
    """HTML of every route and of the bodies that they take."""
    info = schema["info"]
    parts = [f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info.get('summary', ''))}</p>"]
    parts.append('<p>For programs: <a href="/openapi.json">openapi.json</a></p>')
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            parts.append(f"<h2><code>{method.upper()} {escape(path)}</code></h2>")
            parts.append(f"<p>{escape(operation.get('description', ''))}</p>")
            if body := operation.get("requestBody"):
                name = body["content"]["application/json"]["schema"].get("$ref", "").rpartition("/")[2]
                parts.append(f'<p>Body: <a href="#{escape(name)}">{escape(name or "a JSON object")}</a></p>')
    for name, model in schema.get("components", {}).get("schemas", {}).items():
        text = json.dumps(model.get("properties", {}), indent=1, ensure_ascii=False)
        parts.append(f'<h2 id="{escape(name)}">{escape(name)}</h2><p>{escape(model.get("description", ""))}</p>')
        parts.append(f"<pre>{escape(text)}</pre>")
    head = f'<meta charset="utf-8"><title>{escape(info["title"])}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'
