"""Attacks on cornu: kills, full disks, crafted and damaged files, names, threads, interrupts.

`table.ATTACKS` lists the attacks, `runner` runs them in processes with limits of time and memory
and judges what happened, `report` writes the table of outcomes. Attacks by wrong data need no
processes of their own: `python -m tests.attacks.wrong_data` runs them.
"""
