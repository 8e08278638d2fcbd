"""Random expressions on our server and on a real Trino (differential/)."""
import io
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).with_name('differential')))
from fuzz import Run, report  # noqa: E402

COUNT, SEED = 1000, 1
# Of COUNT with SEED; may only shrink. 0 is the aim.
UNEXPLAINED_MAX = 6


def test_random_expressions(platform, trino):
    run, number = Run(platform['query']['url'], trino.url, SEED, shrink=False), 0
    while run.done < COUNT:
        run.step(number)
        number += 1
    text = io.StringIO()
    report(run, text)
    assert run.unexplained() <= UNEXPLAINED_MAX, text.getvalue()
    assert run.done - run.differing - run.agreed_errors > COUNT * 2 // 3
