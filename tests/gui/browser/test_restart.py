"""The interface is killed under an open page while jobs run: the page says so, and goes on when it is there again."""

import os
import signal
from pathlib import Path

from at_work import LONG, start, stop, wait_for
from chromium import expect_state, open_page
from playwright.sync_api import Browser, expect

from isonet.gui.jobs.queue import Jobs

QUIET = 12  # lines in the console while nobody answers: one for each time the page asks, which is ever more seldom


def at_work(jobs: Jobs, number: str) -> bool:
    job = jobs.get(number)
    return job.state == "running" and job.process is not None


def test_an_open_page_outlives_the_interface_and_finds_its_jobs(browser: Browser, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    jobs = Jobs(project)
    kept, lost = jobs.add(LONG, "cpu"), jobs.add(LONG, "other")
    interfaces = [first := start(project)]
    port = first.address.rpartition(":")[2]
    complaints: list[str] = []
    try:
        page = open_page(browser, first, complaints)
        wait_for(lambda: all(at_work(jobs, each.number) for each in (kept, lost)))
        page.goto(f"{first.address}/jobs?number={kept.number}")
        expect_state(page, first, "running")
        stop(first, signal.SIGKILL)
        expect(page.get_by_test_id("connection")).to_contain_text("does not answer. Jobs run on")
        expect(page.locator("#popup")).to_be_hidden()  # the framework's own words, which promise too much
        for name in ("runner", "command"):  # the machine takes one of them down meanwhile
            os.kill(jobs.get(lost.number).report[name]["pid"], signal.SIGKILL)

        interfaces.append(second := start(project, "--port", port))
        expect(page.get_by_test_id("connection")).to_contain_text("started again. Open the address that it printed")
        assert second.token != first.token
        assert all("Failed to load resource" in each or "WebSocket" in each for each in complaints), complaints
        assert len(complaints) <= QUIET, complaints
        before = len(complaints)
        page.wait_for_timeout(3000)
        assert len(complaints) == before  # it does not ask on, and waits for the user

        other = page.context.new_page()
        other.goto(f"{second.address}/?token={second.token}")
        expect(page.get_by_test_id("connection")).to_be_hidden()
        expect_state(page, second, "running")
        other.goto(f"{second.address}/jobs?number={lost.number}")
        expect_state(other, second, "lost")
        expect(other.get_by_test_id("continue")).to_be_visible()
        page.get_by_test_id("stop").click()
        expect_state(page, second, "stopped")
        page.context.close()
        assert "Traceback" not in second.complaints
    finally:
        for job in jobs.all():
            if job.process is not None:
                job.process.signal(signal.SIGKILL)
        for each in interfaces:
            stop(each, signal.SIGKILL)


def test_a_page_goes_on_by_itself_when_the_line_was_down(browser: Browser, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    interface = start(project)
    page = open_page(browser, interface, [])
    page.wait_for_function("window.did_handshake === true")
    interface.process.send_signal(signal.SIGSTOP)
    page.evaluate("window.socket.io.engine.close()")  # as when an ssh line breaks
    page.evaluate("window.unchanged = true")
    interface.process.send_signal(signal.SIGCONT)
    expect(page.get_by_test_id("connection")).to_be_hidden()
    page.wait_for_function("window.socket.connected")
    assert page.evaluate("window.unchanged")  # what was filled in is still there
    page.get_by_label("Dark theme").click()
    expect(page.locator("body.body--dark")).to_be_visible()
    page.context.close()
    stop(interface)
