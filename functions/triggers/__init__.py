"""The HTTP, queue and timer edge of the control plane.

One module per resource: parse, one service call, answer. The `edge*` modules hold what every endpoint shares:
reading a request, knowing who sends it, refusing, and answering.
"""
