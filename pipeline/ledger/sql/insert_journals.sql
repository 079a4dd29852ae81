-- purpose: writes the headers of a change's journals
-- grain: a journal per element of the arrays
-- parameters: journal_ids, steps, sequences, entry_counts, operation_refs (arrays); what the payment gives them all
INSERT INTO journals (
    journal_id, payment_id, merchant_id, step, sequence, entry_count, payment_version, gateway_ref, operation_ref,
    hold_expires_at, trace_id, event_at, recorded_at)
SELECT j.journal_id, %(payment_id)s, %(merchant_id)s, j.step, j.sequence, j.entry_count, %(payment_version)s,
       %(gateway_ref)s, j.operation_ref, %(hold_expires_at)s, %(trace_id)s, %(at)s, %(recorded_at)s
FROM unnest(%(journal_ids)s::text[], %(steps)s::text[], %(sequences)s::integer[], %(entry_counts)s::integer[],
            %(operation_refs)s::text[]) AS j (journal_id, step, sequence, entry_count, operation_ref)
