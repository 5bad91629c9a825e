"""The `storage` section: where runs are kept, and for how long.

In: nodes. Out: `StorageOptions`. No state. Source: design.md 1, 8.
"""

from agentslo.config.fields import Key
from agentslo.config.kinds import Integer, Number, Text
from agentslo.config.options import StorageOptions
from agentslo.config.schema import Group

STORAGE = Group(
    name="storage",
    doc="The ledger: every counted run with its verdict and evidence, to look back at.",
    make=StorageOptions,
    start=StorageOptions(),
    fields=(
        Key(
            "directory",
            Text(r"[^\0]{1,4096}", "a folder"),
            "Folder of the ledger, relative to where the service is started; without it nothing "
            "is kept.",
        ),
        Key("retention_days", Number(1, 3_650), "Runs older than this are deleted."),
        Key("max_runs", Integer(1_000, 100_000_000), "The oldest runs beyond this are deleted."),
    ),
)
