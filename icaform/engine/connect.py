"""Opens a run: which server, as whom, with which journal. Everything is looked up in its documented order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from icaform.diagnostic import Code, Diagnostic, Rejected
from icaform.disk import private
from icaform.engine.counted import Counted
from icaform.engine.run import Run
from icaform.engine.secrets import Secrets
from icaform.engine.setting import FILE, Place
from icaform.engine.world import Progress, World
from icaform.journal import url
from icaform.journal.store import Store, open_store
from icaform.kind import Kind
from icaform.operation import Call
from icaform.state import Desired, Identity
from icaform.wire import (
    Credential,
    Event,
    Limits,
    Means,
    Session,
    alone,
    find_credential,
    find_project,
    find_server,
)

EMBEDDED = "embedded"
"""The name under which icaform.yaml asks for the small ICA inside the package."""
JOURNAL = "journal.sqlite"
DEFAULT_LIMITS = Limits()
TOLD = 2.0
"""Seconds of waiting below which nobody needs to hear of it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says of the connection. Empty means: look in the next place."""

    server_url: str = ""
    x_api_key: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    project_id: str = ""
    journal: str = field(default="", repr=False)
    secrets_roots: tuple[str, ...] = ()
    allow_commands: bool = False
    timeout: float | None = None
    """Seconds that one question to ICA, or a secret's command, may take."""
    no_token: bool = False
    """Whether the API key goes with every call."""
    calls_per_second: float | None = None

    @property
    def flags(self) -> Mapping[str, str | None]:
        """As the wire's lookups take them."""
        return {
            "server_url": self.server_url or None,
            "x_api_key": self.x_api_key or None,
            "access_token": self.access_token or None,
            "project_id": self.project_id or None,
        }


@dataclass(frozen=True, slots=True)
class Server:
    """A server and what opens it, and where each was found."""

    url: str
    where: str
    credential: Credential
    embedded: bool = False


@contextmanager
def server_of(world: World, place: Place, options: Options) -> Iterator[Server]:
    """The server of a workspace. An embedded one runs as long as the context does."""
    environ = [world.environ.get(name, "").strip() for name in ("ICAV2_BASE_URL", "ICAV2_SERVER_URL")]
    named = next((each for each in (options.server_url, *environ, place.setting.server) if each), None)
    if named == EMBEDDED:
        from icaform.emulator import Embedded

        private_folder(place.state)
        try:
            with Embedded(state=place.state / "embedded.sqlite") as ica:
                found = Credential(Means.API_KEY, ica.api_key, where="the embedded ICA")
                found = alone(found) if options.no_token else found
                yield Server(ica.base_url, "embedded, as asked for", found, True)
        except OSError as error:
            raise Rejected(
                [_unusable(f"the embedded ICA could not start: {error.strerror or error}")]
            ) from None
        return
    setting = find_server(options.flags, world.environ, world.home, place.setting.server)
    found = find_credential(options.flags, world.environ, world.home, setting.value, world.clock)
    yield Server(setting.value, setting.where, alone(found) if options.no_token else found)


@contextmanager
def session_of(
    world: World, server: Server, *, read_only: bool, limits: Limits = DEFAULT_LIMITS
) -> Iterator[Session]:
    """A session with a server, its waits told to the progress."""

    retried: set[str] = set()

    def tell(event: Event) -> None:
        if event.pace:
            world.progress("pace", f"{event.pace:.3g}")
        if event.kind == "retry":
            retried.add(event.call)
            world.progress("wait", f"{event.call}: {event.reason}; again in {event.seconds:.0f} s")
        elif event.kind == "wait":
            # The wait before a retry was told with it.
            if event.call in retried:
                retried.discard(event.call)
            elif event.seconds >= TOLD:
                pace = f" (at most {event.pace:.3g} calls a second)" if event.pace else ""
                world.progress("wait", f"{event.call} waited {event.seconds:.0f} s for its turn{pace}")
        else:
            world.progress(event.kind, event.call)

    session = Session(
        server.url,
        server.credential,
        clock=world.clock,
        limits=limits,
        token_cache=None if server.embedded else cache_folder(world),
        on_event=tell,
        read_only=read_only,
    )
    try:
        yield session
    finally:
        session.close()


def generation(session: Session) -> str | None:
    """Which generation of ICA's API a server speaks; None where it does not let us see.

    The newer one has v4 of storage credentials, the older one answers ICA_API_004 to it. WireError as
    ``send``.
    """
    answer = session.send(Call("GET", "/api/storageCredentials", "application/vnd.illumina.v4+json"))
    if answer.problem is None:
        return "2026-10"
    return "2026-04" if answer.problem.code == "ICA_API_004" else None


