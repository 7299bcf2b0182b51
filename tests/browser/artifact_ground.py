"""A run with artifacts of all kinds, and files of strangers that try everything."""

from __future__ import annotations

import json

MAKE = """
import base64, json, os, pathlib, sys, zlib
from urllib.parse import urlsplit
from urllib.request import url2pathname
from jupyter_mltrack import workspaces
place = workspaces.resolve("local")
place.prepare()
os.environ["MLFLOW_TRACKING_URI"] = place.tracking_uri
import mlflow, numpy as np, pandas as pd
files = json.loads(sys.argv[1])
here = pathlib.Path("made")
here.mkdir()

def picture(width, height):
    rows = b"".join(b"\\0" + b"".join(bytes([x, y, 140]) for x in range(width)) for y in range(height))
    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")

image = picture(240, 160)
(here / "plots").mkdir()
(here / "plots" / "confusion.png").write_bytes(image)
rng = np.random.default_rng(0)
frame = pd.DataFrame({"tenure": rng.integers(1, 72, 5000), "monthly": rng.normal(60, 20, 5000).round(2), "churn": rng.choice(["stays", "leaves"], 5000)})
frame.to_csv(here / "predictions.csv", index=False)
(here / "data").mkdir()
frame.to_parquet(here / "data" / "train.parquet")
cells = [
    {"cell_type": "markdown", "source": "# Look at the data\\n\\nSome *words* and `code`."},
    {"cell_type": "code", "source": "frame.head()", "outputs": [{"output_type": "execute_result", "data": {"text/plain": str(frame.head()), "text/html": "<script>alert(1)</script>"}}]},
    {"cell_type": "code", "source": "plot(frame)", "outputs": [{"output_type": "display_data", "data": {"image/png": base64.b64encode(image).decode(), "text/plain": "figure"}}]},
]
(here / "report.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4}))
for name, text in files.items():
    (here / name).parent.mkdir(parents=True, exist_ok=True)
    (here / name).write_text(text, encoding="utf-8")
with open(here / "weights.bin", "wb") as file:
    file.write(b"\\0\\1\\2")
    file.truncate(5 << 30)
many = here / "many"
many.mkdir()
for number in range(1_010):
    (many / f"part-{number:04}.txt").write_text(str(number))
with mlflow.start_run(run_name="with files") as run:
    mlflow.log_metric("loss", 0.5)
    target = pathlib.Path(url2pathname(urlsplit(run.info.artifact_uri).path))
    target.mkdir(parents=True)
    for path in sorted(here.iterdir()):
        os.rename(path, target / path.name)
with mlflow.start_run(run_name="without files") as empty:
    mlflow.log_metric("loss", 0.5)
pathlib.Path("ids").write_text(json.dumps([place.id, run.info.run_id, empty.info.run_id]))
"""
TRAINING = '''"""Trains the model."""
import numpy as np

def step(x: np.ndarray) -> float:
    return float((x ** 2).mean())  # \u202e turned around
'''
README = """# Sweep of July

Trained on **churn**, see [the paper](https://trap.invalid/paper) and
![a picture](https://trap.invalid/p.png).

- first
- second with `code`

```python
print("kept as it is")
```

> <img src="https://trap.invalid/x" onerror="alert(1)">
"""
PAYLOADS = [
    "<script>alert(1)</script>",
    "<script>parent.document.body.id='taken'; top.location='https://trap.invalid/top'</script>",
    "<script>fetch('https://trap.invalid/fetch')</script>",
    "<img src='https://trap.invalid/img' onerror='alert(2)'>",
    "<img src=x onerror=\"parent.jupyterapp.commands.execute('apputils:change-theme',{theme:'x'})\">",
    "<svg onload='alert(3)'><use href='https://trap.invalid/use'/></svg>",
    "<iframe src='https://trap.invalid/frame'></iframe><object data='https://trap.invalid/o'></object>",
    "<link rel='stylesheet' href='https://trap.invalid/css'><style>@import url(https://trap.invalid/i)</style>",
    "<meta http-equiv='refresh' content='0;url=https://trap.invalid/refresh'>",
    "<base href='https://trap.invalid/'><a href='x' ping='https://trap.invalid/ping' autofocus>go</a>",
    "<form action='https://trap.invalid/form'><input autofocus onfocus='alert(4)'></form>",
    "<a href='javascript:alert(5)' data-commandlinker-command='apputils:change-theme' "
    'data-commandlinker-args=\'{"theme":"JupyterLab Dark"}\'>command</a>',
    "<video src='https://trap.invalid/video' autoplay></video><audio src='https://trap.invalid/a' autoplay></audio>",
    "[x](javascript:alert(6)) ![y](https://trap.invalid/md)",
]
HOSTILE = "\n".join(PAYLOADS)
SVG = "<svg xmlns='http://www.w3.org/2000/svg' width='120' height='40' onload='alert(7)'><rect width='120' height='40' fill='#39c'/><image href='https://trap.invalid/svg'/><foreignObject width='9' height='9'><body xmlns='http://www.w3.org/1999/xhtml'><script>alert(8)</script></body></foreignObject></svg>"
PDF = "%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(9))>>>>endobj\n"
TRAPS = {
    "hostile/page.html": f"<h1>Seen</h1>{HOSTILE}",
    "hostile/page.xhtml": f"<html xmlns='http://www.w3.org/1999/xhtml'><body>{HOSTILE}</body></html>",
    "hostile/picture.svg": SVG,
    "hostile/notes.md": HOSTILE,
    "hostile/nb.ipynb": json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "source": HOSTILE},
                {
                    "cell_type": "code",
                    "source": HOSTILE,
                    "outputs": [
                        {
                            "output_type": "display_data",
                            "data": {
                                "text/plain": HOSTILE,
                                "text/html": HOSTILE,
                                "image/svg+xml": SVG,
                                "application/javascript": "alert(10)",
                            },
                        }
                    ],
                },
            ]
        }
    ),
    "hostile/paper.pdf": PDF,
    "hostile/feed.xml": f"<?xml version='1.0'?><?xml-stylesheet href='https://trap.invalid/xsl'?><a>{HOSTILE}</a>",
    "hostile/table.csv": "name,value\n"
    + "\n".join(f'"{one.replace(chr(34), chr(39))}",1' for one in PAYLOADS),
    "hostile/fake.png": HOSTILE,
    "hostile/log.txt": HOSTILE,
    "hostile/values.json": json.dumps({"__proto__": PAYLOADS}),
}
PLAIN = {
    "train.py": TRAINING,
    "README.md": README,
    "config.json": json.dumps({"lr": 0.1, "layers": [64, 64, {"kind": "dense"}], "name": "x" * 300}),
    "report.html": "<style>h1{color:#b3261e;font-family:sans-serif}</style><h1>Report</h1><p>Drawn by its own styles.</p>",
    "shape.svg": "<svg xmlns='http://www.w3.org/2000/svg' width='160' height='80'><circle cx='40' cy='40' r='30' fill='#39c'/></svg>",
    "linked.html": "<a href='#in'>inside</a> <a href='https://trap.invalid/top' target='_top'>above</a> "
    "<a href='https://trap.invalid/new' target='_blank'>beside</a> "
    "<a href='https://trap.invalid/away'>away</a><p id='in'>here</p>",
    "empty.txt": "",
    f"{'long-name-' * 12}end.txt": "long",
    "<img src=x onerror=alert(1)>.txt": "a name",
    "\u202etxt.evil": "turned",
}  # fmt: skip
