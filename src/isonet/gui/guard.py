"""Who may talk to the interface: requests that bring its token, from pages that are its own."""

import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LONGEST_QUERY = 8192
_REFUSAL = "The token is missing or wrong: open the address that 'isonet gui' printed.\n"
_HEADERS = {"Cache-Control": "no-store"}


class Guard:
    """Lets requests through that have the token in their address, once, or in the cookie that they then get.

    Parameters
    ----------
    app : ASGI application
        The interface.
    token : str
        The secret.
    port : int
        Makes the cookie's name its own among the interfaces of one machine.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self.app = app
        self._token = token
        self._cookie = f"isonet_{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not self._is_own_page(headers):
            await _refuse(scope, receive, send, "This request comes from another page.\n")
        elif self._is_known(headers.get("cookie", "")):
            await self.app(scope, receive, send)
        elif scope["type"] == "http" and (rest := self._without_token(scope["query_string"])) is not None:
            place = scope["path"] if scope["path"].startswith("/") and not scope["path"].startswith("//") else "/"
            response = RedirectResponse(place + (f"?{rest}" if rest else ""), status_code=303, headers=_HEADERS)
            response.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
            await response(scope, receive, send)
        else:
            await _refuse(scope, receive, send, _REFUSAL)

    @staticmethod
    def _is_own_page(headers: Headers) -> bool:
        """Tell whether a request comes from no page, or from one of this interface: ports share their cookies."""
        origin = headers.get("origin")
        return origin is None or urlsplit(origin).netloc == headers.get("host", "")

    def _is_known(self, cookie: str) -> bool:
        try:
            morsel = SimpleCookie(cookie).get(self._cookie)
        except CookieError:
            return False
        return morsel is not None and self._is_token(morsel.value)

    def _without_token(self, query: bytes) -> str | None:
        """Return the query without the token; None if it has none, or a wrong one."""
        if len(query) > _LONGEST_QUERY:
            return None
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        if not any(name == "token" and self._is_token(value) for name, value in pairs):
            return None
        return urlencode([(name, value) for name, value in pairs if name != "token"])

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode("utf-8", "replace"), self._token.encode())


async def _refuse(scope: Scope, receive: Receive, send: Send, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await PlainTextResponse(reason, status_code=403, headers=_HEADERS)(scope, receive, send)
