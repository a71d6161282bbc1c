"""HTML: stub during construction"""


def to_html(model, options):
    return ""


def frame(page):
    return page
