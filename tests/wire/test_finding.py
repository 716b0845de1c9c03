"""Where credentials, server and project are found, and which servers are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from icaform.diagnostic import Code, Rejected
from icaform.wire import Credential, Means, Session, find_credential, find_project, find_server

ICA = "https://ica.illumina.com/ica/rest"
NOTHING: dict[str, str] = {}


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".icav2").mkdir()
    return tmp_path


def write(home, name, text):
    (home / ".icav2" / name).write_text(text)


def code_of(caught):
    return caught.value.diagnostics[0].code


def test_credentials_are_taken_from_the_first_documented_place_that_has_one(home, http, clock):
    layers = [
        ("--access-token", Means.TOKEN, "flag", ("access_token", "t-flag")),
        ("--x-api-key", Means.API_KEY, "flag", ("x_api_key", "k-flag")),
        ("ICAV2_ACCESS_TOKEN", Means.TOKEN, "env", ("ICAV2_ACCESS_TOKEN", "t-env")),
        ("ICAV2_X_API_KEY", Means.API_KEY, "env", ("ICAV2_X_API_KEY", "k-env")),
        ("ICAV2_PS_TOKEN", Means.PS_TOKEN, "env", ("ICAV2_PS_TOKEN", "ps-env")),
        ("ICAV2_USERNAME and ICAV2_PASSWORD", Means.BASIC, "env", ("ICAV2_PASSWORD", "pw env:=")),
        ("~/.icav2/.session.ica.yaml (access-token)", Means.TOKEN, ".session.ica.yaml", http.jwt()),
        ("~/.icav2/config.yaml (x-api-key)", Means.API_KEY, "config.yaml", "k-file"),
    ]
    cases = 0
    for present in range(1, 1 << len(layers)):
        flags, environ = (
            {"access_token": None, "x_api_key": ""},
            {"ICAV2_ACCESS_TOKEN": "  ", "ICAV2_USERNAME": "ada"},
        )
        for path in (home / ".icav2").iterdir():
            path.unlink()
        chosen = None
        for place, (where, means, kind, value) in enumerate(layers):
            if not present >> place & 1:
                continue
            if kind == "flag":
                flags[value[0]] = value[1]
            elif kind == "env":
                environ[value[0]] = value[1]
            else:
                write(home, kind, f"{'access-token' if means is Means.TOKEN else 'x-api-key'}: {value}\n")
            secret = value if isinstance(value, str) else value[1]
            chosen = chosen or (where, Credential(means, secret, "ada" if means is Means.BASIC else ""))
        found = find_credential(flags, environ, home, ICA, clock)
        assert (found.where, found) == chosen
        cases += 1
    assert cases == 255
    print(f"{cases} sets of places")


def test_half_a_password_is_explained_and_one_that_cannot_be_sent_is_refused(home, clock):
    for half in ({"ICAV2_USERNAME": "ada"}, {"ICAV2_PASSWORD": "pw-1"}):
        with pytest.raises(Rejected) as caught:
            find_credential({}, half, home, ICA, clock)
        assert "only one is set" in caught.value.diagnostics[0].detail
    for user, password in (("a:da", "pw-1"), ("ada", "pw-1\n"), ("a\x1bda", "pw-1")):
        with pytest.raises(Rejected) as caught:
            find_credential({}, {"ICAV2_USERNAME": user, "ICAV2_PASSWORD": password}, home, ICA, clock)
        assert code_of(caught) is Code.BAD_SETTING
        assert "pw-1" not in str(caught.value.diagnostics)


def test_an_expired_session_token_is_passed_over(home, http, clock):
    write(home, ".session.ica.yaml", f"access-token: {http.jwt(issued=http.START - 9000)}\n")
    with pytest.raises(Rejected) as caught:
        find_credential({}, NOTHING, home, ICA, clock)
    assert code_of(caught) is Code.NO_CREDENTIALS
    assert "has expired" in caught.value.diagnostics[0].detail
    write(
        home,
        "config.yaml",
        "server-url: ica.illumina.com # the host\nx-api-key: 'k 1'\naccess-token: \"t-1\"\n",
    )
    with pytest.raises(Rejected) as caught:
        find_credential({}, NOTHING, home, ICA, clock)
    assert code_of(caught) is Code.BAD_SETTING
    assert "k 1" not in str(caught.value.diagnostics)


def test_an_encrypted_key_is_explained_and_not_tried(home, clock):
    write(
        home,
        "config.yaml",
        "server-url: ica.illumina.com\nx-api-key: !!binary |\n  U0VDUkVU\noutput-format: table\n",
    )
    with pytest.raises(Rejected) as caught:
        find_credential({}, NOTHING, home, ICA, clock)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code is Code.NO_CREDENTIALS
    assert "encrypted" in diagnostic.detail
    assert "ICAV2_X_API_KEY" in diagnostic.remedy


def test_a_key_kept_for_one_server_is_not_sent_to_another(home, clock):
    write(home, "config.yaml", "server-url: ica.illumina.com\nx-api-key: k-1\n")
    assert find_credential({}, NOTHING, home, ICA, clock).secret == "k-1"
    with pytest.raises(Rejected) as caught:
        find_credential({}, NOTHING, home, "https://ica.example.org/ica/rest", clock)
    assert "another server" in caught.value.diagnostics[0].detail


@pytest.mark.parametrize(
    "text", ["", "\x00\xff", "a: [", "- x", "x-api-key:", "x-api-key: ~", "x-api-key: {a: b}"]
)
def test_a_strange_file_holds_no_credential(home, clock, text):
    write(home, "config.yaml", text)
    with pytest.raises(Rejected) as caught:
        find_credential({}, NOTHING, home, ICA, clock)
    assert code_of(caught) is Code.NO_CREDENTIALS


@pytest.mark.parametrize(
    "text",
    [
        '"x-api-key": "k-1"\n',
        "'x-api-key': k-1\n",
        "\ufeffx-api-key: k-1\n",
        "x-api-key:\n  k-1\n",
        "x-api-key: |\n  k-1\n",
        "x-api-key: >-\n  k-1\noutput-format: table\n",
        "{output-format: table, x-api-key: k-1}",
        "--- # of icav2\nx-api-key : k-1 # mine\n...\n",
        "x-api-key: !!str k-1\r\n",
        "profiles: {x-api-key: other}\nx-api-key: k-1\nlist: [x-api-key, other]\n",
    ],
)
def test_a_key_is_read_however_yaml_lets_it_be_written(home, clock, text):
    write(home, "config.yaml", text)
    found = find_credential({}, NOTHING, home, ICA, clock)
    assert (found.secret, found.where) == ("k-1", "~/.icav2/config.yaml (x-api-key)")


def _is_a_folder(path):
    path.mkdir()


def _is_a_pipe(path):
    os.mkfifo(path)


def _is_too_long(path):
    path.write_text("# " + "x" * 70_000 + "\nx-api-key: CANARY\n")


def _is_latin(path):
    path.write_bytes(b"# sch\xfcler\nx-api-key: CANARY\n")


def _is_broken(path):
    path.write_text("x-api-key: CANARY\nlist: [\n")


def _is_a_list(path):
    path.write_text("[x-api-key, CANARY]\n")


def _has_a_mapping(path):
    path.write_text("x-api-key: {a: CANARY}\n")


def _has_an_alias(path):
    path.write_text("a: &a CANARY\nx-api-key: *a\n")


def _has_none(path):
    path.write_text("server-url: ica.illumina.com\nx-api-key: ''\naccess-token: ~\n")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_is_a_folder, "is no file"),
        (_is_a_pipe, "is no file"),
        (_is_too_long, "is longer than"),
        (_is_latin, "is no YAML"),
        (_is_broken, "is no YAML"),
        (_is_a_list, "holds no"),
        (_has_a_mapping, "holds no"),
        (_has_an_alias, "holds no"),
        (_has_none, "holds no"),
    ],
)
def test_a_file_of_the_cli_that_gives_nothing_is_named(home, clock, make, said):
    for name in ("config.yaml", ".session.ica.yaml"):
        make(home / ".icav2" / name)
        with pytest.raises(Rejected) as caught:
            find_credential({}, NOTHING, home, ICA, clock)
        (diagnostic,) = caught.value.diagnostics
        assert diagnostic.code is Code.NO_CREDENTIALS
        assert f"~/.icav2/{name} {said}" in diagnostic.detail
        assert "encrypted" not in diagnostic.detail
        assert "ICAV2_X_API_KEY" in diagnostic.remedy
        assert "CANARY" not in str(diagnostic) + diagnostic.detail


def test_a_file_that_may_not_be_read_is_named(home, clock, monkeypatch):
    write(home, "config.yaml", "x-api-key: k-1\n")

    def refuse(self, *_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(Rejected) as caught:
        find_credential({}, NOTHING, home, ICA, clock)
    assert "~/.icav2/config.yaml cannot be read: Permission denied" in caught.value.diagnostics[0].detail


def test_where_the_cli_was_never_used_nothing_is_said_of_it(tmp_path, clock):
    (tmp_path / "file").write_text("")
    for home in (tmp_path, tmp_path / "none", tmp_path / "file"):
        with pytest.raises(Rejected) as caught:
            find_credential({}, NOTHING, home, ICA, clock)
        assert caught.value.diagnostics[0].detail == ""


def test_no_yaml_library_is_loaded_to_look_for_a_credential_that_is_elsewhere():
    code = (
        "import sys, pathlib; from icaform.wire import find_credential;"
        f"find_credential({{}}, {{'ICAV2_X_API_KEY': 'k'}}, pathlib.Path('/nonexistent'), {ICA!r});"
        "assert not [each for each in sys.modules if each.startswith('ruamel')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("value", ["a b", "a\nb", "schlüssel", "\x1b[31m", "x" * 20000])
def test_a_value_that_no_header_can_hold_is_refused_without_being_shown(home, value):
    with pytest.raises(Rejected) as caught:
        find_credential({"x-api-key": value}, NOTHING, home, ICA)
    assert code_of(caught) is Code.BAD_SETTING
    assert value not in str(caught.value.diagnostics)


def test_the_server_is_taken_from_the_first_place_that_names_one(home):
    write(home, "config.yaml", "server-url: stage.illumina.com\n")
    environ = {"ICAV2_BASE_URL": "https://b.example/ica/rest", "ICAV2_SERVER_URL": "s.example"}
    flags = {"server_url": "f.example"}
    for expected, where in (
        ("https://f.example", "--server-url"),
        ("https://b.example", "ICAV2_BASE_URL"),
        ("https://s.example", "ICAV2_SERVER_URL"),
        ("https://ica.illumina.com", "icaform.yaml"),
    ):
        found = find_server(flags, environ, home, "ica.illumina.com")
        assert (found.value, found.where) == (f"{expected}/ica/rest", where)
        flags.pop("server_url", None) or environ.pop(where, None)
    assert find_server({}, {}, home, None).value == "https://stage.illumina.com/ica/rest"
    (home / ".icav2" / "config.yaml").unlink()
    with pytest.raises(Rejected) as caught:
        find_server({}, {}, home, None)
    assert code_of(caught) is Code.NO_SERVER


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("ica.illumina.com", ICA),
        ("ICA.Illumina.com/", ICA),
        ("https://ica.illumina.com/ica/rest/", ICA),
        ("https://gate.example:8443/x/ica/rest", "https://gate.example:8443/x/ica/rest"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080/ica/rest"),
        ("http://127.9.9.9", "http://127.9.9.9/ica/rest"),
        ("localhost:80", "http://localhost:80/ica/rest"),
        ("http://[::1]:9000", "http://[::1]:9000/ica/rest"),
    ],
)
def test_a_server_is_a_host_or_a_url(home, text, url):
    assert find_server({"server_url": text}, {}, home, None).value == url


@pytest.mark.parametrize(
    "text",
    [
        "ftp://ica.illumina.com",
        "https://",
        "https://a b",
        "https://user:pw@ica.illumina.com",
        "https://x/?q=1",
        "https://x/#f",
        "https://x:99999",
        "https://ica.illumina.com\\@evil.example",
        "https://x/../y",
        "https://[::1",
        "file:///etc/passwd",
        "https://ica.illumina.com\n.evil.example",
        "https://x/%2e%2e",
    ],
)
def test_what_is_no_plain_url_is_refused(home, text):
    for where in ({"flags": {"server_url": text}, "configured": None}, {"flags": {}, "configured": text}):
        with pytest.raises(Rejected) as caught:
            find_server(where["flags"], {}, home, where["configured"])
        assert code_of(caught) in (Code.BAD_SETTING, Code.UNTRUSTED_SERVER)
        assert "pw" not in str(caught.value.diagnostics)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "illumina.com.evil.example",
        "evilillumina.com",
        "ica.illumina.com.evil.example",
        "10.0.0.1",
    ],
)
def test_a_manifest_alone_cannot_send_credentials_to_a_stranger(home, host):
    with pytest.raises(Rejected) as caught:
        find_server({}, {}, home, host)
    assert code_of(caught) is Code.UNTRUSTED_SERVER
    assert find_server({"server-url": host}, {}, home, None).value == f"https://{host}/ica/rest"


@pytest.mark.parametrize(
    "host", ["ica.illumina.com", "10.0.0.1", "localhost.evil.example", "127.0.0.1.evil.example"]
)
def test_plain_http_stays_on_this_machine(home, host, clock):
    for refused in (
        lambda: find_server({"server_url": f"http://{host}"}, {}, home, None),
        lambda: Session(f"http://{host}/ica/rest", Credential(Means.API_KEY, "k"), clock=clock),
    ):
        with pytest.raises(Rejected) as caught:
            refused()
        assert code_of(caught) is Code.UNTRUSTED_SERVER


def test_the_project_is_found_like_the_server(home):
    assert (
        find_project({"project_id": "p-f"}, {"ICAV2_PROJECT_ID": "p-e"}, home, "p-c").where == "--project-id"
    )
    assert find_project({}, {"ICAV2_PROJECT_ID": "p-e"}, home, "p-c").value == "p-e"
    assert find_project({}, {}, home, "p-c").where == "icaform.yaml"
    assert find_project({}, {}, home, None) is None
