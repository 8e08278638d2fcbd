"""report.py on a small made-up run."""
import json
import subprocess
import sys
import pathlib

REPORT = pathlib.Path(__file__).with_name('report.py')


def run(tmp_path, reasons):
    lines = [{'id': 'a1', 'category': 'math', 'sql': 'SELECT 1', 'columns': [{'name': None, 'type': 'integer'}]},
             {'id': 'a2', 'category': 'math', 'sql': 'SELECT f(1)'},
             {'id': 'a3', 'category': 'time', 'sql': "SELECT TIME '01:02:03.1234567'"},
             {'id': 'a4', 'category': 'time', 'sql': 'SELECT 4', 'session': {'catalog': 'iceberg'}}]
    (tmp_path / 'recorded.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines))
    (tmp_path / 'passed').write_text('a1\n')
    (tmp_path / 'diff').write_text("pass a1 [math]\n  SELECT 1\n  message 'x'; expected 'y'\nFAIL a2 [math]\n  SELECT\n    f(1)\n  error NOT_SUPPORTED: f\n"
                                   "FAIL a3 [time]\n  SELECT 3\n  rows [[1]]; expected [[2]]\n")
    (tmp_path / 'reasons.tsv').write_text(reasons)
    files = ','.join(str(tmp_path / name) for name in ('recorded.jsonl', 'diff', 'passed'))
    done = subprocess.run([sys.executable, REPORT, '--out', tmp_path / 'page.md', '--reasons', tmp_path / 'reasons.tsv', '--run', f'Expressions={files}'],
                          capture_output=True, text=True)
    return done, (tmp_path / 'page.md').read_text() if (tmp_path / 'page.md').exists() else ''


def test_page(tmp_path):
    done, page = run(tmp_path, '# comment\nmath\tf\\(\tNOT_SUPPORTED\tNo f yet\ntime\t.\t^rows\tTimes are rounded\n')
    assert done.returncode == 1 and '1 without a reason' in done.stdout         # a4 was not run
    assert '## Expressions: 1 of 4 (25.0 %)' in page
    assert '| No f yet | 1 | refused by name (1) | a2 |' in page
    assert '| Times are rounded | 1 | other answer (1) | a3 |' in page
    assert '| Not explained yet | 1 | not run (1) | a4 |' in page
    assert '| with more than 6 fractional digits or NUMBER | 0 of 1 (0.0 %) |' in page
    assert 'SELECT' not in page and '[[2]]' not in page


def test_bad_rule(tmp_path):
    done, _ = run(tmp_path, 'two\tfields\n')
    assert done.returncode != 0 and 'separated by tabs' in done.stderr
