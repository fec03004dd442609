"""Share: what is on the stage, as a link, a picture, a film, a page for print, a program or data."""

from pcgraph.ui.share import show_share_page

show_share_page()
