"""An attempt goes to the address that was checked, with the name that was meant, and ends within its time."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.notify.addresses import Allowed
from pipeline.notify.posting import Answer, Poster
from pipeline.timed_socket import Address, Deadline
from tests.gateways.scripted import ScriptedServer, answering, raw, silent, trickling

LOOPBACK = Allowed.of("127.0.0.0/8")
BODY = '{"amount":"1 €"}'.encode()


class Names:
    """A resolver that gives one list after the other, and counts."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def __call__(self, host: str, port: int, deadline: Deadline) -> list[Address]:
        self.asked.append(host)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, (one, port)) for one in found]


def post(url: str, *, budget_s: float = 5.0, **more: object) -> Answer:
    """One attempt at an address of this machine."""
    return Poster(LOOPBACK, budget_s, **more).post(url, {"webhook-id": "01EVENT"}, BODY)  # type: ignore[arg-type]


def test_the_bytes_arrive_as_they_were_given_with_their_headers() -> None:
    with ScriptedServer(answering(204, "")) as server:
        assert post(f"{server.base}/hooks?shop=1") == Answer(204, "answered")
        assert (server.only.method, server.only.path, server.only.body) == ("POST", "/hooks?shop=1", BODY)
        assert server.only.headers["webhook-id"] == "01EVENT"
        assert server.only.headers["content-type"] == "application/json"
        assert server.only.headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.property(71)
@pytest.mark.parametrize("addresses", [
    ["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::ffff:127.0.0.1"], ["8.8.8.8", "127.0.0.1"],
    ["127.0.0.1", "8.8.8.8"], ["8.8.8.8", "::ffff:169.254.169.254"], ["::1"], ["224.0.0.1"],
], ids=",".join)
def test_a_name_that_leads_inside_is_not_called(addresses: list[str]) -> None:
    with ScriptedServer(answering(200, "")) as server:
        answer = Poster(Allowed(), resolve=Names(addresses)).post(f"https://shop.example:{server.port}/", {}, BODY)
        assert answer == Answer(None, "refused_address")
        assert server.connections == 0


@pytest.mark.property(71)
def test_a_name_that_leads_inside_is_not_called_by_the_real_resolver_either() -> None:
    with ScriptedServer(answering(200, "")) as server:
        for host in ("localhost", "127.1", "0x7f000001", "2130706433"):
            answer = Poster(Allowed()).post(f"https://{host}:{server.port}/", {}, BODY)
            assert answer.status is None, host
            assert answer.code in ("refused_address", "dns"), host
        assert server.connections == 0


@pytest.mark.property(71)
def test_what_was_checked_is_what_is_called_and_each_attempt_checks_anew() -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"])
    with ScriptedServer(answering(200, "")) as server:
        poster = Poster(LOOPBACK, resolve=names)
        url = f"http://shop.example:{server.port}/"
        assert poster.post(url, {}, BODY).status == 200
        # A second look-up within the attempt would have been given the address inside.
        assert names.asked == ["shop.example"]
        assert server.only.headers["host"] == f"shop.example:{server.port}"
        assert poster.post(url, {}, BODY).code == "refused_address"
        assert poster.post(url, {}, BODY).status == 200
        assert server.connections == 2


@pytest.mark.property(71)
def test_without_tls_no_public_address_is_called() -> None:
    assert Poster(LOOPBACK, resolve=Names(["8.8.8.8"])).post("http://shop.example/", {}, BODY).code == "refused_address"
    assert Poster(Allowed(), resolve=Names(["8.8.8.8"])).post("http://shop.example/", {}, BODY).code == "refused_url"


@pytest.mark.property(71)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_an_answer_and_not_followed(status: int) -> None:
    with ScriptedServer(answering(200, "")) as other, \
            ScriptedServer(answering(status, "", Location=other.base)) as server:
        assert post(server.base).status == status
        assert other.connections == 0


def test_what_a_receiver_asks_for_is_handed_on() -> None:
    with ScriptedServer(answering(429, "", Retry_After="7")) as server:
        assert post(server.base) == Answer(429, "answered", "7")


@pytest.mark.property(71)
@pytest.mark.parametrize("script, code", [
    (silent, "timeout"), (trickling(b"HTTP/1.1 200 OK\r\nX-Slowly: "), "timeout"), (raw(b""), "connection_lost"),
    (raw(b"SSH-2.0-OpenSSH\r\n"), "broken_answer"),
    (raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000), "broken_answer"),
], ids=["silent", "trickling", "cut", "no-http", "endless-head"])  # fmt: skip
def test_every_attempt_ends_in_time_and_in_bounds(script: object, code: str) -> None:
    with ScriptedServer(script) as server:  # type: ignore[arg-type]
        answer = post(server.base, budget_s=0.5)
    assert answer.status is None
    assert answer.code in (code, "broken_answer" if code == "connection_lost" else code)


def test_a_long_body_is_not_read() -> None:
    with ScriptedServer(trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n")) as server:
        assert post(server.base, budget_s=2.0) == Answer(200, "answered")


def test_nobody_there_is_an_answer_of_its_own() -> None:
    with ScriptedServer(silent) as server:
        base = server.base
    assert post(base).code == "connect"
    assert Poster(Allowed(), resolve=Names([])).post("https://shop.invalid/", {}, BODY).code == "dns"


@pytest.mark.property(71)
def test_tls_is_for_the_name_and_the_connection_for_the_checked_address(tmp_path: Path) -> None:
    names = Names(["127.0.0.1"])
    server_side = context(tmp_path, "shop.example")
    asked: list[str] = []
    server_side.sni_callback = lambda _socket, name, _context: asked.append(name)
    with ScriptedServer(answering(200, ""), tls=server_side) as server:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
        poster = Poster(LOOPBACK, resolve=names, tls=trusting)
        assert poster.post(f"https://shop.example:{server.port}/x", {}, BODY).status == 200
        assert asked == ["shop.example"]
        assert server.seen[0].headers["host"] == f"shop.example:{server.port}"
        assert poster.post(f"https://other.example:{server.port}/x", {}, BODY) == Answer(None, "tls")
        assert Poster(LOOPBACK, resolve=names).post(f"https://shop.example:{server.port}/", {}, BODY).code == "tls"
        assert len(server.seen) == 1


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(answering(500, "")) as proxy, ScriptedServer(answering(200, "")) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.base)
        assert post(server.base).status == 200
        assert proxy.connections == 0


def context(folder: Path, host: str) -> ssl.SSLContext:
    """A server's context with a certificate of its own for `host`, left as certificate.pem in `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    born = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(born).not_valid_after(born.replace(year=2100))
        .add_extension(x509.SubjectAlternativeName([
            x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256()))
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "certificate.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return made
