"""Decides whether this machine can run sfsync, before anything that another system lacks is imported.

Linux and macOS can. Windows cannot: journals and jobs are locked by `fcntl`, whose locks end with their process,
however it ends; without them two runs could write at the same time.
Source: Python, `fcntl` and `resource` ("Availability: Unix, not WASI").
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Final

from sfsync.errors import ConfigError

NEEDED: Final = ("fcntl", "resource")
"""Modules of Python that exist where file locks belong to processes."""


def require_supported(platform: str = sys.platform) -> None:
    """Refuses a system that has no locks of processes.

    Raises:
        ConfigError: on Windows, and wherever else Python lacks these modules.
    """
    missing = [name for name in NEEDED if platform == "win32" or not _has(name)]
    if not missing:
        return
    system = "Windows" if platform == "win32" else f"this system ({platform})"
    raise ConfigError(
        f"sfsync does not run on {system}: Python has no {' and no '.join(missing)} there",
        code="UNSUPPORTED_PLATFORM",
        hint="Use Linux or macOS; on Windows, the Windows Subsystem for Linux (WSL 2) or a container.",
    )


def _has(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # a name that stands in sys.modules without being a module
        return False
