"""Registered models in the panel: what they are, what is done to them, and odd names."""

from __future__ import annotations

import re
import urllib.parse
from typing import Any

from model_ground import (
    API,
    DEPLOYMENTS,
    MODELS,
    PANEL,
    deploy,
    model_row,
    run_program,
    version,
)


def test_a_version_shows_what_lies_in_its_files(opened: Any) -> None:
    opened.page.click(model_row("churn"))
    opened.wait(version(2))
    opened.page.click(f"{version(2)} .mltrack-VersionRow")
    table = opened.wait(f"{version(2)} .mltrack-Signature").text_content()
    for word in ("tenure", "long", "monthly", "double", "output", "churn"):
        assert word in table
    opened.picture("models-light")
    for title, word in (
        ("Input example", "tenure"),
        ("Requirements", "scikit-learn"),
        ("Files", "MLmodel"),
        ("MLmodel", "python_function"),
    ):
        fold = opened.page.locator(f'{version(2)} .mltrack-Fold:has(summary:text("{title}"))').last
        fold.locator("summary").click()
        assert word in fold.text_content()
    sizes = opened.page.locator(
        f"{version(2)} .mltrack-Table:not(.mltrack-Signature) td:last-child"
    )
    assert min(one.bounding_box()["width"] for one in sizes.all()) > 30
    opened.theme("JupyterLab Dark")
    opened.picture("models-dark")


MANY = """
from mlflow.tracking import MlflowClient
from jupyter_mltrack import workspaces
place = workspaces.resolve("local")
place.prepare()
client = MlflowClient(tracking_uri=place.tracking_uri)
for at in range(60):
    client.create_registered_model(f"model-{at:02}", description="Churn within a month.")
"""


def test_many_models_come_page_by_page_and_are_searched(screen: Any, lab: Any) -> None:
    path = lab.project("1")
    run_program(lab, path, MANY)
    screen.open(path)
    screen.wait(f'{MODELS} .mltrack-Search-count:text-is("60 models")')
    rows = screen.page.locator(f"{MODELS} .mltrack-ModelRow")
    assert rows.count() == 50
    screen.page.click(f'{MODELS} button:text-is("Show more")')
    screen.wait(model_row("model-00"))
    assert rows.count() == 60
    assert screen.page.locator(f'{MODELS} button:text-is("Show more")').count() == 0
    # A first page that is asked for again does not take the rest away.
    with screen.page.expect_response(lambda answer: "/api/models?" in answer.url) as renewed:
        for _ in range(2):
            screen.page.click(f"{MODELS} .mltrack-Section-button")
    renewed.value.finished()
    screen.page.wait_for_timeout(100)
    assert rows.count() == 60
    screen.page.fill(f"{MODELS} .mltrack-Search-input", "EL-07")
    screen.wait(f'{MODELS} .mltrack-Search-count:text-is("1 model")')
    assert rows.count() == 1
    screen.page.click(model_row("model-07"))
    screen.wait(f'{MODELS} :text("Churn within a month.")')
    screen.picture("models-many")
    screen.page.fill(f"{MODELS} .mltrack-Search-input", "nothing like it")
    screen.wait(f'{MODELS} :text("No model fits the search.")')


def test_an_alias_is_set_moved_and_taken_away(opened: Any) -> None:
    opened.page.click(model_row("churn"))
    for number, word in ((1, "Set"), (2, "Move from v1")):
        opened.page.click(f"{version(number)} .mltrack-VersionRow")
        opened.page.fill(f"{version(number)} .mltrack-Aliases input", "champion")
        opened.page.click(f'{version(number)} .mltrack-Aliases button:text-is("{word}")')
        opened.wait(f'{version(number)} .mltrack-VersionRow .mltrack-Chip:has-text("@champion")')
    opened.wait(f"{version(1)} .mltrack-VersionRow .mltrack-Chip", state="detached")
    opened.wait(f'{model_row("churn")} .mltrack-Chip:has-text("@champion")')
    opened.picture("models-alias")
    opened.page.click(f"{version(2)} .mltrack-Chip-remove")
    opened.wait(f"{MODELS} .mltrack-Chip", state="detached")


