"""Values against models: what is said, where it is placed, and what is never said."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from icaform.address import Origin
from icaform.diagnostic import Code, Diagnostic
from icaform.manifest import check, check_value, read


class Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel)


class Env(Spec):
    env: str


class File(Spec):
    file: str


class Command(Spec):
    command: tuple[str, ...]


class Secret(Spec):
    access_key_id: Env | File | Command
    secret_access_key: Env | File | Command


class User(Spec):
    type: Literal["AWS_USER"]
    secret: Secret


class Role(Spec):
    type: Literal["AWS_ROLE"]
    arn: str


class Storage(Enum):
    SMALL = "small"
    LARGE = "large"


class Code4(Spec):
    code: str = Field(pattern="^[A-Z]{4}$", json_schema_extra={"wants": "four capital letters"})


class Version(Spec):
    name: str
    version: str


class Item(Spec):
    user_reference: str
    tags: tuple[str, ...] = ()


class Pipeline(Spec):
    status: Literal["Released", "Deprecated", "Archived"] = "Released"
    message: str | None = Field(None, min_length=2, max_length=5)
    code: str = Field("AAAA", pattern="^[A-Z]{4}$", description="four capital letters")
    storage: Storage = Storage.SMALL
    retries: Annotated[int, Field(ge=1, le=5)] = 1
    ratio: float = 0.5
    shared: bool = False
    items: tuple[Item, ...] = Field((), max_length=3)
    labels: dict[Annotated[str, Field(max_length=4)], str] = {}
    credential: Annotated[User | Role, Field(discriminator="type")] | None = None
    select: str | Code4 | Version | list[int] | None = None
    pin: Literal["one", "two"] | None = Field(None, json_schema_extra={"secret": True})
    even: int = 0

    @field_validator("even")
    @classmethod
    def is_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("`even` is odd\nadd one")
        return value

    @model_validator(mode="after")
    def is_quiet(self) -> Pipeline:
        if self.code == "LOUD":
            raise PydanticCustomError("inline-secret", "too loud\nbe quiet")
        return self


def refusals(
    text: str, model: type[BaseModel] = Pipeline, path: tuple[str | int, ...] = ()
) -> list[Diagnostic]:
    documents, diagnostics = read(text.encode(), "f.yaml")
    assert diagnostics == []
    made, found = check(documents[0], path, model)
    assert (made is None) == bool(found)
    return found


def only(text: str, **more: Any) -> Diagnostic:
    found = refusals(text, **more)
    assert len(found) == 1, found
    return found[0]


def line(found: Diagnostic) -> str:
    assert found.origin
    return f"{found.origin.line}:{found.origin.column} {found.code.slug} {found.summary} | {found.remedy}"


def test_a_sound_value_becomes_a_model() -> None:
    text = (
        "spec:\n  status: Archived\n  storage: large\n  items: [{userReference: a, tags: [b]}]\n  ratio: 1\n"
    )
    ((document,), _) = read(text.encode(), "f.yaml")
    made, found = check(document, ("spec",), Pipeline)
    assert found == []
    assert made is not None
    assert (made.storage, made.items[0].tags, made.ratio) == (Storage.LARGE, ("b",), 1.0)


CASES = {
    "mesage: hi": "1:1 unknown-field `mesage` is not a field | did you mean `message`?",
    "status: Relased": (
        "1:9 bad-value `status` wants one of `Released`, `Deprecated`, `Archived`, not `Relased`"
        " | did you mean `Released`?"
    ),
    "status: 5": (
        "1:9 bad-value `status` wants one of `Released`, `Deprecated`, `Archived`, not an integer"
        " | write one of `Released`, `Deprecated`, `Archived`"
    ),
    "storage: tiny": (
        "1:10 bad-value `storage` wants one of `small`, `large`, not `tiny` | write one of `small`, `large`"
    ),
    "message: 4.2": "1:10 wrong-type `message` wants a string, not a number | put it between quotes",
    "message: true": "1:10 wrong-type `message` wants a string, not a boolean | put it between quotes",
    "message: 12": "1:10 wrong-type `message` wants a string, not an integer | put it between quotes",
    "message: abcdefg": (
        "1:10 bad-value `message` has 7 characters; at most 5 characters are allowed | shorten it"
    ),
    "message: a": "1:10 bad-value `message` has 1 character; at least 2 characters are allowed | lengthen it",
    "code: abc": (
        "1:7 bad-value `code` does not have the form that is wanted: four capital letters"
        " | write it in that form"
    ),
    "retries: 9": "1:10 bad-value `retries` must be at most 5 | write a number that is at most 5",
    "retries: '3'": (
        "1:10 wrong-type `retries` wants an integer, not a string | write a number, without quotes"
    ),
    "retries: 1.5": "1:10 wrong-type `retries` wants an integer, not a number | write an integer",
    "shared: 'true'": (
        "1:9 wrong-type `shared` wants a boolean, not a string | write true or false, without quotes"
    ),
    "shared:": "1:8 wrong-type `shared` wants a boolean, not null | give it a value, or leave it out",
    "items: {}": "1:8 wrong-type `items` wants a list, not a mapping | begin each item with `- `",
    "labels: [a]": (
        "1:9 wrong-type `labels` wants a mapping, not a list | write its fields on the lines below it"
    ),
    "labels: {abcde: b}": (
        "1:10 bad-value as a key, `abcde` has 5 characters; at most 4 characters are allowed | shorten it"
    ),
    "items:\n- userReference: a\n- userReference: 5": (
        "3:18 wrong-type `userReference` wants a string, not an integer | put it between quotes"
    ),
    "items:\n- userReference: a\n  tags: [a, 1]": (
        "3:13 wrong-type item 2 of `tags` wants a string, not an integer | put it between quotes"
    ),
    "items:\n- 5": (
        "2:3 wrong-type item 1 of `items` wants a mapping, not an integer"
        " | write its fields on the lines below it"
    ),
    "items:\n- {}": "2:3 missing-field `userReference` is missing | add it",
    "items:\n- {userRefrence: a}": (
        "2:4 unknown-field `userRefrence` is not a field here | did you mean `userReference`?"
    ),
    "even: 3": "1:7 bad-value `even` is odd | add one",
    "code: LOUD": "1:1 inline-secret too loud | be quiet",
    "credential: {type: AWS_USR}": (
        "1:20 bad-value `type` wants one of `AWS_USER`, `AWS_ROLE`, not `AWS_USR` | did you mean `AWS_USER`?"
    ),
    "credential: {arn: x}": "1:13 missing-field `type` is missing | add it: `AWS_USER`, `AWS_ROLE`",
    "credential: {type: AWS_ROLE, arn: 5}": (
        "1:35 wrong-type `arn` wants a string, not an integer | put it between quotes"
    ),
    "credential: 5": (
        "1:13 wrong-type `credential` wants a mapping, not an integer"
        " | write its fields on the lines below it"
    ),
    "select: 5": (
        "1:9 wrong-type `select` wants a string or a mapping or a list, not an integer"
        " | put it between quotes"
    ),
    "select: {name: a}": "1:9 missing-field `version` is missing | add it",
    "select: {code: a}": (
        "1:16 bad-value `code` does not have the form that is wanted: four capital letters"
        " | write it in that form"
    ),
    "select: {nmae: a, version: b}": "1:10 unknown-field `nmae` is not a field here | did you mean `name`?",
    "select: {}": (
        "1:9 missing-field `select` wants one of `code`, `name`, `version` | add `code`, `name`, `version`"
    ),
    "select: [1, x]": (
        "1:13 wrong-type item 2 of `select` wants an integer, not a string | write a number, without quotes"
    ),
    "pin: three": "1:6 bad-value `pin` wants one of `one`, `two` | write one of `one`, `two`",
    "[]": "1:1 wrong-type the value wants a mapping, not a list | write its fields on the lines below it",
}


@pytest.mark.parametrize("text", CASES)
def test_each_error_is_one_sentence_at_one_place(text: str) -> None:
    assert line(only(text)) == CASES[text]


def test_an_unknown_field_near_no_other_lists_the_fields() -> None:
    assert only("items:\n- userReference: a\n  zzz: 1").remedy == "the fields are `userReference`, `tags`"


def test_all_errors_come_at_once_in_the_order_of_the_text() -> None:
    text = "zzz: 1\nstatus: x\nitems:\n- {userReference: 1}\n- {}\nretries: 0\n"
    assert [(each.code.slug, each.origin.line) for each in refusals(text) if each.origin] == [
        ("unknown-field", 1),
        ("bad-value", 2),
        ("wrong-type", 4),
        ("missing-field", 5),
        ("bad-value", 6),
    ]


def test_a_field_may_bear_the_name_of_a_union_member() -> None:
    class Outer(Spec):
        u: Env | File | dict[str, int]

    found = only("u: {'dict[str,int]': x}", model=Outer)
    assert line(found).startswith("1:22 wrong-type `dict[str,int]` wants an integer")


def test_recursive_models_are_walked() -> None:
    class Tree(Spec):
        name: str
        inner: tuple[Tree, ...] = ()

    assert (
        only("name: a\ninner:\n- name: b\n  inner:\n  - nam: c\n", model=Tree).remedy
        == "did you mean `name`?"
    )


def test_a_path_that_is_missing_is_a_missing_field() -> None:
    found = only("metadata: {}\n", path=("spec",))
    assert line(found) == "1:1 missing-field `spec` is missing | add it"


def test_what_reading_refused_is_not_refused_again_for_its_type() -> None:
    ((document,), first) = read(b"shared: yes\nretries: 012\nzzz: 1\n", "f.yaml")
    assert [each.code for each in first] == [Code.AMBIGUOUS_SCALAR] * 2
    made, found = check(document, (), Pipeline)
    assert made is None
    assert [each.code for each in found] == [Code.UNKNOWN_FIELD]


def test_a_value_without_a_document_is_placed_by_the_caller() -> None:
    made, found = check_value(
        {"userReference": 5}, Item, ("rows", 3), lambda path, key: Origin("s.csv", 4, len(path))
    )
    assert made is None
    assert str(found[0].origin) == "s.csv:4:3"
    assert check_value({"userReference": "a"}, Item)[1] == []


CANARY = "CANARYe7fQ"
SECRETS = [
    "secretAccessKey: {c}",
    "secretAccessKey: '{c}'",
    "secretAccessKey: [{c}]",
    "secretAccessKey: {{{c}: 1}}",
    "secretAccessKey: {{env: [{c}]}}",
    "secretAccessKey: {{env: x, {c}: y}}",
    "secretAccessKey: {{file: {c}, env: {c}}}",
    "secretAccessKey: a\n    secretAccessKey: {c}",
    "secretAccessKey: {{{c}: 1, {c}: 2}}",
    "secretAccessKey: {c}: x",
    "secretAccessKey: '{c}",
    'secretAccessKey: "{c}\\q"',
    "secretAccessKey: !{c} x",
    "secretAccessKey: !!{c} x",
    "secretAccessKey: !{c}!x y",
    "secretAccessKey: *{c}",
    "secretAccessKey: &{c} x\n    b: *{c}x",
    "secretAccessKey: @{c}",
    "secretAccessKey: %{c}",
    "secretAccessKey: ${{var.{c}}}",
    "secretAccessKey: ${{var.{c}",
    "secretAccessKey:\n\t{c}",
    "secretAccessKey: |{c}\n      x",
    "secretAccessKey: [{c}",
    "secretAccessKey: {{{c}",
    "secretAccessKey: {c}\n   x: y",
    "secretAccessKey: {c}\x01",
    "secretAccessKey: ? {c}",
    "secretAccesKey: {c}",
    "secret_access_key: {c}",
    "{c}: x",
    "accessKeyId: {c}",
    "password: {c}",
    "token: [yes, {c}]",
    "apiKey: {{{c}: no}}",
]


def test_a_secret_is_in_no_diagnostic() -> None:
    said = 0
    for case in SECRETS:
        for kind in ("AWS_USER", "AWS_ROLE", "AWS_USR"):
            text = f"credential:\n  type: {kind}\n  secret:\n    {case.format(c=CANARY)}\n"
            documents, diagnostics = read(text.encode(), "f.yaml")
            for document in documents:
                diagnostics += check(document, (), Pipeline)[1]
                diagnostics += check(document, ("credential",), User)[1]
            assert diagnostics, case
            assert CANARY not in repr(diagnostics), (case, diagnostics)
            said += len(diagnostics)
    print(f"{3 * len(SECRETS)} manifests with a secret, {said} diagnostics without it")


def test_numbers_that_may_be_secrets_are_not_repeated() -> None:
    for secret in ("0123456789", "1_000_777", "12:34:56", "1e999", "7777.5"):
        text = f"secret:\n  secretAccessKey: {secret}\n  token: {{{secret}: x}}\n"
        documents, diagnostics = read(text.encode(), "f.yaml")
        for document in documents:
            diagnostics += check(document, ("secret",), Secret)[1]
        assert secret not in repr(diagnostics)


def test_a_models_own_sentence_loses_a_secret_that_it_repeats() -> None:
    class Loose(Spec):
        token: str

        @field_validator("token")
        @classmethod
        def never(cls, value: str) -> str:
            raise ValueError(f"{value} is wrong\nnot {value}")

    assert CANARY not in repr(only(f"token: {CANARY}", model=Loose))
