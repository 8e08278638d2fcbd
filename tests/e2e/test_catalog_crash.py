"""The catalog dies, alone or with everything, and nothing that was acknowledged is lost or left over."""
import os
import pathlib
import random
import signal
import threading
import time

import pytest
import requests

from catalog_rest import SCHEMA, Rest, eventually, key_of, new_key, objects, s3_of, set_property


def test_keys_survive_a_restart(make_platform):
    p = make_platform().start()
    rest = Rest(p['catalog']['url'])
    rest('POST', 'namespaces', {'namespace': ['n']}, 200)
    key = {'Idempotency-Key': new_key()}
    first = rest('POST', 'namespaces/n/tables', {'name': 't', 'schema': SCHEMA}, 200, headers=key).json()
    p.kill()
    p.start()
    rest = Rest(p['catalog']['url'])
    assert rest('POST', 'namespaces/n/tables', {'name': 't',
                'schema': SCHEMA}, 200, headers=key).json() == first


@pytest.mark.parametrize('fault', ['catalog.metadata.put', 'catalog.swap', 'catalog.commit'])
def test_a_crash_leaves_no_trace(make_platform, fault):
    """Killed before the pointer moves: the table is as it was and the file that was written goes."""
    p = make_platform().start()
    rest = Rest(p['catalog']['url'])
    rest('POST', 'namespaces', {'namespace': ['n']}, 200)
    before = rest.create('n', 't').json()
    p.stop()
    p.env['LAKEHOUSE_FAULT'] = f'{fault}:1:kill'
    if fault == 'catalog.commit':    # the first is the collector's, which expires old replies
        p.env['LAKEHOUSE_FAULT'] = f'{fault}:2:kill'
    p.start()
    time.sleep(0.5)
    rest = Rest(p['catalog']['url'])
    for attempt in (lambda: rest.commit('n', 't', [set_property('a', 1)]), lambda: rest.create('n', 'u')):
        try:
            attempt()
        except requests.RequestException:
            pass
    p.stop()
    del p.env['LAKEHOUSE_FAULT']
    p.start()
    rest = Rest(p['catalog']['url'])
    now = rest('GET', 'namespaces/n/tables/t', expect=200).json()
    s3 = s3_of(p)

    def reachable():
        files = []
        for name in [i['name'] for i in rest('GET', 'namespaces/n/tables').json()['identifiers']]:
            t = rest('GET', f'namespaces/n/tables/{name}').json()
            files += [t['metadata-location']] + [f['metadata-file'] for f in t['metadata']['metadata-log']]
        return sorted(key_of(f) for f in files)
    eventually(lambda: sorted(objects(s3, 'n/')) == reachable())
    assert now['metadata-location'] == before['metadata-location'] or \
        now['metadata']['properties']['a'] == '1'
    rest.commit('n', 't', [set_property('a', 2)], expect=200)


def left_running(p):
    found = []
    for path in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
        try:
            if str(p.data / 'lake').encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            pass
    return found


def test_kill_during_commits(make_platform):
    """What was acknowledged is there after any kill; what was not may be, once; nothing else is left."""
    p = make_platform().start()
    Rest(p['catalog']['url'])('POST', 'namespaces', {'namespace': ['n']}, 200)
    for i in range(4):
        Rest(p['catalog']['url']).create('n', f't{i}')
    acked, stop = [set() for _ in range(4)], threading.Event()

    def work(i):
        rest, n = Rest(p['catalog']['url']), 0
        while not stop.is_set():
            n += 1
            try:
                r = rest.commit('n', f't{i}', [set_property(f'k{n}', n)])
                if r.status_code == 200:
                    acked[i].add(f'k{n}')
                else:
                    assert r.status_code in (500, 503), r.text
            except requests.RequestException:
                time.sleep(0.02)
    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(4)]
    for t in threads:
        t.start()
    rng = random.Random(1)
    for kill in range(12):
        time.sleep(0.1 + rng.random() * 0.3)
        if kill % 4 == 3:
            p.kill()
            for pid in left_running(p):    # a role that was started again meanwhile
                os.kill(pid, signal.SIGKILL)
            p.start()
        else:
            os.kill(p.role_pid('storage' if kill % 4 == 1 else 'catalog'), signal.SIGKILL)
            time.sleep(0.5)
    eventually(lambda: Rest(p['catalog']['url'])('GET', 'namespaces').status_code == 200)
    time.sleep(0.5)
    stop.set()
    for t in threads:
        t.join()
    rest, reachable = Rest(p['catalog']['url']), []
    for i in range(4):
        table = rest('GET', f'namespaces/n/tables/t{i}', expect=200).json()
        assert acked[i] <= set(table['metadata']['properties']
                               ), f'lost: {acked[i] - set(table["metadata"]["properties"])}'
        reachable += [table['metadata-location']] + [f['metadata-file']
            for f in table['metadata']['metadata-log']]
    assert sum(map(len, acked)) > 20
    s3 = s3_of(p)
    reachable = {key_of(f) for f in reachable}
    newest = {i: sorted(k for k in reachable if f'/t{i}/' in k)[0].rsplit('/', 1)[1][:5] for i in range(4)}

    def left_over():    # files older than the log's begin are history, which is kept
        return [k for k in objects(s3, 'n/') if k not in reachable and k.rsplit('/', 1)
                                   [1][:5] >= newest[int(k.split('/')[1][1:])]]
    eventually(lambda: left_over() == [])


def test_an_unknown_outcome_is_said_to_be_unknown(make_platform):
    """A database commit that fails is no conflict; the process ends and the next reads what the disk has."""
    p = make_platform().start()
    rest = Rest(p['catalog']['url'])
    rest('POST', 'namespaces', {'namespace': ['n']}, 200)
    rest.create('n', 't')
    p.stop()
    p.env['LAKEHOUSE_FAULT'] = 'catalog.commit:3:fail'    # one of those before may be the collector's
    p.start()
    time.sleep(0.5)
    rest, before = Rest(p['catalog']['url']), p.role_pid('catalog')
    for i in range(4):
        r = rest.commit('n', 't', [set_property('a', i)])
        if r.status_code != 200:
            break
    assert (r.status_code, r.json()['error']['type']) == (500, 'CommitStateUnknownException')

    def came_back():
        try:
            return p.role_pid('catalog') != before and rest('GET', 'namespaces/n/tables/t').status_code == 200
        except requests.RequestException:
            return False
    eventually(came_back)
    p.stop()
    del p.env['LAKEHOUSE_FAULT']
    p.start()
    Rest(p['catalog']['url']).commit('n', 't', [set_property('a', 2)], expect=200)
