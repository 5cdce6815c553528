"""The head of a request: taken in its documented form alone, and by a name of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.parse.http import Request, calls_us, listen_address, read_request, response


def test_a_scrape_is_read() -> None:
    """Method, path without its query, host and what the client takes."""
    head = b"GET /metrics?x=1 HTTP/1.1\r\nHost: localhost:9917\r\nAccept: text/plain\r\nX-Other: a: b"
    assert read_request(head) == Request("GET", "/metrics", "localhost:9917", "text/plain")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET /metrics",
        b"GET  /metrics HTTP/1.1",
        b"get /metrics HTTP/1.1",
        b"GET /metrics HTTP/2",
        b"GET /metrics HTTP/1.1\r\nHost localhost",
        b"GET /metrics HTTP/1.1\r\n Host: localhost",
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: example.com",
        b"GET /" + b"x" * 3000 + b" HTTP/1.1",
    ],
)
def test_another_form_is_refused(head: bytes) -> None:
    """Two hosts among them: each of two programs would take another one."""
    assert read_request(head) is None


@given(st.binary(max_size=300))
def test_no_bytes_break_it(head: bytes) -> None:
    """Whatever comes."""
    found = read_request(head)
    assert found is None or found.method


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:9917", "10.1.2.3", "[::1]:9917", "node7:9917"])
def test_names_of_ours(host: str) -> None:
    """Addresses, localhost, and what was allowed."""
    assert calls_us(host, ("node7",))


@pytest.mark.parametrize("host", ["", "example.com", "node8:9917", "127.0.0.1.example.com", "localhost.example.com:80"])
def test_names_of_others(host: str) -> None:
    """Those of a page that has its own name lead to us."""
    assert not calls_us(host, ("node7",))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:9917", ("127.0.0.1", 9917)),
        ("localhost:0", ("127.0.0.1", 0)),
        ("[::1]:80", ("::1", 80)),
        ("example.com:80", None),
        ("127.0.0.1", None),
        (":80", None),
        ("127.0.0.1:70000", None),
        ("127.0.0.1:-1", None),
    ],
)
def test_addresses_to_listen_at(text: str, found: tuple[str, int] | None) -> None:
    """A name that has to be looked up first is none."""
    assert listen_address(text) == found


def test_a_response_says_how_long_it_is() -> None:
    """HEAD gets the same head, and no body."""
    whole = response(200, b"abc")
    assert whole.endswith(b"Connection: close\r\n\r\nabc")
    assert b"Content-Length: 3\r\n" in whole
    assert response(200, b"abc", head_only=True) == whole[:-3]
    assert b"Allow: GET, HEAD\r\n" in response(405, b"")
