"""Fixtures of the tests in this folder."""
import uuid

import pytest

from catalog_rest import Rest


@pytest.fixture(scope='session')
def rest(platform):
    return Rest(platform['catalog']['url'])


@pytest.fixture
def ns(rest):
    """A namespace of the test's own."""
    name = 'n' + uuid.uuid4().hex[:12]
    rest('POST', 'namespaces', {'namespace': [name]}, 200)
    return name
