"""One version of a model on a page of its own, and what is changed there taken back."""

from __future__ import annotations

from typing import Any

from model_ground import HOSTILE, train

PAGE = '.mltrack-PageHost[data-page="version"]'


def _open(screen: Any, lab: Any, name: str, **extra: Any) -> None:
    path = lab.project("")
    train(lab, path, {"run": "made", "model": name, **extra})
    screen.open(path)
    listed = lab.request(f"mltrack/api/workspaces?path={path}")["workspaces"]
    workspace = next(one["id"] for one in listed if one["current"])
    args = {"kind": "version", "workspace": workspace, "model": name, "version": "1"}
    screen.command("jupyter-mltrack:open-page", **args)
    screen.wait(f"{PAGE} .mltrack-PageHead-title")


def test_a_version_is_described_tagged_and_given_an_alias_with_undo(screen: Any, lab: Any) -> None:
    _open(screen, lab, "churn")
    page = screen.page
    page.click(f'{PAGE} button[aria-label="Edit the description"]')
    page.fill(f"{PAGE} textarea", "Leaves or stays.")
    page.click(f'{PAGE} .mltrack-EditForm button:text-is("Save")')
    screen.wait(f'{PAGE} .mltrack-Description:text-is("Leaves or stays.")')
    page.click(f'{PAGE} button:text-is("Add a tag")')
    page.fill(f'{PAGE} input[aria-label="Name of the tag"]', "team")
    page.fill(f'{PAGE} input[aria-label="Value of the tag"]', "growth")
    page.keyboard.press("Enter")
    screen.wait(f'{PAGE} .mltrack-Chip[data-tag="team"]')
    page.fill(f'{PAGE} input[aria-label="New alias of version 1"]', "champion")
    page.keyboard.press("Enter")
    screen.wait(f"{PAGE} .mltrack-PageHead .mltrack-Chip[data-kind='alias']")
    screen.picture("version-about-light")
    screen.undo("Alias champion is at")
    screen.wait(f"{PAGE} .mltrack-PageHead .mltrack-Chip[data-kind='alias']", state="detached")
    page.click(f'{PAGE} button[aria-label="Take tag team away"]')
    screen.wait(f'{PAGE} .mltrack-Chip[data-tag="team"]', state="detached")
    screen.undo("Tag team is gone")
    screen.wait(f'{PAGE} .mltrack-Chip[data-tag="team"]')
    screen.theme("JupyterLab Dark")
    page.click(f'{PAGE} [role="tab"][data-tab="signature"]')
    screen.wait(f"{PAGE} .mltrack-Signature")
    screen.picture("version-signature-dark")
    page.click(f'{PAGE} [role="tab"][data-tab="mlmodel"]')
    assert "flavors" in screen.wait(f"{PAGE} .mltrack-Lines").text_content()
    page.click(f"{PAGE} .mltrack-RunLink")
    screen.wait('.mltrack-PageHost[data-page="run"] h2[data-name="made"]')


def test_a_deleted_version_says_so_and_hostile_names_are_text(screen: Any, lab: Any) -> None:
    _open(screen, lab, "gone", columns={"tenure": HOSTILE})
    page = screen.page
    page.click(f'{PAGE} [role="tab"][data-tab="signature"]')
    screen.wait(f"{PAGE} .mltrack-Signature")
    assert page.locator(f"{PAGE} img").count() == 0
    screen.picture("version-hostile-light")
    page.click(f'{PAGE} [role="tab"][data-tab="about"]')
    page.click(f'{PAGE} button:has-text("Delete version 1")')
    page.fill(f"{PAGE} .mltrack-Confirm input", "gone")
    page.click(f'{PAGE} .mltrack-Confirm button:text-is("Delete")')
    screen.wait(f"{PAGE} .mltrack-PageNotice")
    screen.picture("version-gone-light")
