"""Every way of ICA's to say who one is, through the command line, against the emulator's signed tokens."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from icaform.emulator import Embedded
from icaform.wire.rate import SLOWEST
from tests.front import everything
from tests.front.conftest import Lab, LabClock, _fresh, april, october  # noqa: F401 - fixtures

BASIC = {"ICAV2_USERNAME": "ada@demo-lab.example", "ICAV2_PASSWORD": "demo-password"}
USUAL = {
    "token_lifetime": 3600,
    "token_delay": 0,
    "rate": 0,
    "burst": 10,
    "window": 0,
    "retry_after": "none",
}
YES = ("--yes", "--first-run", "--allow-irreversible", "4")


@pytest.fixture
def lab(tmp_path: Any, october: Embedded) -> Any:  # noqa: F811
    """A workspace against a fresh world, without any credential."""
    made = _fresh(tmp_path, october)
    del made.environ["ICAV2_X_API_KEY"]
    yield made
    made.control("PUT", "/settings", USUAL)


def means(lab: Lab) -> list[tuple[str, dict[str, str], tuple[str, ...]]]:
    """Each means of ICA's: its name, the environment and the flags that give it."""
    key = {"ICAV2_X_API_KEY": lab.ica.api_key}
    token = lab.api("POST", "/api/tokens")["token"]
    return [
        ("API key", key, ()),
        ("API key on every call", key, ("--no-token",)),
        ("user and password", BASIC, ()),
        ("user and password", {**BASIC, "ICAV2_TENANT_NAME": "demo-lab"}, ()),
        ("psToken", {"ICAV2_PS_TOKEN": "demo-ps-token"}, ()),
        ("access token", {"ICAV2_ACCESS_TOKEN": token}, ()),
    ]


def effects(lab: Lab) -> Counter[str]:
    """How often each thing was done; ids are put as ``*``."""
    done = (each["path"] for each in lab.requests() if each["effect"] and "/tokens" not in each["path"])
    return Counter(re.sub(r"[0-9a-f-]{36}", "*", each) for each in done)


def clear(lab: Lab) -> None:
    """Forget what was done: the journal is another workspace's."""
    for file in (lab.folder / ".icaform").iterdir():
        file.unlink()


def test_every_means_plans_and_applies_and_shows_no_secret(lab: Lab) -> None:
    everything.write(lab)
    cases = len(means(lab))
    for number in range(cases):
        lab.control("POST", "/reset", {})
        name, environ, flags = means(lab)[number]
        who = lab.run("whoami", str(lab.folder), "-o", "json", *flags, environ=environ)
        assert (who.code, who.json["credential"], who.json["tenant"]) == (0, name, "demo-lab"), who.text
        assert who.json["api"] == "2026-10"
        assert who.json["clock_ahead_seconds"] in (0, 1), "a date tells whole seconds"
        assert 3500 < who.json["token_seconds_left"] <= 3600
        done = lab.run("apply", str(lab.folder), *YES, *flags, environ=environ)
        assert done.code == 0, (name, done.text)
        again = lab.run("plan", str(lab.folder), "-o", "json", *flags, environ=environ)
        assert again.json["counts"]["create"] + again.json["counts"]["update"] == 0, name
        for secret in (*environ.values(), lab.ica.api_key):
            if secret not in ("demo-lab", BASIC["ICAV2_USERNAME"]):
                assert secret not in who.text + done.text + again.text, name
        clear(lab)
    print(f"{cases} means")


def test_a_key_alone_goes_with_every_call_and_a_token_only_tells_whose_it_is(lab: Lab) -> None:
    key = {"ICAV2_X_API_KEY": lab.ica.api_key}
    lab.control("POST", "/faults", {"match": {"method": "GET"}, "do": "stale_token", "times": 1})
    ran = lab.run("whoami", str(lab.folder), "-o", "json", "--no-token", environ=key)
    assert (ran.code, ran.json["diagnostics"][0]["code"]) == (77, "unauthorised"), "a key cannot be renewed"
    assert "API key" in ran.json["diagnostics"][0]["summary"]
    assert len(lab.requests("POST", "/tokens")) == 1
    ran = lab.run("whoami", str(lab.folder), "-o", "json", "--no-token", environ=BASIC)
    assert (ran.code, ran.json["diagnostics"][0]["code"]) == (78, "bad-setting")
    beside = {**key, "ICAV2_ACCESS_TOKEN": lab.api("POST", "/api/tokens")["token"]}
    ran = lab.run("whoami", str(lab.folder), "-o", "json", "--no-token", environ=beside)
    assert "without ICAV2_ACCESS_TOKEN" in ran.json["diagnostics"][0]["remedy"], "the key is there already"


