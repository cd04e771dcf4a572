"""Folders of pods whose object is gone: it was deleted while no node looked."""

import asyncio
import logging
from pathlib import Path

from mlplane.local.node.ending import Ending
from mlplane.local.podfolder import PodFolder, pods_folder

log = logging.getLogger(__name__)

GRACE = 5.0
"""Seconds for processes that nobody wants any more."""


async def end_orphans(state_root: Path, known: set[str]) -> None:
    """End the processes of pods that are not among the known uids, and remove their folders."""
    parent = pods_folder(state_root)
    if parent.is_dir():
        strangers = [PodFolder(child) for child in parent.iterdir() if child.name not in known]
        for outcome in await asyncio.gather(*map(_end, strangers), return_exceptions=True):
            if isinstance(outcome, Exception):
                log.warning("the folder of a pod that is gone cannot be cleared: %r", outcome)


async def _end(folder: PodFolder) -> None:
    await Ending(folder, GRACE).end_all()
    await asyncio.to_thread(folder.remove)
