"""The parts of an admitted address, and the list of limits."""

from pathlib import Path

import pytest

from capture.context import host_of
from tests.contexts import context


@pytest.mark.parametrize(("url", "scheme", "host", "port", "target"), [
    ("http://shop.example/", "http", "shop.example", 80, "/"),
    ("https://shop.example/", "https", "shop.example", 443, "/"),
    ("https://shop.example:8443/a/b?c=d&e=%20", "https", "shop.example", 8443, "/a/b?c=d&e=%20"),
    ("https://[2001:db8::1]/?q", "https", "2001:db8::1", 443, "/?q"),
    ("http://[2001:db8::1]:8080/", "http", "2001:db8::1", 8080, "/"),
    ("http://user:pass@shop.example:81/x", "http", "shop.example", 81, "/x"),
    ("http://shop.example/a#part", "http", "shop.example", 80, "/a"),
    ("http://shop.example/a;b=c?d?e", "http", "shop.example", 80, "/a;b=c?d?e"),
])
def test_an_address_has_its_parts(url: str, scheme: str, host: str, port: int, target: str, tmp_path: Path) -> None:
    made = context(tmp_path, url)
    assert (made.scheme, made.host, made.port, made.target) == (scheme, host, port, target)
    assert host_of(url) == host


def test_a_limit_is_noted_once_with_its_first_sentence(tmp_path: Path) -> None:
    made = context(tmp_path)
    made.hit("dialogs", "stopped after 10 dialogs")
    made.hit("popups", "closed")
    made.hit("dialogs", "stopped after 11 dialogs")
    assert [(hit.limit, hit.sentence) for hit in made.limits_hit] == [
        ("dialogs", "stopped after 10 dialogs"), ("popups", "closed")]