def test_who_is_in_several_tenants_is_told_to_name_one(lab: Lab) -> None:
    user = {"name": "ada-elsewhere", "tenant": "neighbour-lab", "email": "ada@demo-lab.example"}
    lab.control("POST", "/seed", {"users": [user | {"password": "demo-password"}]})
    ran = lab.run("whoami", str(lab.folder), "-o", "json", environ=BASIC)
    assert ran.code == 77
    assert "ICAV2_TENANT_NAME" in ran.json["diagnostics"][0]["remedy"]
    for tenant in ("demo-lab", "neighbour-lab"):
        ran = lab.run("whoami", str(lab.folder), "-o", "json", environ={**BASIC, "ICAV2_TENANT_NAME": tenant})
        assert ran.json["tenant"] == tenant


def test_a_token_that_ends_in_the_middle_of_an_apply_is_replaced_and_nothing_is_done_twice(lab: Lab) -> None:
    everything.write(lab)
    lab.run("apply", str(lab.folder), *YES, environ={"ICAV2_X_API_KEY": lab.ica.api_key})
    undisturbed, cases = effects(lab), 0
    clear(lab)
    for name, environ, flags in means(lab):
        if name == "access token":
            continue
        lab.control("POST", "/reset", {})
        # Each call takes seconds at this rate, and a token lives for twenty.
        lab.control("PUT", "/settings", {"rate": 0.5, "burst": 3, "token_lifetime": 20})
        lab.forget_requests()
        ran = lab.run("apply", str(lab.folder), *YES, *flags, environ=environ)
        assert ran.code == 0, (name, ran.text)
        assert effects(lab) == undisturbed, name
        bought = [each["path"] for each in lab.requests("POST", "/api/tokens") if each["status"] == 200]
        if name == "API key":
            assert set(bought) == {"/api/tokens"}
            assert len(bought) > 2
        elif name != "API key on every call":
            assert "/api/tokens:refresh" in bought
        lab.control("PUT", "/settings", USUAL)
        clear(lab)
        cases += 1
    print(f"{cases} means, tokens of 20 s")


class Wrong(LabClock):
    """A machine's clock that is off."""

    off = 0.0

    def now(self) -> float:
        return super().now() + self.off


def test_a_clock_that_is_hours_off_works_and_is_told_of(lab: Lab) -> None:
    clock = lab.clock = Wrong(lab.control)
    cases = 0
    for clock.off in (-90000.0, -7200.0, 7200.0, 90000.0):
        for name, environ, flags in means(lab):
            ran = lab.run("whoami", str(lab.folder), "-o", "json", *flags, environ=environ)
            assert ran.code == 0, (name, clock.off, ran.text)
            assert ran.json["clock_ahead_seconds"] == pytest.approx(clock.off, abs=1)
            assert 3500 < ran.json["token_seconds_left"] <= 3601
            assert ("ahead of" if clock.off > 0 else "behind") in ran.err
            cases += 1
    print(f"{cases} cases of a wrong clock")


def test_a_token_that_does_not_count_yet_is_waited_for_or_explained(lab: Lab) -> None:
    key = {"ICAV2_X_API_KEY": lab.ica.api_key}
    lab.control("PUT", "/settings", {"token_delay": 30})
    ran = lab.run("whoami", str(lab.folder), "-o", "json", environ=key)
    assert (ran.code, lab.clock.slept) == (0, pytest.approx(30, abs=1))
    assert "does not count yet" in ran.err
    lab.control("PUT", "/settings", {"token_delay": 1000})
    ran = lab.run("whoami", str(lab.folder), "-o", "json", environ=key)
    assert (ran.code, "counts only in 1,000 s" in ran.json["diagnostics"][0]["summary"]) == (77, True)


