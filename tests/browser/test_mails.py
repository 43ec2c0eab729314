"""Mails as a mail program shows them: on light and dark screens, narrow and wide, and with nothing loaded."""

from __future__ import annotations

from itertools import product

import pytest
from playwright.sync_api import Browser

from functions.domain.mail import ASKED_FOR, MailKind
from tests.browser.chromium import Complaints, page_overflow
from tests.unit.functions.dashboard.test_mail_texts import FULL, STOP, write

_CONTRAST = """() => {
  const channel = value => { const c = value / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4 };
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const found = numbers(getComputedStyle(at).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  let worst = [99, ""];
  for (const element of document.querySelectorAll("h1, h2, p, td, a, b")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || !element.offsetParent) continue;
    const [light, dark] = [luminance(numbers(getComputedStyle(element).color)), luminance(ground(element))]
      .sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < worst[0]) worst = [ratio, element.textContent.trim().slice(0, 60)];
  }
  return worst;
}"""
LONG = {**FULL, "job_name": "Kopie_" * 20, "detail": "ONEMIGRATE_SETTING_" * 12, "reason": "x" * 200}


@pytest.mark.parametrize(("scheme", "width"), list(product(("light", "dark"), (400, 800))))
def test_every_mail_fits_and_can_be_read(browser: Browser, scheme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    complaints = Complaints("about:blank")
    complaints.listen(page)
    for kind in MailKind:
        for facts in (FULL, LONG):
            page.set_content(write(kind, facts, unsubscribe_link="" if kind in ASKED_FOR else STOP).html)
            assert page_overflow(page) == 0, kind
            ratio, text = page.evaluate(_CONTRAST)
            assert ratio >= 4.5, (kind, ratio, text)
            button = page.locator(".button a").bounding_box()
            assert button is not None
            assert button["height"] >= 44
            assert (button["width"] > 0.85 * width) == (width == 400)
    complaints.expect_none()
    context.close()
