"""Build: draw any graph, type it or load it; the canvas, the formula and the leaves are one thing."""

from pcgraph.ui.editor import show_build_page

show_build_page()
