"""What a run was made with: Python, platform, packages, hardware. No variable of the environment.

Read from files that are there anyway: no package is imported, no device is opened, no program is
started, so that it takes milliseconds while a user's cell runs.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGES_MAX = 2_000
_DIST = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(?:-py[\d.]+)?\.(?:dist|egg)-info\Z")


def python_version() -> str:
    """Version and implementation, in a few words."""
    return f"{platform.python_version()} ({platform.python_implementation()})"


def platform_text() -> str:
    """System, release and machine."""
    return f"{platform.system()} {platform.release()} {platform.machine()}".strip()


def packages(paths: list[str] | None = None) -> list[str]:
    """What is installed where Python looks for modules, each as "name version", by name."""
    found = _installed(paths)
    return [f"{name} {version}" for name, (version, _) in found.items()]


def requirements(paths: list[str] | None = None) -> str:
    """What is installed, as pip reads it: what came from an address names it.

    What was installed from a folder of this machine cannot be had elsewhere: it is a comment.
    """
    lines = [f"# Python {platform.python_version()}"]
    for name, (version, place) in _installed(paths).items():
        address = _address(place) if place.endswith(".dist-info") else ""
        if address.startswith("file:"):
            lines.append(f"# {name}=={version} (from a folder)")
        else:
            lines.append(f"{name} @ {address}" if address else f"{name}=={version}")
    return "\n".join(lines) + "\n"


def _installed(paths: list[str] | None) -> dict[str, tuple[str, str]]:
    """Name -> (version, folder that says so), by name."""
    found: dict[str, tuple[str, str]] = {}
    for folder in sys.path if paths is None else paths:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue  # an archive, or a folder that is not there
        for name in names:
            said = _DIST.match(name)
            if said is not None:
                place = os.path.join(folder, name)
                found.setdefault(said["name"].replace("_", "-"), (said["version"], place))
    ordered = sorted(found, key=str.casefold)[:PACKAGES_MAX]
    return {name: found[name] for name in ordered}


def _address(place: str) -> str:
    """Where a package was installed from, if that was no index; as pip noted it."""
    try:
        with open(os.path.join(place, "direct_url.json"), encoding="utf-8") as file:
            said = json.load(file)
        address, version_control = str(said["url"]), said.get("vcs_info")
        if isinstance(version_control, dict):
            return f"{version_control['vcs']}+{address}@{version_control['commit_id']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return address


def hardware() -> dict[str, str]:
    """Processor, memory and graphics cards, as far as the system says so by itself."""
    found = {"CPU": _cpu(), "Memory": _memory(), "GPU": _graphics()}
    return {name: text for name, text in found.items() if text}


def _cpu() -> str:
    cores = os.cpu_count() or 0
    count = f"{cores} core{'' if cores == 1 else 's'}" if cores else ""
    model = next(_values(Path("/proc/cpuinfo"), "model name"), "") or platform.processor()
    return ", ".join(part for part in (model, count) if part)


def _memory() -> str:
    try:
        size_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return ""
    return f"{size_bytes / (1 << 30):.1f} GB" if size_bytes > 0 else ""


def _graphics() -> str:
    places = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    models = [next(_values(place, "Model"), "") for place in places]
    counted = {model: models.count(model) for model in models if model}
    return ", ".join(f"{count} x {model}" for model, count in counted.items())


def _values(path: Path, key: str) -> Iterator[str]:
    """What a file of lines such as `key : value` says of a key."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip() == key:
            yield " ".join(value.split())