def limits_of(options: Options, place: Place) -> Limits:
    """The bounds of a session, narrowed or widened as the command line says, or else icaform.yaml."""
    limits = DEFAULT_LIMITS.within(options.timeout) if options.timeout else DEFAULT_LIMITS
    return replace(limits, calls_per_second=options.calls_per_second or place.setting.limits.callsPerSecond)


@contextmanager
def open_run(
    world: World,
    kinds: Mapping[str, Kind],
    place: Place,
    wishes: Sequence[Desired],
    options: Options = Options(),
    *,
    read_only: bool,
    whole: bool = True,
    settles: bool = False,
) -> Iterator[tuple[Run, Session]]:
    """Bind wishes to a server and a journal. Read-only, it can write to neither, unless it ``settles`` the
    journal by what it reads.
    """
    secrets = Secrets(
        world.environ,
        [place.folder, *(Path(each) for each in options.secrets_roots)],
        place.folder,
        commands=options.allow_commands,
        timeout=options.timeout,
    )
    world = replace(world, progress=_sifted(world.progress, secrets))
    with ExitStack() as stack:
        server = stack.enter_context(server_of(world, place, options))
        session = stack.enter_context(
            session_of(world, server, read_only=read_only, limits=limits_of(options, place))
        )
        store = stack.enter_context(journal_of(world, place, options, read_only=read_only and not settles))
        session.keep(secrets.guard, secrets.masked)
        who = session.identity()
        project = find_project(options.flags, world.environ, world.home, place.setting.project)
        # The embedded server's port is another at each start, and a plan's digest covers the server.
        name = EMBEDDED if server.embedded else server.url
        run = Run(
            world,
            kinds,
            place,
            name,
            project.value if project else "",
            Counted(session, world.progress),
            store,
            secrets,
            Identity(who.tenant_id, who.user_id, who.tenant),
            wishes,
            whole=whole,
            alone=server.embedded,
        )
        session.permitted = lambda: run.holds()
        run.ahead = lambda: session.dates.skew
        yield run, session


def _sifted(progress: Progress, secrets: Secrets) -> Progress:
    """A progress that tells no secret, whoever put one into what there is to tell."""

    def tell(kind: str, text: str = "", done: int = 0, of: int = 0) -> None:
        progress(kind, secrets.sifted(text) if kind in ("wait", "waited", "note") else text, done, of)

    return tell


@contextmanager
def journal_of(world: World, place: Place, options: Options, *, read_only: bool) -> Iterator[Store]:
    """The workspace's journal: --journal, icaform.yaml, or a file beside icaform.yaml."""
    if options.journal:
        path = options.journal
    elif place.setting.journal:
        path = _trusted(place, place.setting.journal, world.environ)
    else:
        path = str(place.state / JOURNAL)
        make = _refuse_links if read_only else private_folder
        make(place.state)
    store = open_store(path, place.setting.workspace, world.clock.now, read_only=read_only)
    try:
        yield store
    finally:
        store.close()


def _trusted(place: Place, journal: str, environ: Mapping[str, str]) -> str:
    """The journal that icaform.yaml names; Rejected where only a person may name its server."""
    if "://" not in journal:
        return str(place.folder / journal)
    host = url.untrusted(journal, environ)
    if host:
        why = f"{FILE} keeps the journal on {host}, a server that only a flag or the environment may name"
        how = f"set PGHOST={host}, or give the whole URL with --journal or ICAFORM_JOURNAL"
        raise Rejected([Diagnostic(Code.UNTRUSTED_SERVER, why, how)])
    return journal


def private_folder(folder: Path) -> None:
    """Make the folder for our own files; Rejected where that cannot be done, or where links are in it."""
    _refuse_links(folder)
    try:
        private.folder(folder)
    except OSError as error:
        raise Rejected([_unusable(f"{folder} cannot be made: {error.strerror}")]) from None


def _refuse_links(folder: Path) -> None:
    """Rejected where our own folder, or what is in it, is a link: a pull request may bring one, and have us
    write wherever it leads.
    """
    link = next((each for each in chain([folder], folder.glob("*")) if each.is_symlink()), None)
    if link is not None:
        why = f"{link} is a link; icaform keeps its own files in no place that a link leads to"
        how = "remove the link, or choose the journal's place with --journal or ICAFORM_JOURNAL"
        raise Rejected([Diagnostic(Code.BAD_SETTING, why, how)])


def cache_folder(world: World) -> Path | None:
    """Where tokens are cached; ICAFORM_CACHE_DIR, or the user's cache folder. Empty: none are kept."""
    named = world.environ.get("ICAFORM_CACHE_DIR")
    if named is not None:
        return Path(named) if named else None
    from platformdirs import user_cache_path

    return user_cache_path("icaform", appauthor=False) / "tokens"


def _unusable(why: str) -> Diagnostic:
    return Diagnostic(Code.BAD_SETTING, why, "check the folder's rights and the space on its disk")
