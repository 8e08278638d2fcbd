"""Power loss of the whole platform: what was acknowledged before the cut is there afterwards, whole and once.

The platform runs under a mixed load, and is killed once in the middle, with a record of its writes and syncs. Then, for many cut points, the data folder is
rebuilt as a disk would have it (replay.py) and the platform started on it. Cuts between which nothing reached the disk share a start.

20 cuts by default, 2,000 with --long, LAKEHOUSE_CUTS of them otherwise; LAKEHOUSE_SEED repeats a run's choices (the load's timing is its own)."""
import os
import pathlib
import random
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import replay
from crash_load import Load, fixed_ports, now_us
from platform_fixture import Platform

LONG = os.environ.get('LAKEHOUSE_LONG') == 'true'
CUTS = int(os.environ.get('LAKEHOUSE_CUTS', 2000 if LONG else 20))
LOAD_SECONDS = 12 if LONG else 4
SEED = int(os.environ.get('LAKEHOUSE_SEED', time.time_ns() % 10**9))
WORKERS = 2
SMALL_SEGMENTS = ['--set', 'storage.segment_size=1MiB']
NO_GRACE = {'LAKEHOUSE_TEST_GRACE_MS': '0'}         # files are removed at once, as they would be later


class Recording:
    """One run: its load (what was acknowledged when) and its records."""

    def __init__(self, folder):
        data = folder / 'data'
        data.mkdir()
        self.begin_us = now_us()
        self.root = data
        p = Platform(data=data, env={**NO_GRACE, 'LAKEHOUSE_FS_TRACE': str(folder / 'trace')}, options=SMALL_SEGMENTS)
        p.ports = fixed_ports()
        p.start()
        try:
            self.load = Load(p, SEED)
            self.load.prepare()
            self.load.start()
            time.sleep(LOAD_SECONDS / 2)
            self.load.restart()
            time.sleep(LOAD_SECONDS / 2)
            self.load.stop()
            p.kill()
        finally:
            p.close()
        self.records = replay.read_folder(folder / 'trace')


@pytest.fixture(scope='module')
def recording():
    print(f'LAKEHOUSE_SEED={SEED}')
    folder = pathlib.Path(tempfile.mkdtemp(prefix='lakehouse-powerloss-'))
    try:
        yield Recording(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def scratch_folder():
    """In memory where possible: what is rebuilt is thrown away after a second."""
    return pathlib.Path(tempfile.mkdtemp(prefix='lakehouse-cut-', dir='/dev/shm' if os.access('/dev/shm', os.W_OK) else None))


def check_start(load, folder, cut_us):
    """Starts the platform on folder/data, and looks at everything in it; the folder is removed."""
    p = Platform(data=folder / 'data', env=NO_GRACE, options=SMALL_SEGMENTS)
    try:
        p.start()
        load.check(p, cut_us)
        p.kill()
    except Exception as e:
        raise AssertionError(f'{e}\n{p.logs()}') from e
    finally:
        p.close()
        shutil.rmtree(folder, ignore_errors=True)


class State:
    """What a cut leaves, in a folder of its own. Later cuts with the very same state only move the time at which it has to hold."""

    def __init__(self, number, disk, is_torn):
        self.number, self.is_torn, self.version, self.cut_us = number, is_torn, disk.version, 0
        self.folder = scratch_folder()
        disk.build(self.folder / 'data', random.Random(SEED + number) if is_torn else None)

    def is_of(self, disk):
        return not self.is_torn and self.version == disk.version


def states(recording, cuts):
    disk, at, state = replay.Disk(recording.root), 0, None
    for number, cut in enumerate(cuts):
        for record in recording.records[at:cut + 1]:
            disk.apply(record)
        at = max(at, cut + 1)
        is_torn = number % 3 == 2
        if not state or is_torn or not state.is_of(disk):
            if state:
                yield state
            state = State(number, disk, is_torn)
        state.cut_us = recording.records[cut].us
    yield state


def test_power_loss(recording):
    cuts = replay.choose_cuts(recording.records, CUTS, SEED, recording.begin_us)
    starts, running = 0, []
    with ThreadPoolExecutor(WORKERS) as pool:
        for state in states(recording, cuts):
            while len(running) >= WORKERS:
                running.pop(0).result()
            running.append(pool.submit(check_state, recording.load, state))
            starts += 1
        for future in running:
            future.result()
    rows, objects = recording.load.counts()
    print(f'{len(recording.records)} records, {len(cuts)} cuts, {starts} starts; {rows} rows and {objects} objects acknowledged in all')
    assert rows > 10 and objects > 10


def check_state(load, state):
    try:
        check_start(load, state.folder, state.cut_us)
    except AssertionError as e:
        raise AssertionError(f'cut {state.number} of {CUTS} with LAKEHOUSE_SEED={SEED}{", torn" if state.is_torn else ""}: {e}') from e


FORGOTTEN = {
    'the log of the index': lambda r: r.kind == replay.SYNC and r.path.endswith('index.sqlite-wal'),
    'the log of the catalog': lambda r: r.kind == replay.SYNC and r.path.endswith('catalog.db-wal'),
    'segments': lambda r: r.kind == replay.SYNC and r.path.endswith('.seg'),
    'data files': lambda r: r.kind == replay.CONTENT,
    'names of files': lambda r: r.kind == replay.SYNC_DIR and '/storage/objects/' in r.path,
    'names of segments': lambda r: r.kind == replay.SYNC_DIR and r.path.endswith('/segments'),
}


@pytest.mark.parametrize('what', FORGOTTEN)
def test_a_forgotten_sync_is_noticed(recording, what):
    """The test above would not pass if the platform left out one kind of sync."""
    disk, forgotten = replay.Disk(recording.root), FORGOTTEN[what]
    dropped = 0
    for r in recording.records:
        if forgotten(r):
            dropped += 1
        else:
            disk.apply(r)
    assert dropped
    folder = scratch_folder()
    disk.build(folder / 'data')
    with pytest.raises(AssertionError) as found:
        check_start(recording.load, folder, recording.records[-1].us)
    print(f'without {dropped} syncs of {what}: {str(found.value).splitlines()[0]}')
