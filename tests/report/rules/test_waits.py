"""A wait that ends at a known limit is a hint, and nothing more."""

from report.diagnose import diagnose
from tests import builders as make

NGINX = "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 Gateway Time-out</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"  # noqa: E501


def waited(seconds: float) -> list[str]:
    answer = make.response(504, [("Server", "nginx")], NGINX)
    page = make.page_load(make.exchange(answer=answer, duration_ms=seconds * 1000))
    return [found.code for found in diagnose(make.evidence(page)).findings]


def test_sixty_seconds_before_nginx_gives_up_are_named() -> None:
    assert "timeout.near-default" in waited(60.1)


def test_any_other_wait_is_not() -> None:
    assert "timeout.near-default" not in waited(59.5)
    assert "timeout.near-default" not in waited(42.0)


def test_it_never_changes_the_verdict() -> None:
    answer = make.response(504, [("Server", "nginx")], NGINX)
    quick, slow = (
        make.evidence(make.page_load(make.exchange(answer=answer, duration_ms=ms))) for ms in (50.0, 60_100.0)
    )
    assert diagnose(quick).verdict == diagnose(slow).verdict
