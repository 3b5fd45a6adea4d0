"""Every fault has a playbook that keeps evidence before it destroys any."""

import re
import shlex
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from capture.record.request import RequestRecord
from capture.record.seal import manifest
from report import html, playbooks
from report.diagnose import diagnose
from report.faults import FAULTS
from report.playbooks import FOLDER, GENERAL, BadPlaybook, Shown, books, by_person, detected, steps_for
from report.reproduce import shell
from tests import builders
from tests.report.examples import EXAMPLES
from tests.report.shellcanary import Canary

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
    ("faults/answered.toml", '"status-page", "find-by-id", "tell-vendor", "name-the-layer"]',
     '"name-the-layer", "status-page"]', "order of risk"),
    ("steps/host.toml", 'destroys = ["log of the application", "state of the server"]', "", "`destroys` names nothing"),
    ("steps/host.toml", "commands.docker = [\"docker logs --timestamps CONTAINER", "commands.podman = [\"podman logs C",
     "podman is not in stacks.toml"),
    ("steps/host.toml", "commands.gunicorn = [\"journalctl", "#",
     "how to keep the log of the application with gunicorn"),
    ("steps/host.toml", "@SINCE@", "@BEFORE@", "unknown place BEFORE"),
    ("steps/visitor.toml", 'undo = "Nothing to undo."\n', "", "undo"),
    ("steps/visitor.toml", 'risk = "none"', 'risk = "tiny"', "risk"),
    ("steps/visitor.toml", '["load-again"]', '["proxy-log"]', "already there"),
    ("steps/host.toml", "--until @UNTIL@ >> journal.txt", "--until @UNTIL@ > journal.txt", "overwrite"),
    ("steps/host.toml", "tee -a firewall.txt", "tee firewall.txt", "overwrite"),
    ("steps/host.toml", "cp -pn /var/log/nginx", "cp -p /var/log/nginx", "overwrite"),
    ("steps/host.toml", 'destroys = ["firewall rules"]\n', "", "`destroys` names nothing"),
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


def test_paper_has_one_stack_and_the_general_way_to_keep() -> None:
    steps = {each.step.title: each for each in shown("nginx_502")}
    log = steps["Save the proxy's log, then read it"].on_paper
    assert any("nginx-error.log" in line for line in log)
    assert any("journalctl" in line for line in log)
    assert len(steps["Restart only the service that failed"].on_paper) == 1
    assert steps["List what changed last"].on_paper == ()


@pytest.mark.parametrize("name", ["cloudflare_522", "expired"])
def test_the_sheet_says_how_to_keep_to_verify_and_to_roll_back(name: str) -> None:
    example = EXAMPLES[name]()
    sheet = unescape(html.render(example.evidence, diagnose(example.evidence), manifest(()), paper=True))
    for each in shown(name):
        for line in each.on_paper if each.step.keeps else ():
            assert line in sheet
        if each.step.destroys:
            assert each.step.title in sheet
            assert f"<b>Verify:</b> {each.step.verify[:20]}" in sheet
            assert f"<b>Roll back:</b> {each.step.undo[:20]}" in sheet


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
    assert '-connect "$address":443 -servername mail.example' in text
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


def every_line(steps: tuple[Shown, ...]) -> list[str]:
    return [line for each in steps for found in (*each.commands, *each.others) for line in found.lines]


@pytest.mark.parametrize("code", ["origin.bad-gateway", "dns.nxdomain", "tls.expired", "client.blocked",
                                  "network.too-many-redirects", "network.invalid-response"])
def test_nothing_that_a_page_supplied_is_run(code: str, tmp_path: Path) -> None:
    canary = Canary(tmp_path)
    example = EXAMPLES["nginx_502"]()
    lines: set[str] = set()
    for value in canary.values:
        facts = example.evidence.model_copy(update={
            "request": RequestRecord(url=f"https://{value}/{value}?{value}"),
            "dns": builders.dns(value, value, "192.0.2.1")})
        found = example.diagnosis.model_copy(update={"verdict": example.diagnosis.verdict.model_copy(
            update={"fault_code": code, "request_id": value})})
        lines |= {line for line in every_line(steps_for(facts, found)) if "touch" in line or "mark" in line}
    assert lines
    for line in sorted(lines):
        canary.run(line)
    assert canary.is_untouched()


def test_the_canary_would_notice(tmp_path: Path) -> None:
    canary = Canary(tmp_path)
    canary.run(f"dig {canary.values[0]}")
    assert not canary.is_untouched()


@pytest.mark.parametrize(("url", "address"), [
    ("--output=/etc/passwd", "192.0.2.1"), ("https://-f/", "-x"), ("https://+trace/", "evil"), ("file:///etc", "")])
def test_what_a_program_could_take_for_an_option_is_left_to_fill_in(url: str, address: str) -> None:
    example = EXAMPLES["nxdomain"]()
    facts = example.evidence.model_copy(update={"request": RequestRecord(url=url),
                                                "dns": builders.dns("x", address)})
    text = "\n".join(every_line(steps_for(facts, example.diagnosis)))
    assert "(dig HOST A;" in text
    assert "curl -sS --globoff -o /dev/null -D - URL" in text or url.startswith("https:")


def test_an_address_is_never_a_pattern_for_curl() -> None:
    for key, step in books().steps.items():
        for line in (line for lines in step.commands.values() for line in lines):
            assert "curl" not in line or not re.search(r"@URL@|@ADDRESS@", line) or "--globoff" in line, key


def test_every_address_is_asked_and_ipv6_stands_in_brackets() -> None:
    text = "\n".join(every_line(shown("expired")))
    assert "for address in 203.0.113.80 '[2001:db8::80]'; do openssl s_client -connect \"$address\":443" in text


def test_the_id_of_the_request_is_searched_for() -> None:
    example = EXAMPLES["nginx_502"]()
    found = diagnose(example.evidence)
    verdict = found.verdict.model_copy(update={"fault_code": "client.blocked", "request_id": "--file=x"})
    text = "\n".join(every_line(steps_for(example.evidence, found.model_copy(update={"verdict": verdict}))))
    assert "grep -F -e --file=x /var/log/modsec_audit.log" in text


def test_no_command_puts_a_place_inside_quotes() -> None:
    for key, step in books().steps.items():
        for line in (line for lines in step.commands.values() for line in lines):
            for place in re.finditer(r"@[A-Z]+@", line.partition("#")[0]):
                before = line[:place.start()]
                assert before.count("'") % 2 == 0, (key, line)
                assert before.count('"') % 2 == 0, (key, line)


@pytest.mark.parametrize("code", [code for code, fault in FAULTS.items() if fault.side in ("origin", "edge", "tls")])
def test_the_visitor_is_told_to_write_to_the_owner(code: str) -> None:
    assert "tell-owner" in books().faults[code].steps


@pytest.mark.parametrize("stack", ["nginx", "apache", "php-fpm", "node", "gunicorn", "systemd", "docker", "kubernetes",
                                   "wordpress", "cloudflare", "aws-alb"])
def test_every_stack_has_commands_to_keep_to_look_and_to_mend(stack: str) -> None:
    assert stack in books().stacks
    mine = [step for step in books().steps.values() if stack in step.commands]
    assert any(step.keeps for step in mine)
    assert any(step.destroys for step in mine)
    assert any(not step.destroys and not step.keeps for step in mine)


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
