"""icaform keeps Illumina Connected Analytics as the manifests in git say.

manifest -> Desired ─┐
                     ├─ compare -> Change -> Plan -> Operation -> Outcome
server   -> Live    ─┘             guard     digest   key, call    journal

For programs, ``icaform.engine.verbs`` has ``load``, ``open_run``, ``plan``, ``apply`` and ``drift``, which do
what the verbs of the command line do. They are not names of this package: ``icaform.plan`` is a module.
"""

__version__ = "0.1.0.dev0"
"""The one place of the version: the package's metadata and ``--version`` are made from it."""
