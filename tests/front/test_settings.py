"""icaform.yaml, and where server, credentials and project are found: each in its documented order."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.front.conftest import Lab

PIPELINE = """
apiVersion: icaform/v1
kind: Pipeline
metadata: {name: a}
spec: {select: {code: x}, status: Released}
"""
FAR = "https://ica.example.org"


def places(ran: Any) -> list[str]:
    return [
        f"{each['source']['line']}:{each['source']['column']} {each['code']}"
        if each["source"]
        else each["code"]
        for each in ran.json["diagnostics"]
    ]


WRONG = [
    ("workspce: x\n", ["1:1 unknown-field"]),
    ("server: 1\n", ["1:9 wrong-type"]),
    ("workspace: a b\n", ["1:12 bad-value"]),
    ("workspace: no\n", ["1:12 ambiguous-scalar"]),
    ("limits: {writes: -1, shares: 2}\n", ["1:18 bad-value", "1:22 unknown-field"]),
    ("limits: {share: '5', analyses: true}\n", ["1:17 wrong-type", "1:32 wrong-type"]),
    ("limits: {share: 101}\n", ["1:17 bad-value"]),
    ("readLag: '30'\n", ["1:10 wrong-type"]),
    ("workspace: a\nworkspace: b\n", ["2:1 duplicate-key"]),
    ("- a\n", ["1:1 wrong-type"]),
    ("a: [\n", ["2:1 syntax"]),
    ("workspace: a\n---\nworkspace: b\n", ["3:1 bad-setting"]),
    ("journal: ../x\n", ["1:10 bad-setting"]),
    ("journal: /tmp/x\n", ["1:10 bad-setting"]),
    ("journal: postgres://u:canary-pw@h/d\n", ["1:10 bad-setting"]),
]


def test_whatever_is_wrong_in_icaform_yaml_is_a_setting_and_has_its_place(lab: Lab) -> None:
    lab.write("a.yaml", PIPELINE)
    for text, wanted in WRONG:
        lab.write("icaform.yaml", text)
        ran = lab.run("validate", str(lab.folder), "--output", "json")
        assert (ran.code, places(ran)) == (78, wanted), text
        assert "canary-pw" not in ran.text
        assert all(each["remedy"] for each in ran.json["diagnostics"]), text
    print(f"{len(WRONG)} wrong settings")


def test_an_icaform_yaml_that_says_nothing_means_the_defaults(lab: Lab) -> None:
    lab.write("a.yaml", PIPELINE)
    for text in ("", "# nothing yet\n", "{}\n"):
        lab.write("icaform.yaml", text)
        assert lab.run("validate", str(lab.folder)).code == 0, text


def test_an_icaform_yaml_that_cannot_be_read_is_not_passed_over(lab: Lab) -> None:
    lab.write("a.yaml", PIPELINE)
    file = lab.folder / "icaform.yaml"
    made = {
        "a loop": lambda: file.symlink_to("icaform.yaml"),
        "a dangling link": lambda: file.symlink_to("nowhere"),
        "a pipe": lambda: os.mkfifo(file),
        "a giant": lambda: (file.touch(), os.truncate(file, 100 << 30)),
        "a folder": file.mkdir,
    }
    for name, make in made.items():
        file.unlink()
        make()
        ran = lab.run("validate", str(lab.folder), "--output", "json")
        assert (ran.code, len(places(ran))) == (78, 1), name


def test_icaform_yaml_is_no_manifest_when_a_shell_names_it_among_them(lab: Lab) -> None:
    lab.write("a.yaml", PIPELINE)
    both = [str(lab.folder / "a.yaml"), str(lab.folder / "icaform.yaml")]
    assert lab.run("validate", *both).code == 0
    ran = lab.run("validate", both[1], "--output", "json")
    assert (ran.code, places(ran)) == (65, ["empty"])


def test_one_run_is_about_one_workspace(lab: Lab, tmp_path: Path) -> None:
    for name in ("one", "two"):
        lab.write(f"{name}/icaform.yaml", f"workspace: {name}\n")
        lab.write(f"{name}/a.yaml", PIPELINE)
    lab.write("plain/a.yaml", PIPELINE)
    for paths in (["one", "two"], ["one", "plain"], ["."], ["one/a.yaml", "two/a.yaml"]):
        ran = lab.run("plan", *(str(tmp_path / each) for each in paths), "--output", "json")
        assert (ran.code, {each["code"] for each in ran.json["diagnostics"]}) == (78, {"bad-setting"}), paths
    assert not lab.requests()


UNTRUSTED = {
    "https://evil.example.org": "untrusted-server",
    "https://illumina.com.example.org": "untrusted-server",
    "https://evil-illumina.com": "untrusted-server",
    "http://ica.illumina.com": "untrusted-server",
    "http://127.0.0.1.example.org": "untrusted-server",
    "https://ica.illumina.com@evil.example.org": "bad-setting",
    "https://ica.illumina.com/?x=https://evil.example.org": "bad-setting",
    "ftp://ica.illumina.com": "bad-setting",
    "https://[::1": "bad-setting",
    "ica.illumina.com evil.example.org": "bad-setting",
}


def test_icaform_yaml_cannot_send_a_key_to_a_stranger(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_connection(*_: Any, **__: Any) -> None:
        raise AssertionError("a byte would have left")

    monkeypatch.setattr("socket.create_connection", no_connection)
    monkeypatch.setattr("socket.getaddrinfo", no_connection)
    lab.write("a.yaml", PIPELINE)
    del lab.environ["ICAV2_BASE_URL"]
    for server, wanted in UNTRUSTED.items():
        lab.write("icaform.yaml", f"server: '{server}'\n")
        for verb in (["plan"], ["drift"], ["apply", "--yes"], ["whoami"]):
            ran = lab.run(*verb, str(lab.folder), "--output", "json")
            assert (ran.code, places(ran)) == (78, [wanted]), server
            assert lab.ica.api_key not in ran.text
    print(f"{len(UNTRUSTED)} servers")


def test_plain_http_leaves_this_machine_on_nobody_s_word(lab: Lab) -> None:
    del lab.environ["ICAV2_BASE_URL"]
    far = "http://ica.illumina.com"
    for flags, environ in (
        (["--server-url", far], {}),
        ([], {"ICAV2_BASE_URL": far}),
        ([], {"ICAV2_SERVER_URL": far}),
    ):
        ran = lab.run("whoami", str(lab.folder), "--output", "json", *flags, environ=environ)
        assert (ran.code, places(ran)) == (78, ["untrusted-server"])


def who(lab: Lab, *flags: str, **environ: str) -> Any:
    ran = lab.run("whoami", str(lab.folder), "--output", "json", *flags, environ=environ)
    assert ran.code == 0, ran.text
    return ran.json


def test_a_server_is_taken_from_flag_environment_setting_and_cli_in_this_order(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = lab.environ.pop("ICAV2_BASE_URL")
    lab.home = lab.folder / "home"
    lab.write("home/.icav2/config.yaml", f"server-url: {here.removesuffix('/ica/rest')}\n")
    lab.write("icaform.yaml", "workspace: lab\n")
    assert who(lab)["server_from"] == "~/.icav2/config.yaml"
    lab.write("icaform.yaml", f"server: {here}\n")
    assert who(lab)["server_from"] == "icaform.yaml"
    lab.write("icaform.yaml", f"server: {FAR}\n")
    assert who(lab, ICAV2_SERVER_URL=here)["server_from"] == "ICAV2_SERVER_URL"
    assert who(lab, ICAV2_SERVER_URL=FAR, ICAV2_BASE_URL=here)["server_from"] == "ICAV2_BASE_URL"
    assert who(lab, "--server-url", here, ICAV2_BASE_URL=FAR)["server_from"] == "--server-url"
    monkeypatch.setenv("ICAFORM_SERVER_URL", here)
    assert who(lab, ICAV2_BASE_URL=FAR)["server_from"] == "--server-url"
    monkeypatch.setenv("ICAFORM_SERVER_URL", FAR)
    assert who(lab, "--server-url", here)["server"] == here


def test_a_credential_is_taken_from_flag_environment_and_cli_in_this_order(lab: Lab) -> None:
    key = lab.environ.pop("ICAV2_X_API_KEY")
    token = lab.api("POST", "/api/tokens", key=key)["token"]
    lab.home = lab.folder / "home"
    lab.write("home/.icav2/config.yaml", f"x-api-key: {key}\n")
    assert who(lab)["credential_from"] == "~/.icav2/config.yaml (x-api-key)"
    lab.write("home/.icav2/.session.127.yaml", f"access-token: {token}\n")
    assert who(lab)["credential_from"] == "~/.icav2/.session.127.yaml (access-token)"
    assert who(lab, ICAV2_X_API_KEY=key)["credential_from"] == "ICAV2_X_API_KEY"
    assert who(lab, ICAV2_X_API_KEY="x", ICAV2_ACCESS_TOKEN=token)["credential_from"] == "ICAV2_ACCESS_TOKEN"
    assert who(lab, "--x-api-key", key, ICAV2_ACCESS_TOKEN="x")["credential_from"] == "--x-api-key"
    assert who(lab, "--access-token", token, "--x-api-key", "x")["credential_from"] == "--access-token"


def test_an_encrypted_key_of_the_cli_is_explained_and_not_tried(lab: Lab) -> None:
    del lab.environ["ICAV2_X_API_KEY"]
    lab.home = lab.folder / "home"
    lab.write("a.yaml", PIPELINE)
    lab.write("home/.icav2/config.yaml", "x-api-key: !!binary |\n  Y2FuYXJ5\naccess-token: ''\n")
    ran = lab.run("plan", str(lab.folder), "--output", "json")
    (told,) = ran.json["diagnostics"]
    assert (ran.code, told["code"]) == (77, "no-credentials")
    assert "encrypted, and only icav2 can read it" in told["detail"]
    assert "ICAV2_X_API_KEY" in told["remedy"]
    assert not lab.requests()


def test_a_key_of_the_cli_stays_with_its_server(lab: Lab) -> None:
    key = lab.environ.pop("ICAV2_X_API_KEY")
    lab.home = lab.folder / "home"
    lab.write("a.yaml", PIPELINE)
    lab.write("home/.icav2/config.yaml", f"server-url: ica.illumina.com\nx-api-key: {key}\n")
    ran = lab.run("plan", str(lab.folder), "--output", "json")
    assert (ran.code, places(ran)) == (77, ["no-credentials"])
    assert "is for another server" in ran.json["diagnostics"][0]["detail"]


def test_a_key_that_cannot_stand_in_a_header_is_refused_unseen(lab: Lab) -> None:
    for key in ("canary key", "canary\nkey", "canary\u00e9"):
        ran = lab.run("whoami", str(lab.folder), environ={"ICAV2_X_API_KEY": key})
        assert ran.code == 78
        assert "canary" not in ran.text


def test_without_a_server_or_a_key_it_says_how_to_name_them(lab: Lab) -> None:
    lab.write("a.yaml", PIPELINE)
    for missing, wanted, code in (
        ("ICAV2_X_API_KEY", "no-credentials", 77),
        ("ICAV2_BASE_URL", "no-server", 78),
    ):
        del lab.environ[missing]
        ran = lab.run("plan", str(lab.folder), "--output", "json")
        assert (ran.code, places(ran)) == (code, [wanted])
        assert json.dumps(ran.json["diagnostics"][0]["remedy"]).count(" ") > 5


def test_the_embedded_ica_is_used_only_where_it_is_asked_for(lab: Lab) -> None:
    del lab.environ["ICAV2_BASE_URL"]
    assert who(lab, "--server-url", "embedded")["tenant"] == "demo-lab"
    lab.write("icaform.yaml", "server: embedded\n")
    assert who(lab)["credential_from"] == "the embedded ICA"
    assert who(lab, ICAV2_BASE_URL=lab.ica.base_url)["server"] == lab.ica.base_url
