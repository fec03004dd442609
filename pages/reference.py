"""Reference: words, equations, the gallery in numbers, tested facts, who claims what, and literature."""

from pcgraph.ui.reference import show_reference_page

show_reference_page()
