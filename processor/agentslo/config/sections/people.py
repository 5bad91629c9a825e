"""The `people` section: who may decide, in which roles, known by which token.

In: nodes. Out: a `Person` each. No state. The file holds only the SHA-256 of a token, so whoever
reads it cannot act as anybody; a token has 128 bits or more, so the digest tells nothing.
"""

from agentslo.config.fields import Key, TextList
from agentslo.config.kinds import Text, choice_of
from agentslo.config.people_options import Person, Role
from agentslo.config.problems import quoted
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group, GroupList


def _finish(people: dict[int, Person], path: OptionPath, reading: Reading) -> tuple[Person, ...]:
    for field in ("name", "token_sha256"):
        first: dict[str, int] = {}
        for index, person in people.items():
            value = getattr(person, field)
            if value in first:
                what = f"{quoted(value)} is also the {field} of people[{first[value]}]"
                reading.note((*path, index, field), what, "give each person their own")
            first.setdefault(value, index)
    return tuple(people.values())


PEOPLE = GroupList(
    name="people",
    doc="Who may decide. Without it, only what cannot wait is allowed, by anybody who can write "
    "the storage directory: incidents and containment; approvals are refused.",
    item=Group(
        name="person",
        doc="One person, or one system that acts by itself.",
        make=Person,
        fields=(
            Key(
                "name",
                Text(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}", "a name of letters, digits, '._@-'"),
                "Stands in every decision they take.",
                required=True,
            ),
            TextList("roles", choice_of(Role), "What they may decide.", required=True),
            TextList(
                "agents",
                Text(r"[^\s,]{1,200}", "an agent's name"),
                "For which agents; all where nothing stands here.",
            ),
            Key(
                "token_sha256",
                Text(r"[0-9a-f]{64}", "64 lower-case hex digits"),
                "SHA-256 of their token: `openssl rand -hex 32 | tee token | tr -d '\\n' | "
                "sha256sum`.",
                required=True,
            ),
        ),
    ),
    finish=_finish,
)
