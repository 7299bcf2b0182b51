"""From a registered model to answers in the panel, by clicks and keys alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

from model_ground import (
    API,
    DEPLOYMENTS,
    MODELS,
    deploy,
    model_row,
    open_endpoint,
    open_form,
    predict,
    version,
)
from screen import LIMIT_MS


def test_an_empty_project_says_what_would_fill_models_and_deployments(
    screen: Any, lab: Any
) -> None:
    screen.open(lab.project("1"))
    assert "register" in screen.wait(f"{MODELS} .mltrack-Empty-line").text_content()
    assert "Nothing is deployed" in screen.wait(f"{DEPLOYMENTS} .mltrack-Empty-line").text_content()
    screen.picture("models-empty")


def test_two_clicks_deploy_a_version_and_the_form_asks_it(opened: Any) -> None:
    opened.page.click(model_row("churn"))
    form = deploy(opened, 2)
    steps = opened.page.locator(f"{form} .mltrack-Step").all_text_contents()
    assert len(steps) >= 2
    assert all(re.search(r"\d ?m?s$", step) for step in steps)
    opened.picture("deploy-done")
    opened.page.click(f'{form} button:text-is("Try it")')
    opened.wait(f"{DEPLOYMENTS} .mltrack-Try")
    assert opened.page.input_value(f'{DEPLOYMENTS} [data-input="tenure"] input') != ""
    assert predict(opened, tenure="1", monthly="90") == "leaves"
    assert predict(opened, tenure="70", monthly="20.5") == "stays"
    line = opened.page.text_content(f"{DEPLOYMENTS} .mltrack-Answer-line")
    assert re.fullmatch(r"[\d.]+ m?s · v2", line)
    opened.picture("try-light")
    opened.page.fill(f'{DEPLOYMENTS} [data-input="tenure"] input', "1.5")
    opened.wait(f'{DEPLOYMENTS} :text("It is no whole number.")')
    assert opened.page.is_disabled(f'{DEPLOYMENTS} .mltrack-Try button[type="submit"]')
    opened.page.fill(f'{DEPLOYMENTS} [data-input="tenure"] input', "2")
    opened.page.click(f'{DEPLOYMENTS} [data-tab="json"]')
    body = json.loads(opened.page.input_value(f"{DEPLOYMENTS} .mltrack-Json"))
    assert body["dataframe_split"] == {"columns": ["tenure", "monthly"], "data": [[2, 20.5]]}
    opened.page.fill(f"{DEPLOYMENTS} .mltrack-Json", '{"inputs": [{"tenure": "x"}]}')
    opened.page.click(f'{DEPLOYMENTS} .mltrack-Try button[type="submit"]')
    opened.wait(f"{DEPLOYMENTS} .mltrack-Answer .mltrack-Problem")
    opened.page.click(f'{DEPLOYMENTS} summary:text("Last calls (3)")')
    assert opened.page.locator(f"{DEPLOYMENTS} .mltrack-Calls tr").count() == 3
    opened.theme("JupyterLab Dark")
    opened.picture("try-dark")


def test_what_is_copied_works_as_it_is(opened: Any, lab: Any) -> None:
    opened.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened.page.click(model_row("churn"))
    form = deploy(opened, 2)
    for name, begins, command in (
        ("curl", "curl ", ["bash", "-c"]),
        ("Python", "import ", [sys.executable, "-c"]),
    ):
        opened.page.click(f'{form} button:has-text("Copy {name}")')
        copied = opened.copied(lambda text, begins=begins: text.startswith(begins))
        done = subprocess.run(
            [*command, copied],
            env=lab.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_MS / 1000,
            check=False,
        )
        assert "leaves" in done.stdout or "stays" in done.stdout, done.stderr
        opened.wait(f'{form} button:has-text("Copy {name}")')


def test_many_clicks_and_a_lost_answer_make_one_deployment(opened: Any, lab: Any) -> None:
    keys: list[str] = []

    def lose_the_first(route: Any) -> None:
        keys.append(route.request.post_data_json["key"])
        answer = route.fetch()
        if len(keys) == 1:
            route.abort()  # The server has the order, the page never hears of it.
        else:
            route.fulfill(response=answer)

    opened.page.route(re.compile(f"{API}/deploy$"), lose_the_first)
    opened.page.click(model_row("churn"))
    form = open_form(opened, 1)
    button = f'{form} button[type="submit"]'
    opened.wait(f"{button}:enabled")
    jobs = lab.data / "deployments" / "jobs"
    before = len(list(jobs.glob("*/job.json")))
    opened.page.evaluate(
        "button => { const b = document.querySelector(button); b.click(); b.click(); b.click(); }",
        button,
    )
    opened.wait(f'{form} .mltrack-Job[data-state="done"]')
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert len(list(jobs.glob("*/job.json"))) == before + 1


def test_traffic_is_shared_promoted_rolled_back_and_shadowed(opened: Any, lab: Any) -> None:
    opened.page.click(model_row("churn"))
    deploy(opened, 1)
    form = open_form(opened, 2)
    opened.wait(f"{form} .mltrack-Slider")  # The endpoint is there: which share does it get?
    opened.picture("deploy-second")
    opened.page.click(f'{form} button[type="submit"]:enabled')
    opened.wait(f'{form} .mltrack-Job[data-state="done"]')
    inside = open_endpoint(opened, "churn-local", "versions")

    def shares() -> dict[str, int]:
        (one,) = lab.request(f"{API}/endpoints")["endpoints"]
        return {each["label"]: each["traffic_percent"] for each in one["deployments"]}

    def slide(label: str, percent: int) -> None:
        opened.page.locator(f'{inside} [data-label="{label}"] input[type="range"]').fill(
            str(percent)
        )

    assert shares() == {"1": 100, "2": 0}
    slide("2", 30)
    assert opened.page.locator(f"{inside} output").all_text_contents().count("70 %") == 1
    opened.picture("traffic")
    opened.page.click(f'{inside} button:text-is("Apply")')
    opened.wait(f'{DEPLOYMENTS} .mltrack-Served:text("v1 70 % · v2 30 %")')
    assert shares() == {"1": 70, "2": 30}
    opened.page.click(f'{DEPLOYMENTS} [data-tab="try"]')
    seen = set()
    for _ in range(30):
        predict(opened)
        seen.add(opened.page.text_content(f"{DEPLOYMENTS} .mltrack-Answer-line")[-2:])
        if len(seen) == 2:
            break
    assert seen == {"v1", "v2"}
    open_endpoint(opened, "churn-local", "versions")
    opened.page.click(f'{inside} [data-label="2"] button:text-is("Promote")')
    opened.wait(f'{DEPLOYMENTS} .mltrack-Served:text-is("v2")')
    opened.page.click(f'{inside} button:text-is("Roll back to v1")')
    opened.wait(f'{DEPLOYMENTS} .mltrack-Served:text-is("v1")')
    opened.page.check(f'{inside} [data-label="2"] input[type="checkbox"]')
    opened.page.click(f'{inside} button:text-is("Apply")')
    opened.wait(f'{inside} [data-label="2"] .mltrack-Chip:has-text("shadow")')
    opened.page.wait_for_function(
        "inside => !document.querySelector(inside).textContent.includes('Apply')", arg=inside
    )
    (one,) = lab.request(f"{API}/endpoints")["endpoints"]
    assert [each["label"] for each in one["deployments"] if each["shadow"]] == ["2"]
    opened.picture("shadow")


def test_an_endpoint_is_watched_stopped_started_and_deleted(opened: Any, lab: Any) -> None:
    opened.page.click(model_row("churn"))
    deploy(opened, 2)
    open_endpoint(opened, "churn-local")
    for tenure in ("1", "70", "35"):
        predict(opened, tenure=tenure)
    opened.page.click(f'{DEPLOYMENTS} [data-tab="logs"]')
    opened.wait(f"{DEPLOYMENTS} .mltrack-Lines")
    opened.picture("logs")
    opened.page.click(f'{DEPLOYMENTS} [data-tab="monitor"]')
    opened.wait(f"{DEPLOYMENTS} .mltrack-Monitor canvas")
    opened.wait(f'{DEPLOYMENTS} .mltrack-Monitor :text("3 requests")')
    opened.page.wait_for_timeout(300)
    opened.page.locator(f"{DEPLOYMENTS} .mltrack-Chart").last.scroll_into_view_if_needed()
    opened.picture("monitor")
    opened.page.click(f'{DEPLOYMENTS} [data-tab="drift"]')
    opened.page.click(f'{DEPLOYMENTS} button:text-is("Compare with training data")')
    opened.wait(f"{DEPLOYMENTS} .mltrack-Drift-verdict")
    opened.picture("drift")
    row = f"{DEPLOYMENTS} .mltrack-EndpointRow"
    opened.page.click(f'{DEPLOYMENTS} button:text-is("Stop …")')
    opened.wait(f"{DEPLOYMENTS} .mltrack-Confirm button:focus")
    opened.picture("endpoint-stop-asked")
    opened.page.keyboard.press("Enter")  # the safe answer
    opened.wait(f'{DEPLOYMENTS} button:text-is("Stop …"):focus')
    assert lab.request(f"{API}/endpoints")["endpoints"][0]["state"] == "ready"
    opened.page.click(f'{DEPLOYMENTS} button:text-is("Stop …")')
    opened.page.click(f'{DEPLOYMENTS} .mltrack-Confirm button:text-is("Stop")')
    opened.wait(f'{row}[data-state="stopped"]:has-text("stopped")')
    opened.page.click(f'{DEPLOYMENTS} button:text-is("Start")')
    opened.wait(f'{row}[data-state="ready"]:has-text("ready")')
    opened.page.click(f'{DEPLOYMENTS} button:text-is("Delete …")')
    confirm = f"{DEPLOYMENTS} .mltrack-Confirm"
    assert opened.page.is_disabled(f'{confirm} button:text-is("Delete")')
    opened.page.fill(f"{confirm} input", "churn-local")
    opened.page.keyboard.press("Enter")
    opened.wait(row, state="detached")
    assert lab.request(f"{API}/endpoints")["endpoints"] == []


def test_s15_a_model_of_somebody_else_runs_only_after_i_trust_it(opened: Any) -> None:
    opened.page.click(model_row("theirs"))
    form = open_form(opened, 1)
    consent = opened.wait(f"{form} .mltrack-Consent").text_content()
    for word in ("sklearn", "sha256", "elsewhere"):
        assert word in consent
    assert opened.page.is_disabled(f'{form} button[type="submit"]')
    opened.picture("consent-light")
    opened.page.check(f'{form} .mltrack-Consent input[type="checkbox"]')
    opened.page.click(f'{form} button[type="submit"]:enabled')
    opened.wait(f'{form} .mltrack-Job[data-state="done"]')
    opened.page.click(f'{form} button[aria-label="Close"]')
    form = open_form(opened, 1)  # Agreed to once, these very files need no second word.
    opened.wait(f'{form} button[type="submit"]:enabled')
    assert opened.page.locator(f"{form} .mltrack-Consent").count() == 0


def test_a_deploy_that_fails_says_why_with_the_end_of_the_log(opened: Any) -> None:
    opened.page.click(model_row("broken"))
    form = open_form(opened, 1)
    opened.page.click(f'{form} button[type="submit"]:enabled')
    opened.wait(f'{form} .mltrack-Job[data-state="failed"]')
    assert opened.page.locator(f'{form} .mltrack-Step[data-state="failed"]').count() == 1
    assert "the weights <b>are</b> not there" in opened.page.text_content(form)
    opened.picture("deploy-failed")
    opened.page.click(f'{form} button:text-is("Back to the form")')
    opened.wait(f'{form} button[type="submit"]:enabled')


def test_options_come_from_the_target_and_are_checked(opened: Any, lab: Any) -> None:
    def with_one_that_cannot(route: Any) -> None:
        answer = route.fetch()
        far = {"name": "far", "title": "Far away", "help": "", "available": False}
        far["why_not"] = "Sign in first: far login"
        route.fulfill(response=answer, json={"targets": [*answer.json()["targets"], far]})

    opened.page.route(re.compile(f"{API}/targets"), with_one_that_cannot)
    opened.page.click(model_row("churn"))
    form = open_form(opened, 2)
    assert opened.page.is_disabled(f'{form} .mltrack-Targets input[value="far"]')
    reasons = opened.page.locator(f"{form} .mltrack-Targets-why").all_text_contents()
    assert any("far login" in reason for reason in reasons)
    opened.page.fill(f"{form} .mltrack-Deploy-name", "named-by-hand")
    opened.page.click(f'{form} summary:text("More options")')
    replicas = f'{form} [data-option="replicas"] input'
    opened.page.fill(replicas, "0")
    opened.wait(f'{form} :text("At least 1.")')
    assert opened.page.is_disabled(f'{form} button[type="submit"]')
    opened.page.fill(replicas, "2")
    opened.picture("deploy-options")
    opened.page.click(f'{form} button[type="submit"]:enabled')
    opened.wait(f'{form} .mltrack-Job[data-state="done"]')
    (one,) = lab.request(f"{API}/endpoints")["endpoints"]
    assert (one["name"], json.loads(one["options"])["replicas"]) == ("named-by-hand", 2)


def test_240_pixels_hold_a_form_and_an_endpoint(opened: Any) -> None:
    opened.set_width(240)
    opened.page.click(model_row("churn"))
    deploy(opened, 2)
    opened.picture("deploy-240")
    open_endpoint(opened, "churn-local")
    predict(opened)
    opened.picture("try-240")
    wider = opened.page.evaluate(
        """() => [...document.querySelectorAll('.mltrack-Models *, .mltrack-Deployments *')]
            .filter(node => node.getBoundingClientRect().right >
              document.querySelector('#jupyter-mltrack-panel').getBoundingClientRect().right + 1
              && getComputedStyle(node).display !== 'none'
              && !node.closest('.mltrack-visually-hidden, .mltrack-Scroll, .mltrack-Name'))
            .map(node => node.className)"""
    )
    assert wider == []
    opened.set_width(640)
    opened.picture("try-wide")


def test_a_model_is_deployed_by_the_keyboard_alone(opened: Any) -> None:
    keyboard = opened.page.keyboard
    opened.page.focus(f"{MODELS} .mltrack-Section-button")
    keyboard.press("Tab")
    keyboard.press("End")
    keyboard.press("Home")
    focused = "() => document.activeElement.dataset.model ?? ''"
    for _ in range(10):
        if opened.page.evaluate(focused) == "churn":
            break
        keyboard.press("ArrowDown")
    keyboard.press("Enter")
    opened.wait(version(2))
    keyboard.press("ArrowDown")
    assert "mltrack-VersionRow" in opened.page.evaluate("() => document.activeElement.className")
    keyboard.press("Tab")
    keyboard.press("Enter")
    form = f"{version(2)} .mltrack-Deploy"
    opened.wait(f'{form} button[type="submit"]:enabled')
    opened.wait(f"{form} .mltrack-Targets")
    for _ in range(20):
        if opened.page.evaluate("() => document.activeElement.type") == "submit":
            break
        keyboard.press("Tab")
    opened.picture("deploy-keyboard")
    keyboard.press("Enter")
    opened.wait(f'{form} .mltrack-Job[data-state="done"]')
    unnamed = opened.page.evaluate(
        """() => [...document.querySelectorAll('.mltrack-Models :is(button, input, select), .mltrack-Deployments :is(button, input, select)')]
            .filter(node => !(node.textContent.trim() || node.getAttribute('aria-label') || node.labels?.length))
            .map(node => node.className)"""
    )
    assert unnamed == []
