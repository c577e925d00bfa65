"""What the phases share, knowing none of them. Import the module that you need: this is no drawer.

Belongs here: one module per notion that at least two phases use. Does not belong here: a phase's knowledge, and code
that one phase alone needs.
"""
