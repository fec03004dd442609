"""Train: one network learns by several methods from the same start, in the background, and the page answers."""

from pcgraph.ui.train import show_train_page

show_train_page()
