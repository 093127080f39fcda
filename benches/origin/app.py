"""The list of snapshots as the origin's stack makes it: every file is read and parsed for each request."""

import json
import os
from datetime import datetime, timezone
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates

DATA = Path(os.environ["SNAPSHOTS"])

app = FastAPI()
templates = Jinja2Templates(directory=Path(__file__).parent)


def listed(current):
    snapshots = []
    for kind in ("periodic", "rewind"):
        for path in (DATA / kind).glob("*.json"):
            status = path.stat()
            try:
                content = json.loads(path.read_text())
                last, state = content["last_event_id"], "intact"
            except (ValueError, KeyError):
                last, state = None, "damaged"
            snapshots.append(
                {
                    "snapshot_id": path.stem,
                    "kind": kind,
                    "filename": path.name,
                    "created_at": datetime.fromtimestamp(status.st_mtime, timezone.utc),
                    "file_size_bytes": status.st_size,
                    "last_event_id": last,
                    "event_delta": None if last is None else current - last,
                    "state": state,
                }
            )
    return sorted(snapshots, key=lambda snapshot: snapshot["created_at"], reverse=True)


@app.get("/snapshots", response_class=HTMLResponse)
def snapshots(request: Request):
    current = 48_213
    context = {"snapshots": listed(current), "current_event_log_max_id": current}
    return templates.TemplateResponse(request, "list.html", context)
