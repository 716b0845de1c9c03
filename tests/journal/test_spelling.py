"""Which texts name a journal beyond doubt: our reading of URLs is held against libpq's."""

from __future__ import annotations

from itertools import product
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from icaform.journal import spelling
from icaform.journal.store import open_store
from tests.postgres import PASSWORD, Postgres

CLEAR = (
    "postgresql://",
    "postgres://h",
    "postgresql:///d",
    "postgresql://u@h:5432/d",
    "postgresql://u:p@h/d",
    "postgresql://u:p?q:r#s@h/d",
    "postgresql://u:p%40%2F%3A@h/d",
    "postgresql://me%40corp:p@h/d",
    "postgresql://u@/d?host=/var/run/postgresql&port=5433",
    "postgresql://u@/d?host=%2Fvar%2Frun",
    "postgresql://%2Fvar%2Frun/d",
    "postgresql://a:1,b:2,c/d?target_session_attrs=read-write",
    "postgresql://[::1]:5432/d",
    "postgresql://[fe80::1%25eth0]/d",
    "postgresql://h/d?user=me@corp&password=x/y@z:q",
    "postgresql://h/a%40b%2Fc",
    "postgresql://h/d?options=-c%20search_path%3Dx",
    "postgresql:///d?service=lab",
)
DOUBTFUL = (
    "postgresql://u:p/q@h/d",
    "postgresql://u:1/q@h/d",
    "postgresql://u:p@q@h/d",
    "postgresql://u:p@q:r@h/d",
    "postgresql://u:p",
    "postgresql://u:p/d",
    "postgresql://u:123456/d",
    "postgresql://h/d:x",
    "postgresql://h/d/x",
    "postgresql://[::1/d",
    "postgresql://a,b:x/d",
)


def test_a_url_that_leaves_no_doubt_is_taken() -> None:
    for url in CLEAR:
        assert spelling.flaw(url) is None, url
        assert conninfo_to_dict(url) is not None
    for url in DOUBTFUL:
        assert spelling.flaw(url), url
    print(f"{len(CLEAR)} clear, {len(DOUBTFUL)} doubtful")


def test_whatever_a_password_holds_none_of_it_is_taken_for_a_place() -> None:
    """Every short password of these signs, as it is: either libpq reads it whole, or it is refused."""
    tried = refused = 0
    for length in range(1, 6):
        for signs in product("/@:?#,5Z", repeat=length):
            word = "".join(signs)
            tried += 1
            url = f"postgresql://icaform:{word}@127.0.0.1/journals"
            if spelling.flaw(url):
                refused += 1
                continue
            try:
                read = conninfo_to_dict(url)
            except (psycopg.Error, ValueError):
                continue
            wanted = {"user": "icaform", "password": word, "host": "127.0.0.1", "dbname": "journals"}
            assert {name: read.get(name) for name in wanted} == wanted, url
    print(f"{tried} passwords, {refused} refused")
    assert 0 < refused < tried


def test_an_address_that_worked_still_does(postgres: Postgres) -> None:
    urls = (
        postgres.url(),
        postgres.tcp(),
        postgres.tcp(more="?application_name=a@b&connect_timeout=9"),
        f"postgresql://postgres@{str(postgres.folder).replace('/', '%2F')}:{postgres.port}/journals",
        f"postgresql:///journals?host={postgres.folder}&port={postgres.port}&user=postgres",
        f"postgres://127.0.0.1:{postgres.port},127.0.0.1:1/journals?user=postgres&password={quote(PASSWORD)}",
    )
    for url in urls:
        store = open_store(url, "cohort", lambda: 0.0)
        assert "canary" not in store.name, url
        store.close()
    print(f"{len(urls)} addresses")


def test_a_connection_string_that_names_a_server_or_a_password_is_no_path() -> None:
    libpq = {each.keyword.decode() for each in psycopg.pq.Conninfo.get_defaults()}
    assert libpq >= spelling.KEYWORDS
    tried = 0
    for name in sorted(spelling.KEYWORDS):
        for text in (
            f"{name}=x",
            f"{name} = x",
            f"application_name=y {name}=x",
            f'"{name}=x"',
            f"a=b;{name.title()}=x",
        ):
            assert spelling.flaw(text), text
            tried += 1
    print(f"{tried} connection strings")
