"""Parts of `evaluate_papers.py`: what each of the papers' networks is worth, as figures, tables and pictures."""
