"""The edge as a WSGI app: HTTP requests become API Gateway's proxy events, as the deployment makes them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from tests.handlers.edge import Edge

API_KEY = "Bearer the-key"
_ROUTES = (("POST", re.compile(r"/v1/payments"), "/v1/payments"),
           ("GET", re.compile(r"/v1/payments/(?P<id>[^/]+)"), "/v1/payments/{id}"),
           ("POST", re.compile(r"/v1/payments/(?P<id>[^/]+)/captures"), "/v1/payments/{id}/captures"),
           ("POST", re.compile(r"/v1/payments/(?P<id>[^/]+)/cancels"), "/v1/payments/{id}/cancels"))
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class App:
    """What API Gateway does before and after the functions: key, routes, events, answers."""

    def __init__(self, edge: Edge) -> None:
        self.edge = edge

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        status, headers, body = self._answer(environ)
        start(f"{status} Answer", [(name, value) for name, value in headers.items() if name != "Content-Length"])
        return [body.encode()]

    def _answer(self, environ: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        found, method = None, environ["REQUEST_METHOD"]
        path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
        for verb, pattern, resource in _ROUTES:
            if match := pattern.fullmatch(path):
                found = (verb, resource, match.groupdict())
                if verb == method:
                    break
        if found is None:
            return _refusal(404, "no such route")
        verb, resource, parameters = found
        if verb != method:
            return _refusal(405, "no such method", Allow=verb)
        if environ.get("HTTP_AUTHORIZATION") != API_KEY:
            return _refusal(401, "an API key is needed", **{"WWW-Authenticate": "Bearer"})
        headers = {name[5:].replace("_", "-").title(): value for name, value in environ.items()
                   if name.startswith("HTTP_")}
        if environ.get("CONTENT_TYPE"):
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        answer = self.edge.route({
            "httpMethod": verb, "resource": resource, "headers": headers, "pathParameters": parameters or None,
            "body": base64.b64encode(raw).decode(), "isBase64Encoded": True,
            "requestContext": {"requestId": "r-1", "authorizer": {"merchant_id": "shop_1"}}})
        return answer["statusCode"], answer["headers"], answer["body"]


def _refusal(status: int, detail: str, **headers: str) -> tuple[int, dict[str, str], str]:
    """What the deployment's gateway responses say."""
    body = {"type": "about:blank", "title": "Refused", "status": status, "detail": detail}
    return status, {"Content-Type": "application/problem+json", **headers}, json.dumps(body)
