"""The *.test files against the built program, one test a file."""
import pathlib

import pytest

import run

FILES = sorted(pathlib.Path(__file__).parent.glob('*.test'))


@pytest.mark.parametrize('path', FILES, ids=lambda p: p.stem)
def test_file(platform, path):
    failures = [f'{case}: {difference}' for case in run.parse(path)
                if (difference := run.check(platform['query']['url'], case))]
    assert not failures, '\n'.join(failures)