def test_the_run_that_made_a_version_opens_in_the_list_of_runs(opened: Any) -> None:
    opened.page.click(model_row("churn"))
    opened.page.click(f"{version(1)} .mltrack-RunLink")
    opened.wait(f'{opened.run_row("first")}[aria-expanded="true"]')
    opened.until("() => document.activeElement?.textContent.includes('first')")


def test_a_run_that_logged_a_model_offers_to_register_it(opened: Any) -> None:
    opened.page.click(opened.run_row("logged only"))
    opened.page.click(f'{PANEL} button:text-is("Register model …")')
    form = f"{PANEL} form.mltrack-Register"
    opened.wait(form)
    assert opened.page.input_value(f"{form} input") != ""  # One of those there are.
    opened.page.fill(f"{form} input", "from-a-run")
    assert "new model" in opened.page.text_content(form)
    opened.picture("register")
    opened.page.click(f'{form} button:text-is("Register")')
    opened.wait(model_row("from-a-run"))
    opened.wait(f'{PANEL} .mltrack-Register:has-text("version 1 of")')


ONE = """
from mlflow.tracking import MlflowClient
from jupyter_mltrack import workspaces
place = workspaces.resolve("local")
place.prepare()
client = MlflowClient(tracking_uri=place.tracking_uri)
client.create_registered_model("unwanted")
client.create_model_version("unwanted", "file:///nowhere")
"""


def test_s36_deleting_a_version_takes_its_models_name(screen: Any, lab: Any) -> None:
    path = lab.project("1")
    run_program(lab, path, ONE)
    screen.open(path)
    screen.page.click(model_row("unwanted"))
    screen.page.click(f'{MODELS} .mltrack-Link:text("Delete this model")')
    delete = f'{MODELS} .mltrack-Confirm button:text-is("Delete")'
    assert screen.page.is_disabled(delete)
    screen.page.fill(f"{MODELS} .mltrack-Confirm input", "unwant")
    screen.page.keyboard.press("Enter")
    assert screen.page.is_disabled(delete)
    screen.picture("models-delete")
    screen.page.fill(f"{MODELS} .mltrack-Confirm input", "unwanted")
    screen.page.click(delete)
    screen.wait(model_row("unwanted"), state="detached")


def test_s12_markup_in_the_names_of_models_is_shown_as_text(opened: Any) -> None:
    shown = opened.page.locator(f"{MODELS} .mltrack-ModelRow", has_text="trap-img")
    shown.click()
    opened.wait(version(1))
    opened.page.click(f"{version(1)} .mltrack-VersionRow")
    opened.wait(f"{version(1)} .mltrack-Signature")
    form = deploy(opened, 1)
    opened.page.click(f'{form} button:text-is("Try it")')
    opened.wait(f"{DEPLOYMENTS} .mltrack-Try")
    opened.page.click(f'{DEPLOYMENTS} .mltrack-Try button[type="submit"]')
    opened.wait(f"{DEPLOYMENTS} .mltrack-Predictions")
    opened.picture("models-hostile")
    made = opened.page.evaluate(
        "() => document.querySelectorAll('#jupyter-mltrack-panel img').length"
    )
    assert made == 0
    assert not [
        url
        for url in opened.requests
        if "trap-img" in urllib.parse.unquote(url) and "/api/" not in url
    ]
    assert "\u202e" not in opened.page.inner_text(MODELS)
    opened.page.click(f'{MODELS} .mltrack-Link:text("Delete this model")')
    # What cannot be typed as it is shown is deleted by a plain word.
    assert "Type delete" in opened.page.text_content(f"{MODELS} .mltrack-Confirm")


def test_a_registry_that_gives_no_answer_says_so(screen: Any, project: str) -> None:
    problem = {"code": "store_unreachable", "message": "http://store gave no answer.", "hint": ""}
    screen.page.route(
        re.compile(rf"{API}/(models|endpoints)\b"),
        lambda route: route.fulfill(status=502, json=problem),
    )
    screen.open(project)
    for section in (MODELS, DEPLOYMENTS):
        assert "gave no answer" in screen.wait(f"{section} .mltrack-Problem").text_content()
    screen.picture("models-unreachable")
    screen.page.unroute_all()
    screen.wait(f"{MODELS} .mltrack-ModelRow")
