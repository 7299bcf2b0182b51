"""How sign-ins and Azure's workspaces look in a cell and in a terminal."""

from __future__ import annotations

from html import escape

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.render import Column, View, line, note, table

_CODE = "font-weight:bold;letter-spacing:0.08em;user-select:all"
_KEPT = {
    "": "",
    "memory": "kept in memory until this machine starts anew",
    "encrypted": "kept encrypted by the system's key ring",
}


def sign_in_line(found: wire.SignIn, now_ms: int) -> View:
    """What a person must do now, with a link to the page."""
    if found.how == "browser" or not found.link:
        return line(found.message or "Asking for a code ...", "interrupt to cancel", mark="◐")
    left = ""
    if found.expires_ms is not None:
        left_s = max(0, (found.expires_ms - now_ms) // 1000)
        left = f"{left_s // 60}:{left_s % 60:02d} left"
    code, link = clean(found.code), clean(found.link)
    plain = f"◐ Open {link} and enter the code {code} · {left} · interrupt to cancel"
    # only pages over TLS come this far; see `holding`
    html = (
        f'<div>◐ Open <a href="{escape(link)}" target="_blank" rel="noopener noreferrer">'
        f'{escape(link)}</a> and enter the code <code style="{_CODE}">{escape(code)}</code>'
        f" · {escape(left)} · interrupt to cancel</div>"
    )
    return View(plain, html)


def place(uri: str) -> str:
    """Where a workspace is, without the long id: `Azure ML, resource group lab`."""
    from jupyter_mltrack.azure.scope import Scope

    scope = Scope.find(uri)
    return uri if scope is None else f"Azure ML, resource group {scope.resource_group}"


def account(report: wire.AccountReport, _: int) -> View:
    """Who is signed in, and how."""
    ended = [note(f"{one.key}: ended") for one in report.tried if one.value == "ended"]
    found = report.account
    if found is None:
        shown = ended[0] if ended else note("Nobody is signed in to Azure: %mltrack login")
    else:
        where = "" if found.cloud == "AzureCloud" else found.cloud
        shown = line(f"signed in as {found.name}", found.way, where, _KEPT[found.kept], mark="✓")
        shown = ended[0] + shown if ended else shown
    for one in report.tried:
        if one.value not in ("ok", "ended"):
            shown += note(f"{one.key}: {one.value}")
    return shown


def workspaces(found: wire.WorkspacesSeen, _: int) -> View:
    """What the account sees."""
    heads = [Column(name) for name in ("workspace", "resource group", "subscription", "region")]
    rows = [
        [one.name, one.resource_group, one.subscription, one.location] for one in found.workspaces
    ]
    who = found.account.name if found.account is not None else "The account"
    shown = (
        table(heads, rows, "Choose one: %mltrack use azureml:NAME")
        if rows
        else note(f"{who} sees no Azure ML workspace.")
    )
    for problem in found.problems:
        shown += note(f"{problem.message} {problem.hint}".strip())
    return shown
