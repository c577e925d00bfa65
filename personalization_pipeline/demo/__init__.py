"""The demo: a seeded world of two brands whose truth is known, so that the pipeline can be scored instead of believed.

Belongs here: who the people are (`households`, `people`, `planted`), what they are like as customers (`behaviour`), how
systems saw them (`record_kinds`, `records`, `mistakes`), what happened (`facts/`), the files that systems land of it
(`landing`, `touch`, `files/`), how hard the puzzle is (`hardness`) and the scores against the truth (`truth`, `evaluation`).
Does not belong here: anything that the pipeline reads. It sees `<project>/landing/`, never `<project>/truth/`.

One seed is one world, to the byte, whatever the machine's cores, zone and language: all chance is a function of the seed,
a name and a number (`chance` in Python, the macros of `world` in SQL), so any row can be made without the others.
"""
