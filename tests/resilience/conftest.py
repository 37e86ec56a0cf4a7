"""One laboratory for all tests of this folder."""

import pytest

from tests.resilience import soak
from tests.resilience.laboratory import Laboratory


@pytest.fixture(scope="session")
def laboratory() -> Laboratory:
    return soak.laboratory()
