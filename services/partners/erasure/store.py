"""An erasure in PostgreSQL: older rosters, stored answers, dead letters and the key, in one transaction."""

from collections.abc import Sequence

from services.chassis import Write
from services.exports.erasing import end_files
from services.partners.datasets import DATASETS
from services.partners.erasure.erased import ErasedContact
from services.people.erasing import empty_letters, rewrite_answers
from services.people.keys import destroy_keys

_DOSSIERS = """
    UPDATE dossiers d SET roster = (
        SELECT jsonb_agg(
            CASE WHEN contact @> person THEN contact || '{"name": "[erased]", "email": "[erased]", "phone": "[erased]"}'
                 ELSE contact END ORDER BY place)
        FROM jsonb_array_elements(d.roster) WITH ORDINALITY AS each(contact, place)
    )
    FROM (SELECT jsonb_build_object('issuer', $2::text, 'subject', $3::text)) AS erased(person)
    WHERE d.partner_id = $1 AND d.roster @> jsonb_build_array(person)
"""


async def erase_contacts(tx: Write, erasures: Sequence[ErasedContact]) -> None:
    """After everything else is written, answers of the same batch included."""
    for erased in erasures:
        await tx.exec_driver_sql(_DOSSIERS, (erased.partner_id, erased.issuer, erased.subject))
        await rewrite_answers(tx, erased.partner_id, erased.rewrite)
    if erasures:
        await destroy_keys(tx, [erased.person_id for erased in erasures])
        await end_files(tx, DATASETS)
        await empty_letters(tx, [erased.is_named_in for erased in erasures])