def test_a_429_on_tokens_is_waited_out_and_beyond_patience_it_is_75(lab: Lab) -> None:
    key = {"ICAV2_X_API_KEY": lab.ica.api_key}
    everything.write(lab)
    for asked in (None, 20):
        fault = {"match": {"path": "/api/tokens"}, "do": "status", "status": 429, "retry_after": asked}
        lab.control("PUT", "/faults", [{**fault, "times": 3}])
        lab.forget_requests()
        assert lab.run("whoami", str(lab.folder), environ=key).code == 0
        assert [each["status"] for each in lab.requests("POST")] == [429] * 3 + [200]
        lab.control("PUT", "/faults", [{**fault, "times": 10_000}])
        lab.forget_requests()
        ran = lab.run("plan", str(lab.folder), "-o", "json", environ=key)
        assert (ran.code, ran.json["diagnostics"][0]["code"]) == (75, "rate-limited")
        assert {each["path"] for each in lab.requests()} == {"/api/tokens"}, "never on without a token"
        lab.control("PUT", "/faults", [])


def test_of_two_places_with_a_credential_the_earlier_one_is_used_and_told(lab: Lab) -> None:
    lab.home = lab.folder / "home"
    token = lab.api("POST", "/api/tokens")["token"]
    host = lab.ica.base_url.removesuffix("/ica/rest")
    places: list[tuple[str, tuple[str, ...], dict[str, str], tuple[str, str] | None]] = [
        ("--access-token", ("--access-token", token), {}, None),
        ("--x-api-key", ("--x-api-key", lab.ica.api_key), {}, None),
        ("ICAV2_ACCESS_TOKEN", (), {"ICAV2_ACCESS_TOKEN": token}, None),
        ("ICAV2_X_API_KEY", (), {"ICAV2_X_API_KEY": lab.ica.api_key}, None),
        ("ICAV2_PS_TOKEN", (), {"ICAV2_PS_TOKEN": "demo-ps-token"}, None),
        ("ICAV2_USERNAME and ICAV2_PASSWORD", (), BASIC, None),
        (
            "~/.icav2/.session.127.yaml (access-token)",
            (),
            {},
            (".session.127.yaml", f"access-token: {token}"),
        ),
        ("~/.icav2/config.yaml (x-api-key)", (), {}, ("config.yaml", f"x-api-key: {lab.ica.api_key}")),
        ("~/.icav2/config.yaml (access-token)", (), {}, ("config.yaml", f"access-token: {token}")),
    ]
    cases = 0
    for number, earlier in enumerate(places):
        for later in places[number + 1 :]:
            files = {"config.yaml": f"server-url: {host}\n", ".session.127.yaml": ""}
            for file in (earlier[3], later[3]):
                if file:
                    files[file[0]] += file[1] + "\n"
            for name, text in files.items():
                lab.write(f"home/.icav2/{name}", text)
            flags = (*later[1], *earlier[1])
            ran = lab.run("whoami", str(lab.folder), "-o", "json", *flags, environ={**later[2], **earlier[2]})
            assert (ran.code, ran.json.get("credential_from")) == (0, earlier[0]), (earlier[0], later[0])
            cases += 1
    print(f"{cases} pairs of places")


KNOWN = ("server", "server_from", "credential", "credential_from")


def refused(lab: Lab) -> list[tuple[str, str, dict[str, str], tuple[str, ...], dict[str, Any] | None]]:
    """Each means refused: what whoami calls it, its place, its environment and flags, and ICA's fault."""
    key, token = {"ICAV2_X_API_KEY": lab.ica.api_key}, lab.api("POST", "/api/tokens")["token"]
    stale = {"match": {"method": "GET"}, "do": "stale_token", "times": 99}
    return [
        ("API key", "ICAV2_X_API_KEY", {"ICAV2_X_API_KEY": "CANARY-wrong"}, (), None),
        ("API key", "--x-api-key", {}, ("--x-api-key", "CANARY-wrong"), None),
        ("API key on every call", "ICAV2_X_API_KEY", {"ICAV2_X_API_KEY": "CANARY-k"}, ("--no-token",), None),
        (
            "user and password",
            "ICAV2_USERNAME and ICAV2_PASSWORD",
            BASIC | {"ICAV2_PASSWORD": "CANARY-p"},
            (),
            None,
        ),
        ("psToken", "ICAV2_PS_TOKEN", {"ICAV2_PS_TOKEN": "CANARY-ps"}, (), None),
        ("API key", "ICAV2_X_API_KEY", key, (), stale),
        ("API key on every call", "ICAV2_X_API_KEY", key, ("--no-token",), stale),
        ("access token", "ICAV2_ACCESS_TOKEN", {"ICAV2_ACCESS_TOKEN": token}, (), stale),
        ("access token", "--access-token", {}, ("--access-token", token), stale),
    ]


