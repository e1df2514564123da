"""Listen on this machine until Ctrl-C: a free port, uvicorn, and an example to try."""

from __future__ import annotations

import errno
import json
import socket

import uvicorn
from fastapi import FastAPI

from mynah.errors import UserError
from mynah.server.page_routes import built
from mynah.store.database import Database
from mynah.store.invites import invite_first_admin

HOST, PORT, PORTS = "127.0.0.1", 8642, 20


def listen(port: int = 0) -> socket.socket:
    """A listening socket: `port`, or without one 8642 or the next that is free. Raises UserError if there is none."""
    for candidate in [port] if port else range(PORT, PORT + PORTS):
        # asyncio sends small pieces at once only where the socket names TCP; else each waits 40 ms for the one before.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
            listener.listen()  # at once: a port that is only bound can be bound again
            return listener
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
    wanted = f"port {port} is" if port else f"ports {PORT} to {PORT + PORTS - 1} are"
    raise UserError(f"{HOST}: {wanted} taken; name a free one with --port.")


def server(app: FastAPI) -> uvicorn.Server:
    """uvicorn as we run it: quiet, and at the end streams have some seconds to finish."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=30,
        server_header=False,
        proxy_headers=False,
        loop="asyncio",
        ws="none",
    )
    return uvicorn.Server(config)


def first_admin_link(db: Database, address: str) -> str:
    """The address that makes the first admin, once; empty if there is one. Links of earlier starts open no more."""
    with db.writing() as tx:
        token = invite_first_admin(tx)
    return f"{address.rstrip('/')}/join#{token}" if token else ""


def greeting(address: str, model: str, key: bool, join: str = "") -> str:
    """Where the service and its page are, and one request to copy; `join` is the address that makes its first admin."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello!"}]})
    headers = "-H 'Content-Type: application/json'" + (' -H "Authorization: Bearer $MYNAH_API_KEY"' if key else "")
    first = f"Nobody has an account yet. This link makes the first admin, once, for a day:\n{join}\n\n" if join else ""
    page = f"Page      {address}\n" if built() else ""
    example = f"curl {address}/v1/chat/completions {headers} -d '{body}'\n"
    return f"{first}{page}Programs  {address}/v1, as OpenAI's API; {address}/docs describes it\n\n{example}"
