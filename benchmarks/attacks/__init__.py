"""Attacks on cornu: kills, full disks, crafted and damaged files, wrong data, threads, interrupts.

`table.ATTACKS` lists the attacks, `runner` runs them in processes with limits of time and memory
and judges what happened, `report` writes the table of outcomes.
"""
