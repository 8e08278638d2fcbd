#!/usr/bin/env python3
"""Random well-typed expressions on our server and on a real Trino: types, values and error names must be the same.

  fuzz.py --server URL [--peer URL] [--count 1000] [--seed 1] [--report FILE] [--only aggregate|window|scalar|query] [--no-shrink]

Without --peer a Trino is assembled and started (../trino_peer.py). The same seed gives the same expressions. What differs is shrunk and
filed under its smallest expression's function or operator; explained.tsv holds known differences with reasons. Exit code 1 when
anything unexplained was found."""
import argparse
import collections
import pathlib
import random
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from generate import Generator, Node  # noqa: E402
from queries import random_query  # noqa: E402
from servers import Explained, Gone, Server, brief, difference  # noqa: E402
from typing_model import show  # noqa: E402

BATCH = 24
SHRINK_STEPS = 60
RESTART_S = 60
COLUMN_TYPES = [('boolean',), ('integer',), ('bigint',), ('double',), ('varchar', None), ('decimal', 10, 2), ('date',), ('timestamp', 3),
                ('array', ('bigint',)), ('varbinary',), ('char', 3)]


class Run:
    def __init__(self, ours, theirs, seed, shrink=True):
        self.ours, self.theirs, self.seed, self.shrinks = ours, theirs, seed, shrink
        self.explained = Explained(HERE / 'explained.tsv')
        self.found = collections.defaultdict(list)       # class -> [(sql, ours, theirs, reason)]
        self.done = self.agreed_errors = self.differing = 0
        self.deaths = []        # statements at which our server went away

    def relation(self, generator):
        """A few rows; the last is NULL in every column but id."""
        types = [t for t in COLUMN_TYPES if generator.rng.random() < 0.7]
        names = [f'c_{t[0]}' for t in types]
        rows = [f'({n}, ' + ', '.join(f'CAST({generator.literal(t).sql()} AS {show(t)})' for t in types) + ')' for n in range(1, 4)]
        rows.append('(4, ' + ', '.join(f'CAST(NULL AS {show(t)})' for t in types) + ')')
        if 'c_boolean' not in names:
            types, names = [('boolean',), *types], ['c_boolean', *names]
            rows = [row.replace(', ', f', {value}, ', 1) for row, value in zip(rows, ['true', 'false', 'true', 'CAST(NULL AS boolean)'])]
        generator.columns = list(zip(names, types))
        return f'(VALUES {", ".join(rows)}) AS t (id, {", ".join(names)})'

    def batch(self, number, only):
        rng = random.Random(self.seed * 1000003 + number)
        generator = Generator(rng)
        kind = only or rng.choices(['scalar', 'aggregate', 'window', 'query'], [7, 2, 1, 1])[0]
        if kind == 'query':
            return [(Node(None, random_query(rng), [], 'query'), None) for _ in range(BATCH // 4)]
        source = '(VALUES 1) AS t (id)' if kind == 'scalar' and rng.random() < 0.5 else self.relation(generator)
        if kind == 'aggregate':
            return [(generator.aggregate(), ('aggregate', source)) for _ in range(BATCH)]
        make = generator.window if kind == 'window' else generator.top
        return [(make(), ('plain', source)) for _ in range(BATCH)]

    def both(self, nodes, place):
        sql = [n.sql() for n in nodes]
        if place is None:
            return [[self.query(server, s) for s in sql] for server in (self.ours, self.theirs)]
        first = 'count(*)' if place[0] == 'aggregate' else 'id'
        return [server.outcomes(sql, place[1], first) for server in (self.ours, self.theirs)]

    @staticmethod
    def query(server, sql):
        types, rows, error = server.run(sql)
        if error:
            return {'error': error.get('errorName'), 'message': error.get('message', '')}
        return {'type': ', '.join(types), 'values': rows}

    def step(self, number, only=None):
        work = self.batch(number, only)
        place = work[0][1]
        nodes = [n for n, _ in work]
        ours, theirs = self.both(nodes, place)
        for node, a, b in zip(nodes, ours, theirs):
            self.done += 1
            kind = difference(a, b)
            self.agreed_errors += not kind and 'error' in a
            if kind:
                self.differing += 1
                self.file(node, place, a, b, kind)

    def file(self, node, place, ours, theirs, kind):
        if self.shrinks and place is not None:
            node, ours, theirs, kind = self.shrink(node, place, ours, theirs, kind)
        sql = node.sql() + ('' if 'c_' not in node.sql() or place is None else f'   -- FROM {place[1]}')
        reason = self.explained.reason(kind, sql, brief(ours), brief(theirs))
        self.found[(node.label, kind)].append((sql, brief(ours), brief(theirs), reason))

    def shrink(self, node, place, ours, theirs, kind):
        """Smaller while it differs: a child in the whole's place, then literals in the children's places."""
        generator = Generator(random.Random(self.seed))
        for _ in range(SHRINK_STEPS):
            candidates = [c for c in node.children if c.label not in ('literal', 'lambda', 'column')] if place[0] != 'aggregate' else []
            for i, child in enumerate(node.children):
                if child.children and child.label != 'lambda':
                    for small in [*(c for c in child.children if c.type == child.type), generator.literal(child.type) if child.type else None]:
                        if small:
                            candidates.append(Node(node.type, node.text, [*node.children[:i], small, *node.children[i + 1:]], node.label))
            candidates = candidates[:8]
            for candidate, a, b in zip(candidates, *self.both(candidates, place)) if candidates else ():
                other = difference(a, b)
                if other and 'SYNTAX_ERROR' not in other and 'COLUMN_NOT_FOUND' not in other:
                    node, ours, theirs, kind = candidate, a, b, other
                    break
            else:
                break
        return node, ours, theirs, kind

    def unexplained(self):
        return len(self.deaths) + sum(1 for cases in self.found.values() for c in cases if not c[3])


def report(run, out):
    print(f'{run.done} expressions, seed {run.seed}: {run.differing} differ, {run.unexplained()} unexplained; {run.agreed_errors} are the same error', file=out)
    for death in run.deaths:
        print(f'\nour server went away: {death}', file=out)
    classes = sorted(run.found.items(), key=lambda kv: -sum(1 for c in kv[1] if not c[3]))
    for (label, kind), cases in classes:
        fresh = [c for c in cases if not c[3]]
        if not fresh:
            continue
        print(f'\n{label}: {kind}  ({len(fresh)})', file=out)
        for sql, ours, theirs, _ in sorted(fresh, key=lambda c: len(c[0]))[:2]:
            print(f'  SELECT {sql}\n    ours  {ours}\n    Trino {theirs}', file=out)
    reasons = collections.Counter(c[3] for cases in run.found.values() for c in cases if c[3])
    for reason, n in reasons.most_common():
        print(f'explained: {n} × {reason}', file=out)


def survive(run, peer, what):
    """Our server's end is a finding; a peer of ours that died (a query of the batch took all its memory) is started again."""
    if not run.theirs.is_ready():
        if not peer:
            raise SystemExit(f'the peer is gone: {what}')
        peer.stop()
        peer.start()
        return
    run.deaths.append(what)
    deadline = time.monotonic() + RESTART_S
    while not run.ours.is_ready():
        if time.monotonic() > deadline:
            raise SystemExit(f'our server is gone: {what}')
        time.sleep(0.2)


def write_report(run, path):
    if path:
        with path.open('w') as out:
            report(run, out)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--server', required=True)
    arguments.add_argument('--peer')
    arguments.add_argument('--count', type=int, default=1000)
    arguments.add_argument('--seed', type=int, default=1)
    arguments.add_argument('--only', choices=['scalar', 'aggregate', 'window', 'query'])
    arguments.add_argument('--heap-mb', type=int, default=4000, help='of a Trino that is started')
    arguments.add_argument('--no-shrink', action='store_true')
    arguments.add_argument('--report', type=pathlib.Path)
    options = arguments.parse_args()
    peer = None
    if not options.peer:
        from trino_peer import TrinoPeer
        peer = TrinoPeer(tempfile.mkdtemp(prefix='trino-'), heap_mb=options.heap_mb).start()
        options.peer = peer.url
    try:
        run = Run(Server(options.server), Server(options.peer), options.seed, not options.no_shrink)
        begin, number = time.monotonic(), 0
        while run.done < options.count:
            try:
                run.step(number, options.only)
            except Gone as gone:
                survive(run, peer, str(gone))
            number += 1
            if number % 10 == 0:
                print(f'{run.done} of {options.count}, {run.unexplained()} unexplained, {time.monotonic() - begin:.0f} s', file=sys.stderr)
                write_report(run, options.report)
        report(run, sys.stdout)
        write_report(run, options.report)
    finally:
        if peer:
            peer.stop()
    return 1 if run.unexplained() else 0


if __name__ == '__main__':
    sys.exit(main())
