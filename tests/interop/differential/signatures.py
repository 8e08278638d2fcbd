"""The functions that the analyzer knows, read from functions.def: what the generator calls."""
import functools
import pathlib
import re
from dataclasses import dataclass

DEFINITIONS = pathlib.Path(__file__).resolve().parents[3] / 'src' / 'query' / 'analyzer' / 'functions.def'
TOKEN = re.compile(r'"((?:\\.|[^"\\])*)"|([A-Za-z_]+)|([(),])|/\*.*?\*/', re.S)
# Answers that depend on the moment, the session's server or the machine, and calls that wait or fail by design.
SKIPPED = {'now', 'current_date', 'current_time', 'current_timestamp', 'localtime', 'localtimestamp', 'current_timezone', 'current_user',
           'current_catalog', 'current_schema', 'current_path', 'current_groups', 'version', 'fail', 'uuid', 'random', 'rand', 'shuffle',
           'split_to_multimap'}


@dataclass(frozen=True)
class Signature:
    name: str
    kind: str                   # SCALAR, AGGREGATE, WINDOW
    arguments: tuple            # types as text
    result: str                 # "@rule" where a rule of the analyzer tells it
    variables: dict             # name -> constraint ('', comparable, orderable)
    is_variadic: bool


def split_top(text):
    """Splits at commas that stand in no parentheses."""
    parts, depth, current = [], 0, ''
    for c in text:
        depth += (c == '(') - (c == ')')
        if c == ',' and depth == 0:
            parts.append(current)
            current = ''
        else:
            current += c
    return [p.strip() for p in [*parts, current] if p.strip()]


def macro_arguments(text, position):
    arguments, current = [], ''
    while True:
        token = TOKEN.search(text, position)
        position = token.end()
        if token.group(3) in (')', ','):
            arguments.append(current)
            current = ''
            if token.group(3) == ')':
                return arguments
        else:
            current += token.group(1) if token.group(1) is not None else token.group(2) or ''


@functools.cache
def load(path=DEFINITIONS):
    text = path.read_text()
    found = []
    for match in re.finditer(r'^F\(', text, re.M):
        name, kind, signature, variables, _, deterministic, *_ = macro_arguments(text, match.end())
        if deterministic != 'true' or name in SKIPPED or not re.fullmatch(r'[a-z]\w*', name):
            continue
        arguments, result = signature.rsplit('->', 1)
        bounds = dict((v.partition(':')[0].strip(), v.partition(':')[2].strip()) for v in split_top(variables))
        for letter in re.findall(r'\b[A-Z]\d?\b', signature):
            bounds.setdefault(letter, '')
        found.append(Signature(name, kind, tuple(split_top(arguments.replace('...', ''))), result, bounds, '...' in arguments))
    return found
