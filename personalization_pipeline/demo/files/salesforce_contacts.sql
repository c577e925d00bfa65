-- The Contact.csv of a Salesforce data export: every cell quoted, ids of 18 characters that tell capitals from small letters.
-- Plants: duplicates that an agent merged (IsDeleted with MasterRecordId), contacts that were deleted, corrected addresses.
WITH contacts AS (
    SELECT
        records.* EXCLUDE (street, house_number, postal_code, city, touched_at),
        people.gender,
        records.touched_at,
        records.touched_at IS NOT NULL AND u(records.record_n, 'moves in') < 0.5 AS is_corrected,
        CASE WHEN is_corrected THEN people.street ELSE records.street END AS street,
        CASE WHEN is_corrected THEN CAST(people.house_number AS VARCHAR) ELSE records.house_number END AS house_number,
        CASE WHEN is_corrected THEN people.postal_code ELSE records.postal_code END AS postal_code,
        CASE WHEN is_corrected THEN people.city ELSE records.city END AS city,
        CASE WHEN records.record_n % 10 = 4 AND u(records.record_n, 'merged') < 0.25 THEN master.record_id ELSE '' END AS master_id,
        master_id <> '' OR people.persona = '' AND u(records.record_n, 'deleted') < 0.01 AS is_deleted,
        CASE WHEN people.has_card AND u(records.record_n, 'knows card') < 0.5 THEN card.record_id ELSE '' END AS card_number
    FROM (
        SELECT *, night_touched(record_n) AS touched_at
        FROM records
        WHERE source = 'salesforce_contacts' AND created_at < until_at()
    ) AS records
    JOIN people ON people.person_n = records.person_n
    LEFT JOIN records AS master ON master.record_n = CASE WHEN records.record_n % 10 = 4 THEN records.record_n - 1 END
    LEFT JOIN records AS card ON card.record_n = records.person_n * 10 + 6
    WHERE NOT is_night() OR records.created_at >= from_at() OR records.touched_at IS NOT NULL
)
SELECT
    record_id AS "Id",
    CASE WHEN is_deleted THEN '1' ELSE '0' END AS "IsDeleted",
    master_id AS "MasterRecordId",
    '' AS "AccountId",
    last_name AS "LastName",
    first_name AS "FirstName",
    CASE concat(country, gender) WHEN 'GBf' THEN 'Ms.' WHEN 'GBm' THEN 'Mr.' WHEN 'DEf' THEN 'Frau' WHEN 'DEm' THEN 'Herr' WHEN 'FRf' THEN 'Mme' ELSE 'M.' END AS "Salutation",
    '' AS "RecordTypeId",
    '' AS "OtherStreet",
    '' AS "OtherCity",
    '' AS "OtherState",
    '' AS "OtherPostalCode",
    '' AS "OtherCountry",
    '' AS "OtherLatitude",
    '' AS "OtherLongitude",
    '' AS "OtherGeocodeAccuracy",
    concat_ws(' ', CASE WHEN country <> 'DE' THEN nullif(house_number, '') END, nullif(street, ''), CASE WHEN country = 'DE' THEN nullif(house_number, '') END) AS "MailingStreet",
    city AS "MailingCity",
    '' AS "MailingState",
    postal_code AS "MailingPostalCode",
    CASE country WHEN 'GB' THEN 'United Kingdom' WHEN 'DE' THEN 'Germany' ELSE 'France' END AS "MailingCountry",
    '' AS "MailingLatitude",
    '' AS "MailingLongitude",
    '' AS "MailingGeocodeAccuracy",
    CASE WHEN u(record_n, 'phone field') < 0.2 THEN phone ELSE '' END AS "Phone",
    '' AS "Fax",
    CASE WHEN u(record_n, 'phone field') < 0.2 THEN '' ELSE phone END AS "MobilePhone",
    '' AS "HomePhone",
    '' AS "OtherPhone",
    '' AS "AssistantPhone",
    '' AS "ReportsToId",
    email AS "Email",
    '' AS "Title",
    '' AS "Department",
    '' AS "AssistantName",
    list_extract(['Web', 'Store', 'Phone Inquiry', 'Newsletter'], 1 + CAST(floor(4 * u(record_n, 'lead')) AS INTEGER)) AS "LeadSource",
    coalesce(CAST(birth_date AS VARCHAR), '') AS "Birthdate",
    '' AS "Description",
    '0055f000001AbCdAAK' AS "OwnerId",
    CASE WHEN u(person_n, 'opted out') < 0.15 THEN '1' ELSE '0' END AS "HasOptedOutOfEmail",
    '0' AS "HasOptedOutOfFax",
    CASE WHEN u(person_n, 'do not call') < 0.2 THEN '1' ELSE '0' END AS "DoNotCall",
    crm_time(created_at) AS "CreatedDate",
    '0055f000001AbCdAAK' AS "CreatedById",
    crm_time(coalesce(touched_at, updated_at)) AS "LastModifiedDate",
    '0055f000001AbCdAAK' AS "LastModifiedById",
    crm_time(coalesce(touched_at, updated_at)) AS "SystemModstamp",
    '' AS "LastActivityDate",
    card_number AS "Loyalty_Number__c",
    language AS "Preferred_Language__c",
    list_extract(['Yes', 'No', ''], 1 + CAST(floor(3 * u(record_n, 'email consent')) AS INTEGER)) AS "Email_Consent__c",
    list_extract(['Yes', 'No', ''], 1 + CAST(floor(3 * u(record_n, 'sms consent')) AS INTEGER)) AS "SMS_Consent__c"
FROM contacts
ORDER BY created_at, record_n
