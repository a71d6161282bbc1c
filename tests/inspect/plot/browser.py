"""A headless Chromium, if installed."""

import json
import re
import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def ask(page: str, script: str, tmp_path, *flags: str):
    """Opens a copy of a page, runs a script there, and returns what the script gives `tell`."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the path")
    script_tag = (
        "<script>function tell(x) { const e = document.createElement('pre'); e.id = 'told';"
        "e.textContent = JSON.stringify(x); document.body.append(e); }\n"
        "addEventListener('error', e => tell({error: e.message + ' line ' + e.lineno}));"
        f"try {{\n{script}\n}} catch (e) {{ tell({{error: e.stack}}); }}</script>"
    )
    path = tmp_path / "page.html"
    before, end, after = page.rpartition("</body>")
    path.write_text(before + script_tag + end + after, encoding="utf-8")
    command = [
        *(program, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,800"),
        *(f"--user-data-dir={tmp_path / 'profile'}", *flags, "--dump-dom", path.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, f"the page returned nothing:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    answer = json.loads(text)
    assert not (isinstance(answer, dict) and "error" in answer), answer
    return answer
