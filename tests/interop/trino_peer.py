"""A real Trino as a peer: assembled from Maven Central's jars, started on a free loopback port.

No server archive of this version is published there, but every jar is: the server's main module and each plugin are
resolved with their run-time dependencies, and a plugin gets the service file that a server build would give it. The jars
are kept in .cache/trino-VERSION. Needs Maven and a JDK of at least version 25 (JAVA25_HOME, or one under /usr/lib/jvm).

  trino_peer.py start|stop|status [--port N] [--heap 3G]     a peer to work with by hand; start prints its URL"""
import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = '483'
JAVA = 25
HOME = pathlib.Path(os.environ.get('LAKEHOUSE_TRINO', ROOT / '.cache' / f'trino-{VERSION}'))
PLUGINS = {
    'tpch': ('trino-tpch', 'io.trino.plugin.tpch.TpchPlugin'),
    'tpcds': ('trino-tpcds', 'io.trino.plugin.tpcds.TpcdsPlugin'),
    'memory': ('trino-memory', 'io.trino.plugin.memory.MemoryPlugin'),
    'iceberg': ('trino-iceberg', 'io.trino.plugin.iceberg.IcebergPlugin'),
}
POM = '''<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>peer</groupId><artifactId>{artifact}-run</artifactId><version>1</version><packaging>pom</packaging>
<dependencyManagement><dependencies><dependency><groupId>io.trino</groupId><artifactId>trino-root</artifactId>
<version>{version}</version><type>pom</type><scope>import</scope></dependency></dependencies></dependencyManagement>
<dependencies><dependency><groupId>io.trino</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>
</dependencies></project>'''
MAIN = 'public class Main {{ public static void main(String[] a) {{ new io.trino.server.Server().start("{version}"); }} }}\n'
CONFIG = '''coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port={port}
discovery.uri=http://127.0.0.1:{port}
node.bind-ip=127.0.0.1
node.internal-address=127.0.0.1
plugin.dir={home}/plugin
catalog.config-dir={data}/catalog
query.max-memory-per-node={memory}MB
query.max-memory={memory}MB
query.min-expire-age=20s
query.max-history=20
'''
OPTIONS = ['-XX:+UseG1GC', '-XX:+ExitOnOutOfMemoryError', '-XX:-OmitStackTraceInFastThrow', '-XX:ReservedCodeCacheSize=512M',
           '-Djdk.attach.allowAttachSelf=true', '-Djdk.nio.maxCachedBufferSize=2000000', '--add-modules=jdk.incubator.vector',
           '--enable-native-access=ALL-UNNAMED', '--add-opens=java.base/java.nio=ALL-UNNAMED']
INSTALL_S, START_S = 1500, 300


class Unavailable(Exception):
    """Why there is no peer here: tests skip with this text."""


def java_home():
    places = [os.environ.get('JAVA25_HOME'), os.environ.get('JAVA_HOME'), *sorted(pathlib.Path('/usr/lib/jvm').glob('*'))]
    for place in filter(None, places):
        release = pathlib.Path(place) / 'release'
        if release.exists() and (pathlib.Path(place) / 'bin' / 'javac').exists():
            fields = dict(line.split('=', 1) for line in release.read_text().splitlines() if '=' in line)
            if int(fields.get('JAVA_VERSION', '"0"').strip('"').split('.')[0]) >= JAVA:
                return pathlib.Path(place)
    raise Unavailable(f'no JDK {JAVA} (JAVA25_HOME)')


def resolve(artifact, target, java):
    """Copies the artifact and what it needs at run time to the folder `target`, whole or not at all."""
    if target.exists():
        return
    work = HOME / 'resolve' / artifact
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / 'pom.xml').write_text(POM.format(artifact=artifact, version=VERSION))
    done = subprocess.run(['mvn', '-q', '-B', 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies',
                           '-DincludeScope=runtime', f'-DoutputDirectory={work / "jars"}'], cwd=work, capture_output=True,
                          text=True, env={**os.environ, 'JAVA_HOME': str(java)}, timeout=INSTALL_S)
    if done.returncode or not any(work.glob('jars/*.jar')):
        raise Unavailable(f'Maven gives no {artifact} {VERSION}: ' + done.stdout.strip()[:300])
    target.parent.mkdir(parents=True, exist_ok=True)
    (work / 'jars').rename(target)


