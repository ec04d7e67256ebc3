"""One export, in a process of its own: `python -m services.<service>.exporting EXPORT_ID`."""

from collections.abc import Iterable

from services.exports.dataset import Dataset
from services.exports.settings import ExportSettings


def main(datasets: Iterable[Dataset], settings: ExportSettings) -> None:
    """Make the export that the first argument names and leave with 0 once its row holds size, hash and manifest.

    Any other exit: run it again, with the same result. Who gives up says so in the row; the state is not changed here.
    """
    raise NotImplementedError
