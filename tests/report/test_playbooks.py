"""Every fault has a playbook that keeps evidence before it destroys any."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from capture.record.request import RequestRecord
from report import playbooks
from report.diagnose import diagnose
from report.faults import FAULTS
from report.playbooks import FOLDER, GENERAL, BadPlaybook, Shown, books, by_person, detected, steps_for
from report.reproduce import shell
from tests import builders
from tests.report.examples import EXAMPLES

HOSTILE = "https://shop.example/$(touch%20x)';`id`\"&|<>\u202e\n--output=/etc/passwd"


def shown(name: str) -> tuple[Shown, ...]:
    example = EXAMPLES[name]()
    return steps_for(example.evidence, diagnose(example.evidence))


def edited(tmp_path: Path, file: str, old: str, new: str) -> Path:
    """A copy of the playbooks with one text changed."""
    folder = tmp_path / "playbooks"
    shutil.copytree(FOLDER, folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    return folder


def test_every_fault_has_a_playbook_and_no_step_is_left_over() -> None:
    read = books()
    assert set(read.faults) == set(FAULTS)
    used = {key for book in read.faults.values() for key in (*book.steps, *book.after)}
    assert used == set(read.steps)


@pytest.mark.parametrize("code", FAULTS)
def test_nothing_is_destroyed_before_it_is_kept(code: str) -> None:
    read = books()
    kept: set[str] = set()
    for key in (*read.faults[code].steps, *read.faults[code].after):
        assert set(read.steps[key].destroys) <= kept, key
        kept |= set(read.steps[key].keeps)


@pytest.mark.parametrize("code", FAULTS)
def test_the_risk_never_falls(code: str) -> None:
    read = books()
    risks = [playbooks.RISKS.index(read.steps[key].risk) for key in read.faults[code].steps]
    assert risks == sorted(risks)


@pytest.mark.parametrize(("file", "old", "new", "said"), [
    ("faults/answered.toml", '"app-log", "server-state", "firewall", "keep-config", "name-the-layer"',
     '"server-state", "firewall", "keep-config", "name-the-layer"', "destroys the log of the application before"),
    ("faults/answered.toml", '["pass-the-check", "tell-owner"', '["pass-the-chek", "tell-owner"', "no step"),
    ("faults/answered.toml", '["client.blocked"]', '["client.blokked"]', "not in report/data/faults"),
    ("faults/answered.toml", '["load-again", "status-page", "find-by-id", "tell-vendor", "name-the-layer"]',
     '["name-the-layer", "status-page", "load-again"]', "order of risk"),
    ("steps/host.toml", 'destroys = ["log of the application", "state of the server"]', "", "`destroys` names nothing"),
    ("steps/host.toml", "commands.docker = [\"docker logs --timestamps CONTAINER", "commands.podman = [\"podman logs C",
     "podman is not in stacks.toml"),
    ("steps/host.toml", "commands.gunicorn = [\"journalctl", "#",
     "how to keep the log of the application with gunicorn"),
    ("steps/host.toml", "@SINCE@", "@BEFORE@", "unknown place BEFORE"),
    ("steps/visitor.toml", 'undo = "Nothing to undo."\n', "", "undo"),
    ("steps/visitor.toml", 'risk = "none"', 'risk = "tiny"', "risk"),
    ("steps/visitor.toml", '["load-again"]', '["proxy-log"]', "already there"),
    ("steps/visitor.toml", "[", "", "toml"),
])
def test_a_bad_playbook_is_refused_by_name(file: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadPlaybook, match=re.escape(said)):
        books(edited(tmp_path, file, old, new))


def test_commands_are_those_of_the_stack_that_the_path_shows() -> None:
    steps = {each.step.title: each for each in shown("nginx_502")}
    log = steps["Save the proxy's log, then read it"]
    # What is kept may lie behind nginx, so the general line stays.
    assert [commands.stack for commands in log.commands] == ["nginx", "General"]
    assert "Docker" in [commands.stack for commands in log.others]


def test_an_unknown_stack_gets_the_general_commands_and_two_more() -> None:
    restart = next(each for each in shown("nginx_502") if "restart" in each.step.title.lower())
    assert [commands.stack for commands in restart.commands] == ["General", "PHP-FPM", "Node (PM2)"]


def test_stacks_are_recognised_by_hop_and_by_writer() -> None:
    example = EXAMPLES["cloudflare_522"]()
    assert detected(example.diagnosis) == {"cloudflare"}
    assert detected(diagnose(EXAMPLES["nginx_502"]().evidence)) == {"nginx"}


def test_a_page_without_fault_has_no_playbook() -> None:
    assert shown("healthy") == ()


def test_commands_carry_host_address_and_time_of_the_capture() -> None:
    text = "\n".join(line for each in shown("expired") for found in each.commands for line in found.lines)
    assert "-connect 203.0.113.80:443 -servername mail.example" in text
    assert "@" not in text.replace("@1.1.1.1", "").replace("@8.8.8.8", "")
    log = "\n".join(line for each in shown("nginx_502") for found in each.commands for line in found.lines)
    assert "--since '2026-11-20 07:36:02 UTC' --until '2026-11-20 07:46:31 UTC'" in log


def test_a_hostile_address_stays_one_word_of_every_command() -> None:
    example = EXAMPLES["nginx_502"]()
    facts = example.evidence.model_copy(update={"request": RequestRecord(url=HOSTILE)})
    diagnosis = diagnose(example.evidence)
    quoted = shell(HOSTILE)
    assert len(shlex.split(quoted)) == 1
    for each in steps_for(facts, diagnosis):
        for line in (line for found in (*each.commands, *each.others) for line in found.lines):
            assert line.isprintable()
            assert line.isascii()
            assert "touch" not in line or quoted in line


def test_no_command_puts_a_place_inside_quotes() -> None:
    for key, step in books().steps.items():
        for line in (line for lines in step.commands.values() for line in lines):
            for place in re.finditer(r"@[A-Z]+@", line.partition("#")[0]):
                before = line[:place.start()]
                assert before.count("'") % 2 == 0, (key, line)
                assert before.count('"') % 2 == 0, (key, line)


def test_people_are_told_their_steps() -> None:
    people = dict(by_person(shown("nginx_502")))
    assert set(people) == {"anyone", "site owner", "host administrator", "developer"}
    assert sorted(n for numbers in people.values() for n in numbers) == list(range(1, len(shown("nginx_502")) + 1))


def test_every_step_with_commands_has_a_general_form() -> None:
    assert all(GENERAL in step.commands for step in books().steps.values() if step.commands)


def test_a_fault_without_known_address_leaves_the_name_to_fill_in() -> None:
    facts = builders.failed("net::ERR_CONNECTION_RESET")
    steps = steps_for(facts, diagnose(facts))
    text = "\n".join(line for each in steps for found in each.commands for line in found.lines)
    assert "shop.example" in text
    assert "None" not in text


def test_every_command_is_shell() -> None:
    lines = [line for each in books().steps.values() for lines in each.commands.values() for line in lines]
    filled = [re.sub(r"@[A-Z]+@", "x", line) for line in lines]
    checked = subprocess.run(["bash", "-n"], input="\n".join(filled).encode(), capture_output=True, check=False)
    assert checked.stderr == b""
