"""The shapes of secrets: a table for `redaction`, one rule a line, however long.

Each shape names itself; nothing is guessed from how random a text looks.
"""
# ruff: noqa: E501

from __future__ import annotations

import re

SECRET_NAME = re.compile(
    r"(?:^|[_\-. ])(?:pass(?:word|wd|phrase|code)?|pwd|secrets?|credentials?|creds?|api[_\-. ]?keys?|apikeys?"
    r"|access[_\-. ]?keys?|accesskeys?|account[_\-. ]?keys?|private[_\-. ]?keys?|signing[_\-. ]?keys?"
    r"|secret[_\-. ]?(?:access[_\-. ]?)?keys?|encryption[_\-. ]?keys?|conn(?:ection)?[_\-. ]?str(?:ing)?"
    r"|authorization|bearer|sas|pat|(?:auth|access|refresh|bearer|session|id|api|hf|github|gh|gitlab|slack|npm"
    r"|wandb|azure|aws|gcp|databricks|jupyter|bot|personal|oauth|csrf|xsrf|deploy|user|service|openai)[_\-. ]?token"
    r"|client[_\-. ]?secret)(?:$|[_\-. ]|\d)",
    re.IGNORECASE,
)

# (kind, marks of which one is in the lower-case text of every match, pattern); of a pattern with a
# group, the group is what is taken out.
RULES = (
    ("private key", ("private key",), r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[\s\S]{0,20000}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|[\s\S]{0,20000})"),
    ("Azure key", ("key", "signature", "pass", "pwd", "secret"), r"\b(?:AccountKey|SharedAccessKey|SharedAccessSignature|AccessKey|Password|Pwd|ClientSecret)\s*=\s*(?P<s1>(?!\s)[^;\"'\s]{6,})(?=;|\"|'|\s|$)"),
    ("signature", ("sig",), r"(?<=[?&;])(?:sig|signature|X-Amz-Signature|X-Goog-Signature|se_sig)=(?P<s2>[A-Za-z0-9%+/=_\-]{16,})"),
    ("query secret", ("token=", "key=", "password=", "secret=", "code="), r"(?<=[?&])(?:access_token|token|api_key|apikey|key|password|secret|code)=(?P<s3>[^&\s\"'#]{8,})"),
    ("Azure storage key", ("==",), r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])"),
    ("Azure client secret", ("q~",), r"(?<![A-Za-z0-9_~.\-])[A-Za-z0-9_~.\-]{3}\dQ~[A-Za-z0-9_~.\-]{31,34}(?![A-Za-z0-9_~\-])"),
    ("token", ("eyj",), r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}"),
    ("token", ("eyj",), r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.(?![A-Za-z0-9_\-])"),
    ("AWS key", ("akia", "asia", "abia", "acca", "aroa", "aida"), r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat"), r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{30,}|(?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{22,}"),
    ("token", ("glpat-",), r"(?<![A-Za-z0-9])glpat-[A-Za-z0-9_\-]{16,}"),
    ("token", ("xox", "hooks.slack"), r"(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9\-]{10,}|https://hooks\.slack\.com/services/[A-Za-z0-9/]{20,}"),
    ("API key", ("sk-",), r"(?<![A-Za-z0-9])sk-(?:proj-|ant-[a-z0-9]+-|svcacct-|admin-|or-v1-)?[A-Za-z0-9_\-]{20,}"),
    ("token", ("hf_",), r"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{30,}"),
    ("token", ("dapi",), r"(?<![A-Za-z0-9])dapi[a-f0-9]{32}(?:-\d)?(?![a-f0-9])"),
    ("token", ("npm_",), r"(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}"),
    ("token", ("pypi-",), r"(?<![A-Za-z0-9])pypi-[A-Za-z0-9_\-]{50,}"),
    ("API key", ("aiza",), r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_\-]{35}"),
    ("token", ("ya29.",), r"(?<![A-Za-z0-9])ya29\.[A-Za-z0-9_\-]{20,}"),
    ("API key", ("k_live", "k_test"), r"(?<![A-Za-z0-9])[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("API key", ("sg.",), r"(?<![A-Za-z0-9])SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}"),
    ("token", ("bearer", "basic", "token"), r"(?i)\b(?:bearer|basic|token)\s+(?P<s4>[A-Za-z0-9\-._~+/]{16,}=*)"),
    ("password", ("://",), r"(?<=://)[^\s/:@\"']{0,100}:(?P<s5>[^\s/@\"']{1,200})(?=@)"),
    ("token", ("://",), r"(?<=://)(?P<s6>[A-Za-z0-9_\-]{20,})(?=@)"),
    ("secret", ("pass", "pwd", "secret", "key", "token", "connection"), r"(?i)(?<![A-Za-z0-9])(?:[A-Za-z0-9]+[_\-.])*(?:password|passwd|passphrase|pwd|secret|api[_\-]?key|apikey|access[_\-]?key|account[_\-]?key|private[_\-]?key|secret[_\-]?access[_\-]?key|client[_\-]?secret|auth[_\-]?token|access[_\-]?token|refresh[_\-]?token|connection[_\-]?string)[\"']?\s*(?::=|=>|[:=])\s*(?P<s7>\"[^\"\n]{4,}\"|'[^'\n]{4,}'|(?![\"'\[({<$])[^\s,;\"'&)\]}]{6,})"),
)  # fmt: skip
