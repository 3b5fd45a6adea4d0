"""One redactor a test."""

import pytest

from capture.redact import Redactor


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()