def install(plugins=tuple(PLUGINS)):
    """Idempotent; raises Unavailable."""
    if not shutil.which('mvn'):
        raise Unavailable('Maven is not installed')
    java = java_home()
    resolve('trino-main', HOME / 'lib', java)
    for name in plugins:
        artifact, main_class = PLUGINS[name]
        folder = HOME / 'plugin' / name
        resolve(artifact, folder, java)
        services = folder / 'services.jar'
        if not services.exists():
            with zipfile.ZipFile(services.with_suffix('.tmp'), 'w') as z:
                z.writestr('META-INF/services/io.trino.spi.Plugin', main_class + '\n')
            services.with_suffix('.tmp').rename(services)
    main = HOME / 'main'
    if not (main / 'Main.class').exists():
        main.mkdir(exist_ok=True)
        (main / 'Main.java').write_text(MAIN.format(version=VERSION))
        subprocess.run([java / 'bin' / 'javac', '-proc:none', '-cp', f'{HOME}/lib/*', '-d', main, main / 'Main.java'], check=True)
    return java


def free_port():
    with contextlib.closing(socket.socket()) as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class TrinoPeer:
    """catalogs: name -> properties as a dict."""

    def __init__(self, data, catalogs=None, heap_mb=3000, port=0):
        self.data, self.heap_mb, self.port = pathlib.Path(data).resolve(), heap_mb, port or free_port()
        self.catalogs = catalogs or {name: {'connector.name': name} for name in ('tpch', 'tpcds', 'memory')}
        self.process = None
        self.url = f'http://127.0.0.1:{self.port}'

    def start(self):
        # Every folder of plugins is loaded at start, so all must be whole.
        java = install()
        (self.data / 'catalog').mkdir(parents=True, exist_ok=True)
        (self.data / 'config.properties').write_text(
            CONFIG.format(port=self.port, home=HOME, data=self.data, memory=int(self.heap_mb * 0.6)))
        (self.data / 'log.properties').write_text('io.trino=WARN\norg.apache.iceberg=WARN\n')
        for name, properties in self.catalogs.items():
            (self.data / 'catalog' / f'{name}.properties').write_text(''.join(f'{k}={v}\n' for k, v in properties.items()))
        command = [java / 'bin' / 'java', '-server', f'-Xmx{self.heap_mb}M', *OPTIONS, '-Dnode.environment=peer', '-Dnode.id=peer',
                   f'-Dnode.data-dir={self.data}', f'-Dconfig={self.data}/config.properties',
                   f'-Dlog.levels-file={self.data}/log.properties', '-cp', f'{HOME}/main:{HOME}/lib/*', 'Main']
        with open(self.data / 'server.log', 'w') as log:
            self.process = subprocess.Popen(list(map(str, command)), cwd=self.data, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_S
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError('Trino did not start:\n' + (self.data / 'server.log').read_text()[-3000:])
            time.sleep(0.5)
        return self

    def is_ready(self):
        try:
            with urllib.request.urlopen(self.url + '/v1/info', timeout=5) as r:
                return b'"starting":false' in r.read()
        except (urllib.error.URLError, OSError):
            return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('what', choices=['start', 'stop', 'status'])
    arguments.add_argument('--port', type=int, default=8480)
    arguments.add_argument('--heap', default='3G', help='in gigabytes')
    options = arguments.parse_args()
    data = HOME / f'data-{options.port}'
    peer = TrinoPeer(data, heap_mb=int(float(options.heap.rstrip('Gg')) * 1000), port=options.port)
    if options.what == 'start':
        peer.start()
        (data / 'pid').write_text(str(peer.process.pid))
        print(peer.url)
    elif options.what == 'status':
        print('ready' if peer.is_ready() else 'not ready')
    else:
        os.kill(int((data / 'pid').read_text()), signal.SIGTERM)
    return 0


if __name__ == '__main__':
    sys.exit(main())
