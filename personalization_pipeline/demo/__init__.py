"""The demo shop: a small seeded world whose truth is known, so that the pipeline can be scored instead of believed.

Belongs here: who the people are (`people`), what they buy (`orders`), how two systems saw them (`records`, `mistakes`),
the files that those systems land (`landing`), how hard the puzzle is (`hardness`) and the scores against the truth (`truth`).
Does not belong here: anything that the pipeline reads. It sees `<project>/landing/`, never `<project>/truth/`.

One seed is one world, to the byte, on every machine: all chance comes from `chance`.
"""
