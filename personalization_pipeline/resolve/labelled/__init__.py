"""Anybody's labelled records through the linking of phase resolve, and how well that went.

Belongs here: reading a file that no source declares (file, columns, values), running the linking over it and measuring
it (evaluation). Does not belong here: anything that a night needs; nothing of a night imports this folder.
"""
