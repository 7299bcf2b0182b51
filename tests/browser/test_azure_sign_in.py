"""Azure in the panel: sign in with a code, pick a workspace, sign in again, sign out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.browser.conftest import Lab, serve_lab
from tests.emulators.azure.handle import Azure

PANEL = "#jupyter-mltrack-panel"
SIGN_IN = f"{PANEL} .mltrack-SignIn"
LINE = f"{PANEL} .mltrack-Account"


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    made = Azure(tmp_path_factory.mktemp("azure"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, azure: Azure) -> Iterator[Lab]:
    """A server of its own: its environment names the emulated cloud, and nobody is signed in."""
    with serve_lab(tmp_path_factory.mktemp("azure-lab"), azure.signed_out) as made:
        yield made


def in_both_themes(screen: Any, name: str) -> None:
    screen.picture(f"{name}-light")
    screen.theme("JupyterLab Dark")
    screen.picture(f"{name}-dark")
    screen.theme("JupyterLab Light")


def test_a_person_signs_in_with_a_code_picks_a_workspace_and_signs_in_again_after_a_revocation(
    screen: Any, lab: Lab, azure: Azure
) -> None:
    azure.fresh_workspace("churn-team")
    page = screen.page
    screen.open(lab.project("1"))
    page.click(f"{PANEL} .mltrack-Switcher button")
    page.click("text=Add Azure ML workspace")
    screen.wait(SIGN_IN)
    screen.picture("azure-signed-out")
    page.click(f"{SIGN_IN} button:has-text('Sign in to Azure')")
    shown = screen.wait(f"{SIGN_IN} .mltrack-SignIn-code").text_content()
    assert shown == azure.login.wait_for_code()
    link = page.locator(f"{SIGN_IN} a.mltrack-SignIn-link")
    assert link.get_attribute("href") == f"{azure.origin}/devicelogin"
    assert link.get_attribute("rel") == "noopener noreferrer"
    in_both_themes(screen, "azure-code")
    screen.set_width(240)  # a click elsewhere closes the list; the sign-in is found again
    page.click(f"{PANEL} .mltrack-Switcher button")
    page.click("text=Add Azure ML workspace")
    assert screen.wait(f"{SIGN_IN} .mltrack-SignIn-code").text_content() == shown
    screen.picture("azure-code-240")

    azure.login.approve(shown)
    page.wait_for_selector(f"{PANEL} .mltrack-AzurePicker li")
    in_both_themes(screen, "azure-picker")
    page.click(f"{PANEL} .mltrack-AzurePicker li:has-text('churn-team') button")
    page.wait_for_selector(f"{LINE}:has-text('ada@example.org')")
    page.wait_for_function(
        "() => /^ready/.test(document.querySelector('.mltrack-Health-words')?.textContent)",
    )
    in_both_themes(screen, "azure-ready")

    azure.login.revoke(azure.login.ada)
    page.click(f"{PANEL} button[title='Refresh']")
    again = page.wait_for_selector(f"{SIGN_IN} button")
    assert again.text_content() in ("Sign in again", "Sign in to Azure")
    in_both_themes(screen, "azure-sign-in-again")
    again.click()
    screen.wait(f"{SIGN_IN} .mltrack-SignIn-code")
    page.click(f"{SIGN_IN} button:has-text('Cancel')")
    page.click(f"{SIGN_IN} button:has-text('Sign in')")
    code = screen.wait(f"{SIGN_IN} .mltrack-SignIn-code").text_content()
    azure.login.approve(code)
    page.wait_for_selector(f"{LINE}:has-text('ada@example.org')")
    screen.set_width(240)
    screen.picture("azure-ready-240")

    page.click(f"{LINE} button:has-text('Sign out')")
    page.wait_for_selector(f"{SIGN_IN} button:has-text('Sign in to Azure')")
    assert screen.errors == []


def test_a_person_signs_in_and_out_by_the_palette_and_in_a_cell(
    screen: Any, lab: Lab, azure: Azure
) -> None:
    place = azure.fresh_workspace()
    uri = f"azureml:{place.arm_id}"
    screen.open(
        lab.project(
            "%load_ext jupyter_mltrack",
            "%mltrack login --device-code",
            settings=f'tracking = "{uri}"\n',
        )
    )
    screen.wait_kernel()
    screen.page.click(f"{PANEL} .mltrack-Header button[title='Connect']")
    screen.page.evaluate(  # not awaited: the command ends with its dialog
        "() => { void window.jupyterapp.commands.execute('jupyter-mltrack:azure-sign-in') }"
    )
    dialog = ".jp-Dialog .mltrack-SignIn"
    code = screen.wait(f"{dialog} .mltrack-SignIn-code").text_content()
    in_both_themes(screen, "azure-palette-code")
    azure.login.approve(code)
    screen.wait(dialog, state="detached")
    screen.wait(f"{LINE}:has-text('ada@example.org')")
    screen.command("jupyter-mltrack:azure-sign-out")
    screen.wait(f"{SIGN_IN} button:has-text('Sign in')")

    screen.run_cell(0)
    screen.start_cell(1)
    shown = screen.wait(".jp-OutputArea-output:has-text('devicelogin')")
    code = azure.login.wait_for_code()
    assert code in shown.inner_text()
    in_both_themes(screen, "azure-cell-code")
    azure.login.approve(code)
    screen.wait(".jp-OutputArea-output:has-text('ada@example.org')")
    screen.picture("azure-cell-signed-in")
    screen.command("jupyter-mltrack:azure-sign-out")
    assert screen.errors == []
