"""Learn: eight short lessons that ask before they show, over the one stage."""

from pcgraph.ui.learn import show_learn_page

show_learn_page()
