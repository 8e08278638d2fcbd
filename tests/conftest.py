"""The platform fixture is shared by all Python tests."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / 'e2e'))
pytest_plugins = []
