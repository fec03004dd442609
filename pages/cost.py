"""Cost: what a weight update takes by each method, measured on this machine, beside the paper's figures."""

from pcgraph.ui.cost import show_cost_page

show_cost_page()
