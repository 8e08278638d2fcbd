"""tools/tidy finds what it says it finds."""
import pathlib
import subprocess
import sys

import pytest

TIDY = pathlib.Path(__file__).resolve().parents[2] / 'tools' / 'tidy'


def run(root, *files):
    return subprocess.run([sys.executable, str(TIDY), '--root', str(root), *files], capture_output=True, text=True)


@pytest.fixture
def tree(tmp_path):
    def write(path, text):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return run(tmp_path)
    return write


def test_clean_file_passes(tree):
    done = tree('src/base/a.c', '#include "base/a.h"\n\nint f(void)\n{\n    return 0;\n}\n')
    assert done.returncode == 0 and done.stdout == ''


@pytest.mark.parametrize('path,text,rule', [
    ('src/base/a.c', '#include "net/http_server.h"\n', 'layer'),
    ('src/storage/a.c', '#include "catalog/pointer.h"\n', 'layer'),
    ('src/client/a.c', '#include "query/sql/ast.h"\n', 'layer'),
    ('src/net/a.c', 'void f(char *s) { sprintf(s, "x"); }\n', 'banned'),
    ('src/net/a.c', 'long f(char *s) { return strtol(s, 0, 10); }\n', 'banned'),
    ('src/net/a.h', 'int f(void);\n', 'pragma-once'),
    ('src/net/a.c', 'int x; ' + ' ' * 110 + 'int y;\n', 'line-length'),
    ('src/net/a.c', 'int x; \n', 'blanks'),
    ('src/net/a.c', '\tint x;\n', 'tab'),
    ('src/net/a.c', '/* TO' + 'DO later */\n', 'mark'),
    ('src/net/a.c', 'int x;\n' * 901, 'file-size'),
    ('src/net/a.c', 'int f(void)\n{\n' + '    g();\n' * 70 + '}\n', 'function-size'),
])
def test_rule_fires(tree, path, text, rule):
    done = tree(path, text)
    assert done.returncode == 1
    assert f': {rule}: ' in done.stdout


@pytest.mark.parametrize('path,text', [
    ('src/app/a.c', '#include "storage/x.h"\n#include "query/sql/parser.h"\n'),
    ('src/storage/a.c', '#include "client/storage_client.h"\n#include "storage/x.h"\n'),
    ('src/base/a.c', 'long f(char *s) { return strtol(s, 0, 10); }\n'),
    ('src/net/a.c', 'const char *s = "sprintf(x)"; /* strcpy(a, b) */\n'),
])
def test_allowed_things_pass(tree, path, text):
    assert tree(path, text).returncode == 0


def test_allow_list_may_only_shrink(tmp_path):
    (tmp_path / 'tools').mkdir()
    (tmp_path / 'tools' / 'tidy.allow').write_text('file-size src/gone.c\n')
    done = run(tmp_path)
    assert done.returncode == 1 and 'no longer needed' in done.stdout
