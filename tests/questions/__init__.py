"""What people ask, each question by one command on a process made for it, answered on the first screen.

Here belongs the question as a user puts it: the answer's own words, its figures held against a second way to know
them (what the program did, /proc read by hand, another tool). How a figure comes about is tested in the rooms.
"""
