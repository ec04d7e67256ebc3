"""`python -m services.partners.exporting EXPORT_ID`: the process in which one export is made."""

from services.exports.make import main
from services.exports.settings import ExportSettings
from services.partners.datasets import DATASETS
from services.wire.settings import load

if __name__ == "__main__":
    main(DATASETS, load(ExportSettings))
