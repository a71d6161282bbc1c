"""`python -m scripts.comparison`: writes docs/comparison.md, and the figures of the READMEs."""

from scripts.comparison.writing import write_comparison

if __name__ == "__main__":
    write_comparison()
