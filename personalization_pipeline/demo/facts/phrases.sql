-- One row per kind of text and language: all texts of that kind, to pick one by hash.
SELECT kind, language, list(text ORDER BY text) AS texts
FROM phrase_list
GROUP BY kind, language
