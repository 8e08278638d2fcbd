#!/usr/bin/env python3
"""Random well-typed expressions on our server and on a real Trino: types, values and error names must be the same.

  fuzz.py --server URL [--peer URL] [--count 1000] [--seed 1] [--jobs 3] [--report FILE] [--only aggregate|window|scalar|query] [--no-shrink]

Without --peer a Trino is assembled and started (../trino_peer.py). The same seed gives the same expressions. What differs is shrunk and
filed under its smallest expression's function or operator; explained.tsv holds known differences with reasons. Exit code 1 when
anything unexplained was found."""
import argparse
import collections
import concurrent.futures
import itertools
import pathlib
import random
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from generate import Generator, Node  # noqa: E402
from queries import random_query  # noqa: E402
from servers import Explained, Gone, Server, brief, difference  # noqa: E402
from typing_model import show  # noqa: E402

BATCH = 24
SHRINK_STEPS = 60
ROWS = 4
SHRUNK_MAX = 3      # of one function and kind: shrinking asks both servers many times
RESTART_S = 120
COLUMN_TYPES = [('boolean',), ('integer',), ('bigint',), ('double',), ('varchar', None), ('decimal', 10, 2), ('date',), ('timestamp', 3),
                ('array', ('bigint',)), ('varbinary',), ('char', 3)]


class Run:
    """step() may be called by several threads at once: each has its own connections."""

    def __init__(self, ours, theirs, seed, shrink=True):
        self.urls, self.seed, self.shrinks = (ours, theirs), seed, shrink
        self.explained = Explained(HERE / 'explained.tsv')
        self.found = collections.defaultdict(list)       # class -> [(sql, ours, theirs, reason)]
        self.done = self.agreed_errors = self.differing = 0
        self.orders = 0         # expressions that fail in several rows, each server in another one first
        self.deaths = []        # statements at which our server went away
        self.shrunk = collections.Counter()
        self.own, self.lock = threading.local(), threading.Lock()

    @property
    def servers(self):
        """Ours and the peer, of this thread."""
        if not hasattr(self.own, 'servers'):
            self.own.servers = tuple(map(Server, self.urls))
        return self.own.servers

    def relation(self, generator):
        """A few rows; the last is NULL in every column but id."""
        types = [t for t in COLUMN_TYPES if generator.rng.random() < 0.7]
        names = [f'c_{t[0]}' for t in types]
        rows = [f'({n}, ' + ', '.join(f'CAST({generator.literal(t).sql()} AS {show(t)})' for t in types) + ')' for n in range(1, ROWS)]
        rows.append(f'({ROWS}, ' + ', '.join(f'CAST(NULL AS {show(t)})' for t in types) + ')')
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
        ours, theirs = self.servers
        if place is None:
            return [[self.query(server, s) for s in sql] for server in (ours, theirs)]
        first = 'count(*)' if place[0] == 'aggregate' else 'id'
        mine = ours.outcomes(sql, place[1], first)
        return mine, theirs.outcomes(sql, place[1], first, alone=[i for i, outcome in enumerate(mine) if 'error' in outcome])

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
        kinds = [kind and not self.only_order(node, place, a, b) and kind
                 for node, a, b, kind in zip(nodes, ours, theirs, map(difference, ours, theirs))]
        with self.lock:
            self.done += len(nodes)
            self.agreed_errors += sum(1 for kind, a in zip(kinds, ours) if not kind and 'error' in a)
            self.differing += sum(1 for kind in kinds if kind)
        for node, a, b, kind in zip(nodes, ours, theirs, kinds):
            if kind:
                self.file(node, place, a, b, kind)

    def only_order(self, node, place, ours, theirs):
        """Several rows fail, each in its way, and each server tells another one first: row by row they agree."""
        if place is None or place[0] != 'plain' or 'c_' not in node.sql() or ' OVER (' in node.sql() or not ('error' in ours and 'error' in theirs):
            return False
        sources = [f'(SELECT * FROM {place[1]} WHERE id = {n}) AS t' for n in range(1, ROWS + 1)]
        same = all(difference(*(server.outcomes([node.sql()], source)[0] for server in self.servers)) is None for source in sources)
        self.orders += same
        return same

    def file(self, node, place, ours, theirs, kind):
        reason = self.explained.reason(kind, node.sql(), brief(ours), brief(theirs))
        self.shrunk[node.label, kind] += 1
        if self.shrinks and not reason and place is not None and self.shrunk[node.label, kind] <= SHRUNK_MAX:
            node, ours, theirs, kind = self.shrink(node, place, ours, theirs, kind)
            reason = self.explained.reason(kind, node.sql(), brief(ours), brief(theirs))
        sql = node.sql() + ('' if 'c_' not in node.sql() or place is None else f'   -- FROM {place[1]}')
        with self.lock:
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
    print(f'{run.done} expressions, seed {run.seed}: {run.differing} differ, {run.unexplained()} unexplained; {run.agreed_errors} are the same error, '
          f'{run.orders} tell another row first', file=out)
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
    """Our server's end is a finding; a peer that died (a query of the batch took all its memory) is started again, by us or its owner."""
    ours, theirs = run.servers
    with run.lock:
        is_theirs = what.startswith(theirs.at.netloc)
        if not is_theirs:
            run.deaths.append(what)
        elif peer and not theirs.is_ready():        # else another thread saw it first
            peer.stop()
            peer.start()
    server = theirs if is_theirs else ours
    deadline = time.monotonic() + RESTART_S
    while not server.is_ready():
        if time.monotonic() > deadline:
            raise SystemExit(f'{"the peer" if is_theirs else "our server"} is gone: {what}')
        time.sleep(0.2)


def work(run, peer, options):
    """Batches on several connections at once; what is found does not depend on which thread finds it."""
    numbers, begin = itertools.count(), time.monotonic()

    def worker():
        while run.done < options.count:
            number = next(numbers)
            try:
                run.step(number, options.only)
            except Gone as gone:
                survive(run, peer, str(gone))
            if number % 20 == 19:
                with run.lock:
                    print(f'{run.done} of {options.count}, {run.unexplained()} unexplained, {time.monotonic() - begin:.0f} s', file=sys.stderr, flush=True)
                    write_report(run, options.report)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for future in [pool.submit(worker) for _ in range(options.jobs)]:
            future.result()


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
    arguments.add_argument('--jobs', type=int, default=3, help='connections to each server')
    arguments.add_argument('--no-shrink', action='store_true')
    arguments.add_argument('--report', type=pathlib.Path)
    options = arguments.parse_args()
    peer = None
    if not options.peer:
        from trino_peer import TrinoPeer
        peer = TrinoPeer(tempfile.mkdtemp(prefix='trino-'), heap_mb=options.heap_mb).start()
        options.peer = peer.url
    try:
        run = Run(options.server, options.peer, options.seed, not options.no_shrink)
        work(run, peer, options)
        report(run, sys.stdout)
        write_report(run, options.report)
    finally:
        if peer:
            peer.stop()
    return 1 if run.unexplained() else 0


if __name__ == '__main__':
    sys.exit(main())
