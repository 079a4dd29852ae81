-- purpose: the claims of the cohort's movements
-- grain: one movement and one line
-- inputs: claims, movements
-- parameters: none
SELECT c.journal_id, c.line_id, c.rule
FROM claims AS c
WHERE c.journal_id IN (SELECT journal_id FROM movements WHERE in_cohort)
ORDER BY c.journal_id NULLS LAST, c.line_id NULLS LAST
