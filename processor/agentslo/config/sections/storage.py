"""The `storage` section: what survives a crash, where runs are kept, and for how long.

In: nodes. Out: `StorageOptions`. No state. Source: design.md 1, 8.
"""

from agentslo.config.fields import Key
from agentslo.config.kinds import ByteSize, Duration, Integer, Number, Text, choice_of
from agentslo.config.options import StorageOptions, Sync
from agentslo.config.schema import Group
from agentslo.config.transport import MIB

STORAGE = Group(
    name="storage",
    doc="What survives a crash (journal), and every counted run to look back at (ledger).",
    make=StorageOptions,
    start=StorageOptions(),
    fields=(
        Key(
            "directory",
            Text(r"[^\0]{1,4096}", "a folder"),
            "Folder of both, of one process alone, relative to where the service is started; "
            "without it nothing is kept.",
        ),
        Key(
            "sync",
            choice_of(Sync),
            "full: what was acknowledged as stored survives power loss; normal: a crash of the "
            "process only.",
        ),
        Key(
            "journal_bytes",
            ByteSize(MIB, 1024 * 1024 * MIB),
            "Largest journal; never more than 0.35 of the room there is on the volume.",
        ),
        Key(
            "spill_bytes",
            ByteSize(MIB, 1024 * 1024 * MIB),
            "Requests of each destination that it has not taken yet; never more than 0.2 of the "
            "room there is.",
        ),
        Key(
            "spill_after_s",
            Duration(0, 60),
            "Time a destination has before a request is put on disk and acknowledged as stored.",
        ),
        Key("retention_days", Number(1, 3_650), "Runs older than this are deleted."),
        Key("max_runs", Integer(1_000, 100_000_000), "The oldest runs beyond this are deleted."),
    ),
)
