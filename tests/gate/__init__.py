"""The gate: the program is attacked, and what breaks is counted.

``python -m tests.gate`` runs all parts for half an hour; ``--minutes`` and ``--seed`` say how long and with which
random numbers, ``--only`` names a part, ``--count`` the number of attempts of each. It ends with 0 only where nothing
broke,
prints a table, and for each failure the command that repeats it; ``--keep FOLDER`` keeps what broken attempts were
given. As root it attacks more than as another user; a part that misses something of the machine says what.

A part is one module with one ``PART``, listed in ``parts``; ``law`` has what every answer must hold, ``running`` how a
run is made and measured, ``mutations`` how files are spoiled, ``runner`` how attempts are counted. ``test_gate`` runs a
small part with a fixed seed among the tests, and holds that each check finds the offence it is there for.
"""
