"""A comment or an issue, who wrote it and who edited it last; and how those of one place are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from action.github import GitHub, Refused, understood
from action.mark import Mark

# REST does not say who edited a text. In GraphQL a bot's login has no "[bot]" behind it, except the viewer's.
_POST = "body author { __typename login } editor { __typename login }"
_COMMENTS = f"""
query($owner: String!, $name: String!, $number: Int!, $after: String) {{
  viewer {{ login }}
  repository(owner: $owner, name: $name) {{ place: pullRequest(number: $number) {{
    posts: comments(first: 100, after: $after) {{
      nodes {{ id: fullDatabaseId {_POST} }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }} }}
}}"""
_ISSUES = f"""
query($owner: String!, $name: String!, $after: String) {{
  viewer {{ login }}
  place: repository(owner: $owner, name: $name) {{
    posts: issues(first: 100, after: $after, states: OPEN, orderBy: {{field: CREATED_AT, direction: ASC}}) {{
      nodes {{ id: number {_POST} }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}"""
_BOT = "[bot]"


@dataclass(frozen=True)
class Actor:
    """An account. A person may take a bot's name, so the sort of account counts as well."""

    login: str
    bot: bool


@dataclass(frozen=True)
class Post:
    """``id`` is a comment's id, or an issue's number. ``editor`` edited it last, None if nobody did."""

    id: int
    body: str
    author: Actor | None
    editor: Actor | None

    @property
    def mark(self) -> Mark | None:
        """What its first line says that it is."""
        return Mark.of(self.body)


def comments_of(github: GitHub, repository: str, number: int, mark: Mark) -> list[Post]:
    """The comments of a pull request that the token's own account wrote with this mark, oldest first."""
    return _ours(github, _COMMENTS, repository, {"number": number}, mark)


def issues_of(github: GitHub, repository: str, mark: Mark) -> list[Post]:
    """The open issues that the token's own account wrote with this mark, oldest first."""
    return _ours(github, _ISSUES, repository, {}, mark)


@understood()
def _ours(github: GitHub, query: str, repository: str, variables: dict[str, Any], mark: Mark) -> list[Post]:
    owner, _, name = repository.partition("/")
    found: list[Post] = []
    after: str | None = None
    while True:
        told = github.ask(query, {"owner": owner, "name": name, "after": after, **variables})
        place = (told["repository"] or {}).get("place") if "repository" in told else told["place"]
        if place is None:
            raise Refused(f"{repository} has no such pull request, or the token may not see it", 404)
        me = _viewer(told["viewer"]["login"])
        posts = (_post(node) for node in place["posts"]["nodes"] if node)
        found += [post for post in posts if post.author == me and mark.same(post.mark)]
        if not place["posts"]["pageInfo"]["hasNextPage"]:
            return sorted(found, key=lambda post: post.id)
        after = place["posts"]["pageInfo"]["endCursor"]


def _viewer(login: str) -> Actor:
    return Actor(login.removesuffix(_BOT), login.endswith(_BOT))


def _post(node: dict[str, Any]) -> Post:
    return Post(int(node["id"]), node["body"], _actor(node["author"]), _actor(node["editor"]))


def _actor(said: dict[str, str] | None) -> Actor | None:
    return None if said is None else Actor(said["login"].removesuffix(_BOT), said["__typename"] == "Bot")
