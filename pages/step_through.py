"""Step through: one method on one graph, step by step, forward and back."""

from pcgraph.document import to_json
from pcgraph.ui.controls import Page
from pcgraph.ui.runs import picture, runs_of
from pcgraph.ui.stage import show_traces

page = Page("step", methods=("zil",), choices=("bp", "pc", "fixed", "zil", "ipc"))
problem = page.row()
show_traces(page, lambda: picture(to_json(problem), runs_of(page.settings), page.settings.level))
