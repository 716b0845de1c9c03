"""A key and a token go to the server that was named: no redirect, proxy or netrc takes them elsewhere."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import pytest

from icaform.cli.exit import Exit
from tests.hostile.conftest import Siege
from tests.hostile.impostor import Attack, Impostor
from tests.hostile.misbehaviour import headed
from tests.hostile.process import environment, icaform
from tests.hostile.site import MANIFESTS, workspace
from tests.hostile.test_answers import PLACES
from tests.hostile.test_writes import WRITES, apply
from tests.hostile.verdict import errors, judged

STATUSES = (300, 301, 302, 303, 305, 307, 308)
TARGETS = (
    "{elsewhere}/ica/rest/api/tokens",
    "//{place}/x",
    "http://user:password@{place}/",
    "file:///etc/passwd",
    "{itself}",
    "/ica/rest/api/projects",
    "gopher://{place}/_x",
    "http://[::1",
    "\x1b[31mhttp://x",
    "",
)


def targets(elsewhere: Impostor, itself: str) -> list[str]:
    place = f"127.0.0.1:{elsewhere.port}"
    return [each.format(elsewhere=elsewhere.url, place=place, itself=itself) for each in TARGETS]


def test_no_redirect_of_a_read_is_followed(siege: Siege, old_siege: Siege) -> None:
    tried = 0
    with Impostor() as elsewhere:
        where = cycle(targets(elsewhere, siege.impostor.url))
        for name, place in PLACES.items():
            here = old_siege if place.old else siege
            for status in STATUSES:
                target = next(where)
                attack = Attack(place.call, headed(f"Location: {target}\r\n", status=status))
                ended = here.run(place.verb, place.folder, attack=attack)
                report = judged(ended, [*here.secrets, "password"])
                assert (ended.code, errors(report)) == (Exit.UNREACHABLE, ["bad-answer"]), (name, target)
                assert here.impostor.hits == 1, (name, target)
                tried += 1
        assert not elsewhere.asked
    assert not siege.world.writes()
    print(f"{tried} redirects, none followed")


def test_no_redirect_of_a_write_is_followed_and_the_next_apply_goes_on(siege: Siege, tmp_path: Path) -> None:
    with Impostor() as elsewhere:
        for number, (name, (call, kind)) in enumerate(WRITES.items()):
            siege.world.fresh()
            folder = workspace(tmp_path / name, {"a.yaml": MANIFESTS[kind]})
            location = f"Location: {elsewhere.url}/\r\n"
            act = headed(location, status=STATUSES[number % len(STATUSES)])
            apply(siege, folder, kind, Attack(call, act, effect=bool(number % 2)))
            assert siege.impostor.hits, name
            tries = 0
            while apply(siege, folder, kind, None) is not Exit.DONE:
                tries += 1
                assert tries < 4, name
            assert not siege.world.twice(), name
        assert not elsewhere.asked
    print(f"{len(WRITES)} calls that write, each redirected")


def test_proxies_and_netrc_of_the_environment_get_nothing_and_add_nothing(
    siege: Siege, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("default login me password CANARY-OF-NETRC\n")
    (tmp_path / ".netrc").chmod(0o600)
    folder = workspace(tmp_path / "w", {"a.yaml": MANIFESTS["credential"]})
    with Impostor() as elsewhere:
        proxy = f"http://me:CANARY-OF-A-PROXY@127.0.0.1:{elsewhere.port}"
        names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
        home = {"HOME": str(tmp_path), "NETRC": str(tmp_path / ".netrc"), "NO_PROXY": "", "no_proxy": ""}
        environ = siege.environ | dict.fromkeys(names, proxy) | home
        siege.impostor.spoil(None)
        ended = icaform("plan", ".", "-o", "json", environ=environ, folder=folder)
        judged(ended, [*siege.secrets, "CANARY"])
        assert ended.code == Exit.DONE
        assert not elsewhere.asked
        asked = [each.whole for each in siege.impostor.asked]
        assert asked
        assert "CANARY" not in str(asked)
        assert "cookie" not in str(asked).lower()
        # A server elsewhere is reached through the proxy, which sees where to and not a word of what.
        away = environ | {"ICAV2_BASE_URL": "https://ica.illumina.com"}
        ended = icaform("whoami", ".", "-o", "json", "--timeout", "0.3", environ=away, folder=folder)
        report = judged(ended, [*siege.secrets, "CANARY"])
        assert (ended.code, errors(report)) == (Exit.UNREACHABLE, ["unreachable"])
        assert {each.method for each in elsewhere.asked} == {"CONNECT"}
        assert not [each for each in elsewhere.asked if siege.world.ica.api_key in each.whole]


@pytest.mark.parametrize("where", ["flag", "environment", "icaform.yaml"])
def test_plain_http_never_leaves_this_machine(where: str, siege: Siege, tmp_path: Path) -> None:
    far = "http://192.0.2.1"  # RFC 5737: nobody is there
    folder = workspace(tmp_path / "w", {"a.yaml": MANIFESTS["credential"]})
    environ = {name: text for name, text in siege.environ.items() if name != "ICAV2_BASE_URL"}
    flags = ["--server-url", far] if where == "flag" else []
    if where == "environment":
        environ["ICAV2_BASE_URL"] = far
    if where == "icaform.yaml":
        (folder / "icaform.yaml").write_text(f"server: {far}\n")
    for verb in ("plan", "whoami"):
        arguments = (verb, str(folder), "-o", "json", "--timeout", "5", *flags)
        ended = siege.cell.run(*arguments, environ=environment({}) and environ)
        report = judged(ended, siege.secrets)
        assert (ended.code, errors(report)) == (Exit.SETTING, ["untrusted-server"])
        assert ended.seconds < 3, "it did not even try"
