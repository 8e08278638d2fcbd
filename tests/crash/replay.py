"""The disk as a power cut leaves it, out of the record of writes and syncs that LAKEHOUSE_FS_TRACE makes (src/base/fs_trace.h).

The model is the weakest disk that POSIX allows: bytes are there up to their file's last sync, names as of their folder's last sync, and nothing else.
`Disk.apply` takes the records in the order of time; `Disk.build` writes the folder as it would be found after a cut at that moment. A `torn` build adds
what a disk may have written before it was told to: some of the later writes, in any order, some cut short, and the later names of some folders."""
import os
import pathlib
import random
import struct

WRITE, TRUNCATE, SYNC, CREATE, RENAME, LINK, UNLINK, MKDIR, SYNC_DIR, CONTENT = range(1, 11)
HEADER = struct.Struct('<QIIQQQ')


class Record:
    __slots__ = ('us', 'kind', 'path', 'a', 'payload')

    def __init__(self, us, kind, path, a, payload):
        self.us, self.kind, self.path, self.a, self.payload = us, kind, path, a, payload

    @property
    def target(self):
        return os.fsdecode(bytes(self.payload))


def read_file(path):
    """The records of one process, in its order. A last record that is cut short was never finished."""
    bytes_ = memoryview(pathlib.Path(path).read_bytes())
    at, records = 0, []
    while at + HEADER.size <= len(bytes_):
        us, kind, path_len, a, _, payload_len = HEADER.unpack_from(bytes_, at)
        at += HEADER.size
        if at + path_len + payload_len > len(bytes_):
            break
        name = os.fsdecode(bytes(bytes_[at:at + path_len]))
        records.append(Record(us, kind, name, a, bytes_[at + path_len:at + path_len + payload_len]))
        at += path_len + payload_len
    return records


def read_folder(folder):
    """The records of all processes by time. The sort is stable: within a process the order stays, whatever the clock's resolution."""
    records = []
    for path in sorted(pathlib.Path(folder).glob('*.fstrace')):
        records += read_file(path)
    records.sort(key=lambda r: r.us)
    return records


class File:
    def __init__(self):
        self.durable = bytearray()
        self.pending = []          # (offset, bytes) or (size, None), not synced yet

    @staticmethod
    def change(content, offset, payload):
        if payload is None:
            del content[offset:]
            content.extend(bytes(offset - len(content)))
            return
        if offset > len(content):
            content.extend(bytes(offset - len(content)))
        content[offset:offset + len(payload)] = payload

    def sync(self):
        for offset, payload in self.pending:
            self.change(self.durable, offset, payload)
        changed = bool(self.pending)
        self.pending = []
        return changed

    def torn(self, rng):
        content = bytearray(self.durable)
        for offset, payload in self.pending:
            if rng.random() < 0.5:
                continue
            if payload is not None and rng.random() < 0.25:
                payload = payload[:rng.randrange(len(payload) + 1)]
            self.change(content, offset, payload)
        return content


class Folder:
    def __init__(self):
        self.now, self.durable = {}, {}


class Disk:
    """`root` is the folder above all that is looked at; it stood there before. `version` counts what changes a build."""

    def __init__(self, root):
        self.root = os.path.realpath(root)
        self.top = Folder()
        self.version = 0

    def locate(self, path):
        """(folder, name) of a path; (None, '') outside of the root. Folders that nothing recorded (another library's) come to be, without a durable name."""
        if path == self.root or not path.startswith(self.root + '/'):
            return None, ''
        folder = self.top
        *parents, name = path[len(self.root) + 1:].split('/')
        for part in parents:
            inner = folder.now.get(part)
            if not isinstance(inner, Folder):
                inner = folder.now[part] = Folder()
            folder = inner
        return folder, name

    def file(self, path):
        folder, name = self.locate(path)
        if folder is None:
            return None
        found = folder.now.get(name)
        if not isinstance(found, File):
            found = folder.now[name] = File()
        return found

    def apply(self, record):
        getattr(self, APPLY[record.kind])(record)

    def write(self, r):
        f = self.file(r.path)
        if f:
            f.pending.append((r.a, r.payload))

    def truncate(self, r):
        f = self.file(r.path)
        if f:
            f.pending.append((r.a, None))

    def sync(self, r):
        f = self.file(r.path)
        self.version += bool(f and f.sync())

    def content(self, r):
        f = self.file(r.path)
        if f:
            f.durable, f.pending = bytearray(r.payload), []
            self.version += 1

    def create(self, r):
        self.file(r.path)

    def mkdir(self, r):
        folder, name = self.locate(r.path)
        if folder is not None and not isinstance(folder.now.get(name), Folder):
            folder.now[name] = Folder()

    def unlink(self, r):
        folder, name = self.locate(r.path)
        if folder is not None:
            folder.now.pop(name, None)

    def link(self, r):
        folder, name = self.locate(r.path)
        to, new_name = self.locate(r.target)
        if to is not None and folder is not None and name in folder.now:
            to.now[new_name] = folder.now[name]

    def rename(self, r):
        self.link(r)
        self.unlink(r)

    def sync_dir(self, r):
        if r.path == self.root:
            folder = self.top
        else:
            parent, name = self.locate(r.path)
            folder = parent.now.get(name) if parent is not None else None
        if isinstance(folder, Folder) and folder.durable != folder.now:
            folder.durable = dict(folder.now)
            self.version += 1

    def build(self, to, torn=None):
        """Writes what is left into the folder `to`, which must not be there. torn: a random.Random, see above."""
        build_folder(self.top, pathlib.Path(to), torn)


def build_folder(folder, to, torn):
    to.mkdir(mode=0o700)
    names = folder.now if torn and torn.random() < 0.5 else folder.durable
    for name, inner in names.items():
        if isinstance(inner, Folder):
            build_folder(inner, to / name, torn)
        else:
            with open(to / name, 'wb', opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
                f.write(inner.torn(torn) if torn else inner.durable)


APPLY = {WRITE: 'write', TRUNCATE: 'truncate', SYNC: 'sync', CREATE: 'create', RENAME: 'rename', LINK: 'link', UNLINK: 'unlink', MKDIR: 'mkdir',
         SYNC_DIR: 'sync_dir', CONTENT: 'content'}


def choose_cuts(records, n, seed, first_us=0):
    """n random places in the record, each the index of the last record that reached the kernel; in order, the last one at the end."""
    rng = random.Random(seed)
    begin = next((i for i, r in enumerate(records) if r.us >= first_us), 0)
    return sorted([rng.randrange(begin, len(records)) for _ in range(n - 1)] + [len(records) - 1])
