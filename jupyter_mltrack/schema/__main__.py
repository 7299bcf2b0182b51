"""Write `openapi.json` and `wire.ts`; with `--check`, say whether they are current."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jupyter_mltrack.schema.openapi import openapi_text
from jupyter_mltrack.schema.typescript import find_generator, typescript_text

REPOSITORY = Path(__file__).resolve().parents[2]
OPENAPI_FILE = Path(__file__).with_name("openapi.json")
WIRE_TS_FILE = REPOSITORY / "labextension" / "src" / "wire.ts"


def main(arguments: list[str] | None = None) -> int:
    """Write both files; exit code 1 when `--check` finds one that is not current."""
    parser = argparse.ArgumentParser(prog="python -m jupyter_mltrack.schema", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, compare only")
    parser.add_argument(
        "--openapi-typescript", type=Path, help="the generator, if not in labextension/node_modules"
    )
    options = parser.parse_args(arguments)
    wanted = {OPENAPI_FILE: openapi_text()}
    generator = options.openapi_typescript or find_generator(REPOSITORY)
    if generator is None:
        print(
            "wire.ts is left as it is: run `npm install` in labextension/ first.", file=sys.stderr
        )
    else:
        wanted[WIRE_TS_FILE] = typescript_text(generator)
    stale = [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        if options.check:
            print(f"{path.name} is not current: run `python -m jupyter_mltrack.schema`")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
            print(f"wrote {path.name}")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
