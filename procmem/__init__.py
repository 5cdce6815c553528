"""procmem: what is in this process's memory, and why.

The package is read along one road: ``sources`` take bytes from ``/proc`` or from a recording,
``parse`` turns them into a snapshot, ``classify`` names every byte range, ``analyse`` answers a
question, ``render`` writes the answer down and ``cli`` prints it. Values that pass from one room
to the next live in ``model``; ``pipeline`` joins the rooms.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
