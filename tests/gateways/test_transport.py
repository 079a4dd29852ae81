"""One exchange: what is sent, one budget for all of it, and how each way of not answering is told."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.errors import Misused
from pipeline.gateways.transport import Reply, Transport, Unanswered, outcome_of, within
from pipeline.outcomes import Outcome
from pipeline.timed_socket import LONGEST_ANSWER
from tests.gateways.scripted import Script, ScriptedServer, answering, raw, silent, trickling

OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n"
LONG_S = 10.0
"""What took this long ignored its budget, on however slow a machine."""


def _send(base: str, budget_s: float = 5.0, body: bytes = b"a=1", **more: Any) -> Reply:
    with within(budget_s):
        return Transport(base, **more).send("POST", "/v1/things?x=1", {"Idempotency-Key": "7"}, body)


def _ending(base: str, budget_s: float = 5.0, **more: Any) -> tuple[Outcome, str]:
    start = time.monotonic()
    with pytest.raises(Unanswered) as failure:
        _send(base, budget_s, **more)
    assert time.monotonic() - start < budget_s + LONG_S
    return failure.value.outcome, failure.value.code


def test_one_request_is_sent_over_one_connection_and_answered_in_full() -> None:
    with ScriptedServer(answering(201, "ok", X_Thing="A")) as server:
        reply = _send(server.base + "/below/")
        assert (reply.status, reply.body, reply.headers["x-thing"]) == (201, b"ok", "A")
        assert (server.only.method, server.only.path, server.only.body) == ("POST", "/below/v1/things?x=1", b"a=1")
        assert server.only.headers["idempotency-key"] == "7"


def test_an_answer_that_comes_in_many_parts_is_read_whole() -> None:
    with ScriptedServer(answering(200, "x" * 1_500_000)) as server:
        assert len(_send(server.base).body) == 1_500_000


def test_a_chunked_answer_is_read() -> None:
    with ScriptedServer(raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")) as server:
        assert _send(server.base).body == b"ok"


@pytest.mark.property(44)
@pytest.mark.parametrize("script, code", [
    (silent, "timeout"),
    (trickling(b""), "timeout"),
    (trickling(b"HTTP/1.1 200 OK\r\nX-Long: "), "timeout"),
    (trickling(OK_HEAD + b"\r\n"), "timeout"),
    (trickling(b"HTTP/1.1 100 Continue\r\n\r\n"), "timeout"),
    (raw(b""), "broken_answer"),
    (raw(b"SSH-2.0-server\r\n"), "broken_answer"),
    (raw(OK_HEAD + b"\r\nshort"), "broken_answer"),
    (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "broken_answer"),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + bytes(LONGEST_ANSWER + 1)), "answer_too_long"),
])
def test_after_the_first_byte_the_outcome_is_in_doubt(script: Script, code: str) -> None:
    with ScriptedServer(script) as server:
        assert _ending(server.base, 0.4 if code == "timeout" else 20.0) == (Outcome.IN_DOUBT, code)
        assert server.connections == 1


def test_a_connection_that_is_reset_after_the_request_is_in_doubt() -> None:
    def reset(connection: socket.socket, _: threading.Event) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with ScriptedServer(reset) as server:
        assert _ending(server.base) == (Outcome.IN_DOUBT, "connection_lost")


def test_a_request_that_is_not_taken_ends_with_the_budget() -> None:
    with ScriptedServer(silent, reads=False) as server:
        assert _ending(server.base, 0.4, body=bytes(30_000_000)) == (Outcome.IN_DOUBT, "timeout")


def test_a_refused_connection_did_nothing() -> None:
    with ScriptedServer(silent) as server:
        base = server.base
    assert _ending(base) == (Outcome.RETRYABLE, "connect")


def test_an_address_that_is_not_found_did_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")
    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    assert _ending("https://gateway.invalid") == (Outcome.RETRYABLE, "dns")


def test_a_resolver_that_hangs_ends_with_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hanging(*_: Any, **__: Any) -> Any:
        over.wait(30)
        return []
    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    try:
        assert _ending("https://gateway.invalid", 0.3) == (Outcome.RETRYABLE, "timeout_before_sending")
    finally:
        over.set()


def test_without_budget_nothing_is_sent() -> None:
    with ScriptedServer(silent) as server:
        assert _ending(server.base, 0.0) == (Outcome.RETRYABLE, "timeout_before_sending")
        with pytest.raises(Misused, match="budget"):
            Transport(server.base).send("GET", "/", {}, None)
        assert server.seen == []


def test_calls_within_one_block_share_its_budget() -> None:
    def slow(connection: socket.socket, over: threading.Event) -> None:
        over.wait(0.3)
        answering(200, "ok")(connection, over)
    with ScriptedServer(slow) as server, within(0.5):
        transport = Transport(server.base)
        assert transport.send("GET", "/", {}, None).status == 200
        with pytest.raises(Unanswered):
            transport.send("GET", "/", {}, None)


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with ScriptedServer(answering(200, "elsewhere")) as other, \
            ScriptedServer(answering(307, "", Location=other.base)) as server:
        assert _send(server.base).status == 307
        assert other.connections == 0


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(answering(200, "proxy")) as proxy, ScriptedServer(answering(200, "ok")) as server:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.base)
        assert _send(server.base).body == b"ok"
        assert proxy.connections == 0


@pytest.mark.parametrize("base", ["http://api.stripe.com", "ftp://127.0.0.1", "api.stripe.com", "", "http://10.0.0.1"])
def test_without_tls_only_this_machine_is_talked_to(base: str) -> None:
    with pytest.raises(Misused, match="https"):
        Transport(base)


def test_a_certificate_that_nobody_vouches_for_is_refused_before_a_byte_is_sent(tmp_path: Path) -> None:
    with ScriptedServer(answering(200, "ok"), tls=_server_context(tmp_path)) as server:
        assert _ending(server.base) == (Outcome.RETRYABLE, "tls")
        assert server.seen == []
        trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
        assert _send(server.base, tls=trusting).body == b"ok"


def test_a_handshake_that_stalls_ends_with_the_budget() -> None:
    with ScriptedServer(silent, reads=False) as server:
        base = server.base.replace("http:", "https:")
        assert _ending(base, 0.3) == (Outcome.RETRYABLE, "timeout_before_sending")


def test_trickling_over_tls_ends_with_the_budget(tmp_path: Path) -> None:
    with ScriptedServer(trickling(OK_HEAD + b"\r\n"), tls=_server_context(tmp_path)) as server:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
        assert _ending(server.base, 0.5, tls=trusting) == (Outcome.IN_DOUBT, "timeout")


@pytest.mark.parametrize("status, outcome", [
    (302, "in_doubt"), (400, "misused"), (401, "misused"), (402, "declined"), (403, "misused"), (404, "misused"),
    (408, "in_doubt"), (409, "in_doubt"), (422, "misused"), (429, "retryable"), (500, "in_doubt"), (503, "in_doubt"),
])
def test_each_status_has_one_meaning(status: int, outcome: str) -> None:
    assert outcome_of(status) == outcome
    assert outcome_of(status, transient=True) == "retryable"


def _server_context(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate of its own for 127.0.0.1, left as certificate.pem in `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    born = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(born).not_valid_after(born.replace(year=2100))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256()))
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "certificate.pem").write_bytes(pem)
    (folder / "both.pem").write_bytes(pem + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context
