"""`python -m services.audit.exporting EXPORT_ID`: the process in which one export is made."""

from services.audit.datasets import DATASETS
from services.exports.make import main
from services.exports.settings import ExportSettings
from services.wire.settings import load

if __name__ == "__main__":
    main(DATASETS, load(ExportSettings))
