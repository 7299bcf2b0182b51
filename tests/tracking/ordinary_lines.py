"""Ordinary lines of code, prose, notebooks and logs: what a redactor must leave as it is.

Half is read from what is installed (sources, their docs), half is made: what training, services and
package managers print, with hashes, ids, pictures and numbers of every kind.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import random
import sysconfig
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

_PACKAGES = ("mlflow", "numpy", "pandas", "sklearn", "jupyter_server", "IPython", "scipy", "nbconvert", "azure")  # fmt: skip
_LINES_OF_A_FILE = 400
WORDS = [
    "model",
    "training",
    "loss",
    "epoch",
    "batch",
    "token",
    "key",
    "pass",
    "secretary",
    "code",
    "signature",
    "basic",
    "author",
    "layer",
    "keyboard",
    "credential",
    "session",
    "connection",
    "passed",
    "private",
    "public",
    "access",
    "machine",
    "login",
    "account",
    "cookie",
    "bearer",
    "string",
]


def installed_lines(count: int, seed: int = 5) -> list[str]:
    """Lines of installed sources and docs, the same ones on each call."""
    paths = sysconfig.get_paths()
    site = Path(paths["purelib"])
    files = [file for name in _PACKAGES for file in (site / name).rglob("*.py")]
    files += [*Path(paths["stdlib"]).glob("*.py"), *site.glob("*.dist-info/METADATA")]
    files += Path(__file__).resolve().parents[2].glob("examples/*.ipynb")
    files.sort()
    random.Random(seed).shuffle(files)
    lines = (
        line
        for file in files
        for line in itertools.islice(
            (one for one in file.read_text(errors="replace").splitlines() if one.strip()),
            _LINES_OF_A_FILE,
        )
    )
    return list(itertools.islice(lines, count))


def made_lines(count: int, seed: int = 3) -> Iterator[str]:
    """Lines as programs print them."""
    chooser = random.Random(seed)
    for at in range(count):
        yield _KINDS[at % len(_KINDS)](chooser)


def _hex(chooser: random.Random, digits: int) -> str:
    return f"{chooser.getrandbits(digits * 4):0{digits}x}"


def _uuid(chooser: random.Random) -> str:
    return str(uuid.UUID(int=chooser.getrandbits(128), version=4))


def _picture(chooser: random.Random, size: int = 400) -> str:
    head = (
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x02\x80\x00\x00\x01\xe0\x08\x06\x00\x00\x00"
    )
    return base64.b64encode(head + chooser.randbytes(size)).decode()


def _sentence(chooser: random.Random) -> str:
    return " ".join(chooser.choice(WORDS) for _ in range(8))


def _moment(chooser: random.Random) -> str:
    return f"2026-{chooser.randint(1, 12):02}-{chooser.randint(1, 28):02}T{chooser.randint(0, 23):02}:31:07.{chooser.randint(0, 999):03}Z"


_KINDS: tuple[Callable[[random.Random], str], ...] = (
    lambda r: f"Epoch {r.randint(1, 99)}/100: loss={r.random():.6f}, accuracy={r.random():.4f}, tokens/s={r.randint(1, 10**6)}",
    lambda r: f"{_moment(r)} INFO run {_hex(r, 32)} of experiment {r.randint(1, 10**18)} finished",
    lambda r: f"sha256:{_hex(r, 64)} {_hex(r, 40)} {hashlib.md5(r.randbytes(4)).hexdigest()}",
    lambda r: f"commit {_hex(r, 40)} (HEAD -> main, tag: v{r.randint(0, 9)}.{r.randint(0, 99)}.0rc1)",
    lambda r: f"data:image/png;base64,{_picture(r)}",
    lambda r: json.dumps({"image/png": _picture(r, 200), "text/plain": "<Figure size 640x480 with 1 Axes>"}),
    lambda r: json.dumps({"cell_type": "code", "id": _hex(r, 8), "metadata": {"mltrack": {"run_id": _hex(r, 32)}}, "source": ["x = 1\n", f"{r.choice(WORDS)} = '{r.choice(WORDS)}'"]}),
    lambda r: f"GET /api/kernels/{_uuid(r)}/channels?session_id={_uuid(r)} 101 {r.random() * 9:.2f}ms",
    lambda r: f"{_sentence(r)} {r.random():.6f}",
    lambda r: f"{r.choice(WORDS)}: {r.random():.3f}, {r.choice(WORDS)}: {r.randint(0, 300)}, {r.choice(WORDS)}={r.random() * 10 ** r.randint(-12, 12):.4e}",
    lambda r: f"max_tokens={r.randint(1, 9999)}, eos_token='</s>', pad_token_id={r.randint(0, 9)}, key='{r.choice(WORDS)}', sort_keys=True",
    lambda r: f"  Downloading {r.choice(WORDS)}_{r.choice(WORDS)}-{r.randint(0, 30)}.{r.randint(0, 30)}-cp312-cp312-manylinux_2_28_x86_64.whl.metadata ({r.randint(1, 99)} kB)",
    lambda r: f"{r.choice(WORDS)}=={r.randint(0, 9)}.{r.randint(0, 99)} --hash=sha256:{_hex(r, 64)}",
    lambda r: f'  File "/home/me/{r.choice(WORDS)}/.venv/lib/python3.12/site-packages/{r.choice(WORDS)}/{r.choice(WORDS)}_{r.choice(WORDS)}.py", line {r.randint(1, 999)}, in {r.choice(WORDS)}_{r.choice(WORDS)}',
    lambda r: f"tensor([{r.random():.4f}, {-r.random():.4f}], device='cuda:{r.randint(0, 7)}', dtype=torch.float64)",
    lambda r: f"x_{r.randint(0, 99)} = df.groupby(['{r.choice(WORDS)}'])['{r.choice(WORDS)}'].agg({{'key': 'sum'}}).{r.choice(WORDS)}",
    lambda r: f"def {r.choice(WORDS)}(self, token: str, password: str | None = None, *, api_key: SecretStr = DEFAULT) -> {r.choice(WORDS).title()}:",
    lambda r: f"{r.choice(WORDS)} = Client(api_key=os.environ['{r.choice(WORDS).upper()}_KEY'], password=getpass(), token=settings.token, secret=None)",
    lambda r: f"https://example.org/{r.choice(WORDS)}/{_hex(r, 12)}?page={r.randint(1, 99)}&sort={r.choice(WORDS)}#{r.choice(WORDS)}",
    lambda r: f"git@github.com:{r.choice(WORDS)}/{r.choice(WORDS)}.git -> s3://bucket-{_hex(r, 6)}/{r.choice(WORDS)}/part-{r.randint(0, 99999):05}-{_uuid(r)}.c000.snappy.parquet",
    lambda r: f"{r.randint(0, 100)}%|{'█' * r.randint(0, 10)}{' ' * r.randint(0, 10)}| {r.randint(0, 999)}/1000 [{r.randint(0, 59):02}:{r.randint(0, 59):02}<00:00, {r.random() * 99:.2f}it/s]",
    lambda r: f"[{r.choice(['I', 'W', 'E'])} 2026-01-31 12:00:00.123 ServerApp] {r.choice(WORDS)} | Kernel started: {_uuid(r)}",
    lambda r: f'{r.randint(1, 255)}.{r.randint(0, 255)}.{r.randint(0, 255)}.1:{r.randint(1024, 65535)} - "POST /invocations HTTP/1.1" 200 {r.randint(1, 9999)} {_hex(r, 16)}',
    lambda r: f'<div id="sk-container-id-{r.randint(1, 99)}" class="sk-top-container"><input class="sk-toggleable__control sk-hidden--visually" id="sk-estimator-id-{r.randint(100, 999)}" type="checkbox" checked><label class="sk-toggleable__label fitted sk-toggleable__label-arrow">',
    lambda r: f"azureml://locations/westeurope/workspaces/{_uuid(r)}/data/{r.choice(WORDS)}/versions/{r.randint(1, 99)}",
    lambda r: f"/subscriptions/{_uuid(r)}/resourceGroups/{r.choice(WORDS)}/providers/Microsoft.MachineLearningServices/workspaces/{r.choice(WORDS)}",
    lambda r: f"np.array([{', '.join(f'{r.gauss(0, 1):.16g}' for _ in range(6))}])",
    lambda r: f"\x1b[32m{r.choice(WORDS)}\x1b[0m passed={r.randint(0, 999)} failed=0 key={r.randint(0, 10**9)} %{_hex(r, 2)} 100%\\n\\t\\u00e9",
    lambda r: f"ssh-rsa {base64.b64encode(r.randbytes(200)).decode()} me@{r.choice(WORDS)}",
    lambda r: f"-----BEGIN CERTIFICATE----- {base64.b64encode(r.randbytes(48)).decode()} pickle:{base64.b64encode(bytes([128, 4]) + r.randbytes(60)).decode()}",
)  # fmt: skip
