-- A row of the outbox is written, lent once and deleted, within a minute. With room on its page lending it writes no
-- index; and what was deleted is cleared by its number, not by a share of a table that is mostly empty.
ALTER TABLE outbox SET (
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000);
