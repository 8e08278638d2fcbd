"""The fixtures of platform_fixture.py (platform, make_platform, s3, …) are there for every Python test."""
from platform_fixture import lakehouse_binary, make_platform, platform, s3  # noqa: F401
