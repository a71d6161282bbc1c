"""The modules behind the names of Keras 2.

`signatures.py` is the table of the layers; their arguments are converted by the rows of
`cornu.legacy.keras2`, with which files of Keras 2 are read. `old_spellings.py` accepts arguments of
Keras 1, as Keras 2 did, with a warning. `module_tree.py` has the import paths.
"""
