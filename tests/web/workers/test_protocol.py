"""What is said between the service and its workers."""

from pathlib import Path

import pytest

from tests.web.workers.orders import capture
from web.workers.protocol import Told


def test_secrets_of_an_order_are_in_no_error(tmp_path: Path) -> None:
    order = capture("http://a.example/", tmp_path, headers=({"name": "X", "value": "s3cret"},))
    assert "s3cret" not in repr(order)
    with pytest.raises(ValueError, match="kind") as refused:
        Told.model_validate_json(order.model_dump_json())
    assert "s3cret" not in str(refused.value)