def test_whoever_is_refused_is_told_with_what_from_where_and_by_which_server(lab: Lab) -> None:
    lab.write("p.yaml", everything.CREDENTIALS)
    lab.environ.update(everything.SECRETS)
    cases = refused(lab)
    for means, place, environ, flags, fault in cases:
        lab.control("PUT", "/faults", [fault] if fault else [])
        ran = lab.run("plan", str(lab.folder), "-o", "json", *flags, environ=environ)
        (found,) = ran.json["diagnostics"]
        assert (ran.code, found["code"]) == (77, "unauthorised"), (means, place)
        said = f"{means.removesuffix(' on every call')} from {place}"
        assert f"{urlsplit(lab.ica.base_url).netloc} " in found["summary"], found
        assert said in found["summary"], (said, found)
        assert found["remedy"]
        assert "whoami" not in found["remedy"]
        for secret in (*environ.values(), *flags[1:]):
            if secret != BASIC["ICAV2_USERNAME"]:
                assert secret not in ran.text
    print(f"{len(cases)} refusals")


def test_whoami_tells_server_and_credential_beside_the_refusal(lab: Lab) -> None:
    cases = refused(lab)
    for means, place, environ, flags, fault in cases:
        lab.control("PUT", "/faults", [fault] if fault else [])
        wanted = dict(zip(KNOWN, (lab.ica.base_url, "ICAV2_BASE_URL", means, place), strict=True))
        ran = lab.run("whoami", str(lab.folder), "-o", "json", *flags, environ=environ)
        assert (ran.code, ran.json["exit_code"], ran.json["errored"]) == (77, 77, True), (means, place)
        assert {name: ran.json[name] for name in KNOWN} == wanted
        assert ran.json["diagnostics"][0]["code"] == "unauthorised"
        plain = lab.run("whoami", str(lab.folder), *flags, environ=environ)
        rows = dict(re.split("  +", line) for line in plain.out.splitlines())
        assert plain.code == 77
        assert {name: rows[name.replace("_", " ")] for name in wanted} == wanted
        assert "error[unauthorised]" in plain.err
        for secret in (*environ.values(), *flags[1:]):
            if secret != BASIC["ICAV2_USERNAME"]:
                assert secret not in ran.text + plain.text
    print(f"{len(cases)} refusals, in two dialects")


def test_whoami_tells_server_and_credential_of_a_server_that_is_down(lab: Lab) -> None:
    key = {"ICAV2_X_API_KEY": lab.ica.api_key, "ICAV2_BASE_URL": "http://127.0.0.1:9/ica/rest"}
    ran = lab.run("whoami", str(lab.folder), "-o", "json", environ=key)
    assert (ran.code, ran.json["diagnostics"][0]["code"]) == (69, "unreachable")
    assert ran.json["server"] == key["ICAV2_BASE_URL"]
    assert (ran.json["server_from"], ran.json["credential_from"]) == ("ICAV2_BASE_URL", "ICAV2_X_API_KEY")


