-- One row per true person, with what she is like: all latent truths of the world.
-- Plants: taken mailboxes get a number, as mail services do; landlines are given out until the block of a town is used up.
WITH wanted AS (
    SELECT mailbox AS local, mailbox_domain AS domain, mailbox_owner AS owner FROM people_drawn
    UNION
    SELECT other_mailbox, other_domain, other_owner FROM people_drawn
), given AS (
    SELECT
        owner,
        local,
        domain,
        row_number() OVER (PARTITION BY local, domain ORDER BY owner) AS place
    FROM wanted
), mailboxes AS (
    SELECT owner, concat(local, CASE WHEN place > 1 THEN concat('_', place) END, '@', domain) AS email
    FROM given
), homes AS (
    SELECT DISTINCT household_n, landline_block, country
    FROM people_drawn
    WHERE has_landline
), landlines AS (
    SELECT
        household_n,
        landline_block,
        CASE country WHEN 'FR' THEN 10 ELSE 11 END - length(landline_block) AS digits,
        CASE country WHEN 'GB' THEN '+44' WHEN 'DE' THEN '+49' ELSE '+33' END AS code,
        row_number() OVER (PARTITION BY landline_block ORDER BY household_n) - 1 AS place
    FROM homes
), lines AS (
    SELECT
        household_n,
        concat(code, substr(landline_block, 2), lpad(CAST((place * 7 + 3) % CAST(power(10, digits) AS BIGINT) AS VARCHAR), CAST(digits AS INTEGER), '0')) AS landline
    FROM landlines
    WHERE place < power(10, digits)
)
SELECT
    drawn.* EXCLUDE (mailbox, mailbox_domain, mailbox_owner, other_mailbox, other_domain, other_owner, landline_block, has_landline),
    main.email,
    CASE WHEN drawn.persona = 'shared_mailbox' THEN main.email ELSE other.email END AS other_email,
    coalesce(lines.landline, '') AS landline
FROM people_drawn AS drawn
JOIN mailboxes AS main ON main.owner = CASE WHEN drawn.persona = 'shared_mailbox' THEN drawn.household_n * 4 ELSE drawn.mailbox_owner END
JOIN mailboxes AS other ON other.owner = drawn.other_owner
LEFT JOIN lines ON lines.household_n = drawn.household_n
ORDER BY drawn.person_n
