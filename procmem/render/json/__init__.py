"""The documents of ``--json``, one module a command: written field by field, as the schemas beside them say.

``schemas/<name>.json`` holds the JSON Schema of ``procmem/<name>/1``. Sizes are bytes, addresses strings in
hexadecimal, what is unknown is null, and no key is ever absent.
"""
