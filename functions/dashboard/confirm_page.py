"""A question on a page of its own: what a dialog asks where there is JavaScript, and where a wrong name leads."""

from __future__ import annotations

from functions.dashboard.confirmations import Confirmation
from functions.dashboard.forms import EMPTY_FORM, Form
from functions.dashboard.frame import Frame
from functions.dashboard.rendering import render


def confirm_page(frame: Frame, question: Confirmation, form: Form = EMPTY_FORM) -> str:
    """Result: the question with its form."""
    return render("confirm.html", frame, question=question, form=form)
