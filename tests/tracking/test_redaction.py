"""Secrets are taken out, everything else stays."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import uuid
from urllib.parse import quote

import pytest
from ordinary_lines import WORDS

from jupyter_mltrack.tracking.redaction import is_secret_name, redact, redact_pair

_RANDOM = random.Random(7)


def some(characters: str, length: int) -> str:
    return "".join(_RANDOM.choice(characters) for _ in range(length))


HEX, UPPER = "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
WORD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

SECRETS = {
    "AWS access key": "AKIA" + some(UPPER, 16),
    "AWS temporary key": "ASIA" + some(UPPER, 16),
    "GitHub token": "ghp_" + some(WORD, 36),
    "GitHub server token": "ghs_" + some(WORD, 36),
    "GitHub fine-grained": "github_pat_" + some(WORD, 40),
    "GitLab token": "glpat-" + some(WORD, 20),
    "Slack token": "xoxb-" + some("0123456789", 12) + "-" + some(WORD, 24),
    "JWT": "eyJ" + some(WORD, 30) + ".eyJ" + some(WORD, 60) + "." + some(WORD, 43),
    "Azure storage key": some(WORD, 86) + "==",
    "Azure client secret": some(WORD, 3) + "8Q~" + some(WORD, 34),
    "OpenAI key": "sk-" + some(WORD, 48),
    "OpenAI project key": "sk-proj-" + some(WORD, 60),
    "Anthropic key": "sk-ant-api03-" + some(WORD, 80),
    "Hugging Face token": "hf_" + some(WORD, 34),
    "Databricks token": "dapi" + some(HEX, 32),
    "npm token": "npm_" + some(WORD, 36),
    "PyPI token": "pypi-" + some(WORD, 80),
    "Google API key": "AIza" + some(WORD, 35),
    "Google OAuth": "ya29." + some(WORD, 60),
    "Stripe key": "sk_live_" + some(WORD, 24),
    "SendGrid key": "SG." + some(WORD, 22) + "." + some(WORD, 43),
    "private key": "-----BEGIN RSA PRIVATE KEY-----\n"
    + some(WORD, 64)
    + "\n-----END RSA PRIVATE KEY-----",
    "OpenSSH key": "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    + some(WORD, 70)
    + "\n-----END OPENSSH PRIVATE KEY-----",
}
INSIDE = {
    "SAS signature": (
        "https://x.blob.core.windows.net/c?sv=2024&sig={}",
        quote(base64.b64encode(some(WORD, 32).encode()).decode(), safe=""),
    ),
    "connection string": (
        "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={};EndpointSuffix=core.windows.net",
        some(WORD, 40),
    ),
    "service bus": (
        "Endpoint=sb://x.net/;SharedAccessKeyName=a;SharedAccessKey={}",
        some(WORD, 43) + "=",
    ),
    "bearer header": ("Authorization: Bearer {}", some(WORD, 40)),
    "address": ("postgresql://me:{}@db.example.org/x", "p4ss-w0rd!"),
    "address with a token": ("https://{}@github.com/x/y", some(WORD, 40)),
    "query": ("https://x.org/a?access_token={}&b=1", some(WORD, 30)),
    "assignment": ("password = '{}'", "correct horse battery"),
    "keyword": ("client_secret={}", some(WORD, 20)),
    "JSON": ('{{"api_key": "{}"}}', some(WORD, 20)),
    "YAML": ("db_password: {}", "hunter2hunter2"),
}


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize(
    "frame", ["{}", "key is {}", "x={}", '"{}"', "a\n{}\nb", "({})", "f('{}')", "{}.", "{} "]
)
def test_s25_a_secret_that_names_itself_is_taken_out(kind: str, frame: str) -> None:
    secret = SECRETS[kind]
    left = redact(frame.format(secret))
    assert secret not in left
    assert "[redacted" in left


@pytest.mark.parametrize("kind", INSIDE)
def test_s25_a_secret_is_taken_out_of_what_surrounds_it(kind: str) -> None:
    frame, secret = INSIDE[kind]
    text = frame.format(secret)
    left = redact(text)
    assert secret not in left
    assert left.startswith(text[:5])


def test_s25_values_of_secret_environment_variables_are_taken_out_in_any_spelling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    value = 'my "own" pa$$/word'
    monkeypatch.setenv("MY_DB_PASSWORD", value)
    for spelled in (
        value,
        quote(value, safe=""),
        json.dumps(value)[1:-1],
        base64.b64encode(value.encode()).decode(),
    ):
        assert spelled not in redact(f"before {spelled} after")
    monkeypatch.delenv("MY_DB_PASSWORD")
    assert redact(value) == value


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        *[
            (n, True)
            for n in (
                "password",
                "db_password",
                "api_key",
                "apiKey",
                "token",
                "hf_token",
                "AZURE_CLIENT_SECRET",
                "secret",
                "aws_secret_access_key",
                "connection_string",
                "privateKey",
                "auth_token",
            )
        ],
        *[
            (n, False)
            for n in (
                "max_tokens",
                "num_tokens",
                "pad_token",
                "tokenizer",
                "token_count",
                "monkey",
                "keyboard",
                "primary_key",
                "key",
                "author",
                "passes",
                "hidden",
                "sort_keys",
                "n_passes",
                "loss",
                "keys",
                "bypass",
                "compass",
                "secretary_count",
                "eos_token",
            )
        ],
    ],
)
def test_names_that_hold_secrets_are_told_from_others(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret
    assert (redact_pair(name, "value1234") != "value1234") is secret


def ordinary_lines() -> list[str]:
    lines = [
        "Epoch 3/10: loss=0.1234, accuracy=0.98, tokens/s=12345",
        "max_tokens=4096, eos_token='</s>', pad_token_id=0",
        "KeyError: 'key'",
        "x = df.groupby(['key'])['value'].sum()",
        "def forward(self, token: str, password: str) -> None:",
        "from getpass import getpass; password = getpass()",
        "password = os.environ['DB_PASSWORD']",
        "https://example.org/path?page=2&sort=name",
        "git@github.com:org/repo.git",
        "Requirement already satisfied: numpy in ./lib/python3.11/site-packages (2.0.1)",
        "<Figure size 640x480 with 1 Axes>",
        "token: 0.3, key: 17, code: 200",
        "SELECT key, value FROM params WHERE run_uuid = ?",
        "The secret of good code is a good basic design",
        "random_state=42, passes=3, n_jobs=-1",
        "sklearn.linear_model.LogisticRegression(C=1.0)",
        "s3://bucket/path/to/model.pkl",
        "tensor([0.1000, 0.2000], device='cuda:0')",
        "sig=0.05 is the significance level; sigmoid=True",
    ]
    chooser = random.Random(3)
    for _ in range(1500):
        lines.append(" ".join(chooser.choice(WORDS) for _ in range(8)) + f" {chooser.random():.6f}")
        lines.append(
            f"run {uuid.UUID(int=chooser.getrandbits(128)).hex} sha256:{hashlib.sha256(str(chooser.random()).encode()).hexdigest()}"
        )
        lines.append("data:image/png;base64," + base64.b64encode(chooser.randbytes(90)).decode())
        lines.append(
            f"commit {hashlib.sha1(str(chooser.random()).encode()).hexdigest()} at {chooser.randint(0, 10**12)}"
        )
    return lines


def test_s27_ordinary_lines_are_left_as_they_are() -> None:
    lines = ordinary_lines()
    changed = [(line, redact(line)) for line in lines if redact(line) != line]
    assert len(changed) <= len(lines) // 1000, changed[:10]


def test_a_very_long_text_takes_no_more_than_seconds() -> None:
    import time

    for text in (
        "a" * 1_000_000,
        "0.123, " * 150_000,
        "key=" * 150_000,
        "://:" * 150_000,
        "-----BEGIN " * 80_000,
        "%41\\n&amp;" * 100_000,
        "machine a login b password " * 30_000,
        ("a" * 76 + "\n") * 10_000,
    ):
        begun_s = time.process_time()
        redact(text)
        assert time.process_time() - begun_s < 5, text[:10]


def test_no_mark_that_comes_again_and_again_makes_the_redactor_slow() -> None:
    import time

    from jupyter_mltrack.tracking.secret_shapes import FRAMES, RARE, TOKENS

    rules = [
        *((kind, marks) for kind, marks, _ in (*TOKENS, *FRAMES)),
        *((r[0], r[2]) for r in RARE),
    ]
    for kind, marks in rules:
        for mark in marks:
            for between in ("aA1-bB2_", " a: ", ""):
                text = f"{mark}{between}" * (8_000 // len(mark + between))
                begun_s = time.process_time()
                redact(text)
                assert time.process_time() - begun_s < 0.5, (kind, mark, between)
