"""Lecture: a talk as saved scenes, walked by a clicker; decks that ship, and one of your own."""

from pcgraph.ui.lecture import show_lecture_page

show_lecture_page()