def test_an_option_that_its_variable_gave_is_told_by_the_variable(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = lab.api("POST", "/api/tokens")["token"]
    for option, field, value in (
        ("--x-api-key", "credential_from", lab.ica.api_key),
        ("--access-token", "credential_from", token),
        ("--server-url", "server_from", lab.ica.base_url),
    ):
        variable = "ICAFORM_" + option[2:].replace("-", "_").upper()
        for name in ("--x-api-key", "--access-token", "--server-url"):
            monkeypatch.delenv("ICAFORM_" + name[2:].replace("-", "_").upper(), raising=False)
        rest = {} if field == "credential_from" else {"ICAV2_X_API_KEY": lab.ica.api_key}
        ran = lab.run("whoami", str(lab.folder), "-o", "json", option, value, environ=rest)
        assert (ran.code, ran.json[field]) == (0, option)
        monkeypatch.setenv(variable, value)
        ran = lab.run("whoami", str(lab.folder), "-o", "json", environ={**rest, variable: value})
        assert (ran.code, ran.json[field]) == (0, variable)


def test_a_token_that_expired_is_told_by_its_place_and_time_and_how_to_let_the_key_come_in(lab: Lab) -> None:
    token = lab.api("POST", "/api/tokens")["token"]
    ended = datetime.fromtimestamp(lab.clock.now() + 3600, UTC)
    lab.clock.sleep(400 * 86_400)
    key, given = {"ICAV2_X_API_KEY": lab.ica.api_key}, {"ICAV2_ACCESS_TOKEN": token}
    for environ, flags, place, remedy in (
        (key | given, (), "ICAV2_ACCESS_TOKEN", "Unset ICAV2_ACCESS_TOKEN"),
        (key, ("--access-token", token), "--access-token", "Leave out --access-token"),
    ):
        lab.forget_requests()
        ran = lab.run("whoami", str(lab.folder), "-o", "json", *flags, environ=environ)
        (found,) = ran.json["diagnostics"]
        assert (ran.code, found["code"]) == (77, "unauthorised")
        assert found["summary"].startswith(f"GET {lab.requests()[0]['path']}: "), "the call that was made"
        assert f"the access token from {place}: it expired on {ended:%Y-%m-%d at %H:%M}" in found["summary"]
        assert remedy in found["remedy"]
        assert "set ICAV2_X_API_KEY" not in found["remedy"]
        assert token not in ran.text
        assert not lab.requests("POST")
    assert lab.run("whoami", str(lab.folder), environ=key).code == 0, "the remedy holds"


def test_a_token_that_is_none_is_told_by_its_place_and_of_no_call_that_was_not_made(lab: Lab) -> None:
    ran = lab.run("whoami", str(lab.folder), "-o", "json", environ={"ICAV2_ACCESS_TOKEN": "CANARY-token"})
    (found,) = ran.json["diagnostics"]
    assert (ran.code, found["code"], lab.requests()) == (77, "unauthorised", [])
    assert found["summary"].startswith("the access token from ICAV2_ACCESS_TOKEN does not say")
    assert "Unset ICAV2_ACCESS_TOKEN" in found["remedy"]
    assert ran.json["credential_from"] == "ICAV2_ACCESS_TOKEN"
    assert "CANARY" not in ran.text


def test_a_key_alone_that_gets_no_token_is_told_what_the_token_is_for(lab: Lab) -> None:
    key = {"ICAV2_X_API_KEY": lab.ica.api_key}
    fault = {"match": {"path": "/api/tokens"}, "do": "status", "status": 403, "times": 99}
    lab.control("PUT", "/faults", [fault])
    ran = lab.run("whoami", str(lab.folder), "-o", "json", "--no-token", environ=key)
    (found,) = ran.json["diagnostics"]
    assert (ran.code, found["code"], len(lab.requests())) == (77, "unauthorised", 1)
    assert "the API key from ICAV2_X_API_KEY" in found["summary"]
    for part in ("--no-token", "one token", "whose key it is", "ICAV2_ACCESS_TOKEN"):
        assert part in found["remedy"]
    told = json.dumps(lab.run("whoami", str(lab.folder), "-o", "json", environ=key).json)
    assert "one token" not in told, "it is the reason of --no-token alone"


def test_a_plan_tells_the_time_that_a_known_limit_implies_and_invents_none(lab: Lab) -> None:
    everything.write(lab)
    key = {"ICAV2_X_API_KEY": lab.ica.api_key}
    ran = lab.run("plan", str(lab.folder), "-o", "json", environ=key)
    assert ran.json["api_calls"]["seconds"] is ran.json["api_calls"]["calls_per_second"] is None
    writes = ran.json["api_calls"]["writes"]
    slow = lab.run("plan", str(lab.folder), "-o", "json", "--calls-per-second", "2", environ=key)
    assert slow.json["api_calls"]["seconds"] == writes / 2
    assert slow.json["plan_digest"] == ran.json["plan_digest"]
    lab.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\nlimits: {callsPerSecond: 0.1}\n")
    said = lab.run("plan", str(lab.folder), environ=key).out
    assert "at 0.1 calls a second" in " ".join(said.split())
    lab.write("icaform.yaml", "workspace: lab\nproject: wgs-prod\n")
    lab.control("PUT", "/settings", {"rate": 1, "burst": 1})
    found = lab.run("plan", str(lab.folder), "-o", "json", environ=key).json["api_calls"]["calls_per_second"]
    assert found is None or SLOWEST <= found <= 3
