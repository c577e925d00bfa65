-- One row per record as it is compared with others: `standardised`, without the values that are set aside. Where people of different first names share a mailbox or a number, it says nothing about a record without a first name.
-- owner: team:data-engineering
-- private
-- view
-- columns: record_key VARCHAR, contact_digest UBIGINT, email_std VARCHAR, phone_std VARCHAR
-- column contact_digest: of what is compared: another one as soon as one of its values is set aside, or no longer is
-- check: count(*) - count(DISTINCT record_key) = 0
WITH nameless AS (
    SELECT email_std, phone_std
    FROM standardised
    WHERE first_name_std IS NULL
), mailboxes AS (
    SELECT email_std
    FROM standardised
    SEMI JOIN nameless USING (email_std)
    GROUP BY email_std
    HAVING min(substr(first_name_std, 1, 1)) <> max(substr(first_name_std, 1, 1))
), numbers AS (
    SELECT phone_std
    FROM standardised
    SEMI JOIN nameless USING (phone_std)
    GROUP BY phone_std
    HAVING min(substr(first_name_std, 1, 1)) <> max(substr(first_name_std, 1, 1))
), marked AS (
    SELECT
        standardised.*,
        emails.value IS NOT NULL OR mailboxes.email_std IS NOT NULL AS is_email_aside,
        emails.value IS NOT NULL OR mailboxes.email_std IS NOT NULL OR locals.value IS NOT NULL AS is_local_aside,
        phones.value IS NOT NULL OR numbers.phone_std IS NOT NULL AS is_phone_aside,
        given.value IS NOT NULL AS is_key_aside
    FROM standardised
    LEFT JOIN mailboxes ON standardised.first_name_std IS NULL AND mailboxes.email_std = standardised.email_std
    LEFT JOIN numbers ON standardised.first_name_std IS NULL AND numbers.phone_std = standardised.phone_std
    LEFT JOIN shared_values AS emails ON emails.kind = 'email' AND emails.value = standardised.email_std
    LEFT JOIN shared_values AS locals ON locals.kind = 'email_local' AND locals.value = standardised.email_local
    LEFT JOIN shared_values AS phones ON phones.kind = 'phone' AND phones.value = standardised.phone_std
    LEFT JOIN shared_values AS given ON given.kind = 'same_as_key' AND given.value = standardised.same_as_key
)
SELECT
    * EXCLUDE (is_email_aside, is_local_aside, is_phone_aside, is_key_aside) REPLACE (
        CASE
            WHEN is_local_aside OR is_phone_aside OR is_key_aside THEN md5_number_lower(concat_ws(
                '|',
                contact_digest,
                is_email_aside,
                is_local_aside,
                is_phone_aside,
                is_key_aside
            ))
            ELSE contact_digest
        END AS contact_digest,
        CASE WHEN NOT is_email_aside THEN email_std END AS email_std,
        CASE WHEN NOT is_local_aside THEN email_local END AS email_local,
        CASE WHEN NOT is_phone_aside THEN phone_std END AS phone_std,
        CASE WHEN NOT is_key_aside THEN same_as_key END AS same_as_key
    )
FROM marked
