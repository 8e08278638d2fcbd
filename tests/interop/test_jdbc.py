"""The Trino JDBC driver from Maven: connecting, listing, querying."""
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = '476'


@pytest.fixture(scope='module')
def driver():
    if not shutil.which('java') or not shutil.which('mvn'):
        pytest.skip('java and Maven are not installed')
    jar = ROOT / '.cache' / f'trino-jdbc-{VERSION}.jar'
    if not jar.exists():
        jar.parent.mkdir(exist_ok=True)
        subprocess.run(['mvn', '-q', 'dependency:copy', f'-Dartifact=io.trino:trino-jdbc:{VERSION}',
                        f'-DoutputDirectory={jar.parent}'], check=True, timeout=600)
    return jar


def test_jdbc(platform, driver):
    url = platform['query']['url'].replace('http://', 'jdbc:trino://')
    done = subprocess.run(['java', '-cp', str(driver), str(pathlib.Path(__file__).with_name('Jdbc.java')), url],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('ok ') >= 14
