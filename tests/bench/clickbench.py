"""Web analytics in one wide table: the 43 questions of ClickBench, put in Trino's SQL, on made-up rows of its schema.

Only the columns that the questions name are made. The rows are a function of their number, so that every machine has the same."""

TABLE = 'hits'
PERIOD = "counterid = 62 AND eventdate BETWEEN DATE '2013-07-01' AND DATE '2013-07-31'"
VISIBLE = f"{PERIOD} AND dontcounthits = 0 AND isrefresh = 0"
SEARCHED = "searchphrase <> ''"


def top(what, where='', by='c', limit=10, having=''):
    """Groups by what is named first, the largest first."""
    keys = what.split(' | ')[0]
    select = what.replace(' | ', ', ')
    return (f'SELECT {select} FROM hits{" WHERE " + where if where else ""} GROUP BY {keys}{having} ORDER BY {by} DESC'
            f'{" LIMIT " + str(limit) if limit else ""}')


HOST = "regexp_replace(referer, '^https?://(?:www\\.)?([^/]+)/.*$', '$1')"
QUERIES = dict(enumerate([
    'SELECT count(*) FROM hits',
    'SELECT count(*) FROM hits WHERE advengineid <> 0',
    'SELECT sum(advengineid), count(*), avg(resolutionwidth) FROM hits',
    'SELECT avg(userid) FROM hits',
    'SELECT count(DISTINCT userid) FROM hits',
    'SELECT count(DISTINCT searchphrase) FROM hits',
    'SELECT min(eventdate), max(eventdate) FROM hits',
    top('advengineid | count(*) AS c', 'advengineid <> 0', limit=0),
    top('regionid | count(DISTINCT userid) AS c'),
    top('regionid | sum(advengineid), count(*) AS c, avg(resolutionwidth), count(DISTINCT userid)'),
    top('mobilephonemodel | count(DISTINCT userid) AS c', "mobilephonemodel <> ''"),
    top('mobilephone, mobilephonemodel | count(DISTINCT userid) AS c', "mobilephonemodel <> ''"),
    top('searchphrase | count(*) AS c', SEARCHED),
    top('searchphrase | count(DISTINCT userid) AS c', SEARCHED),
    top('searchengineid, searchphrase | count(*) AS c', SEARCHED),
    top('userid | count(*) AS c'),
    top('userid, searchphrase | count(*) AS c'),
    'SELECT userid, searchphrase, count(*) FROM hits GROUP BY userid, searchphrase LIMIT 10',
    'SELECT userid, extract(minute FROM eventtime) AS m, searchphrase, count(*) AS c FROM hits GROUP BY 1, 2, 3 ORDER BY c DESC LIMIT 10',
    'SELECT userid FROM hits WHERE userid = 4350',
    "SELECT count(*) FROM hits WHERE url LIKE '%google%'",
    top('searchphrase | min(url), count(*) AS c', f"url LIKE '%google%' AND {SEARCHED}"),
    top('searchphrase | min(url), min(title), count(*) AS c, count(DISTINCT userid)', f"title LIKE '%Google%' AND url NOT LIKE '%.google.%' AND {SEARCHED}"),
    "SELECT * FROM hits WHERE url LIKE '%google%' ORDER BY eventtime LIMIT 10",
    f'SELECT searchphrase FROM hits WHERE {SEARCHED} ORDER BY eventtime LIMIT 10',
    f'SELECT searchphrase FROM hits WHERE {SEARCHED} ORDER BY searchphrase LIMIT 10',
    f'SELECT searchphrase FROM hits WHERE {SEARCHED} ORDER BY eventtime, searchphrase LIMIT 10',
    top('counterid | avg(length(url)) AS l, count(*) AS c', "url <> ''", 'l', 25, ' HAVING count(*) > 1000'),
    f"SELECT {HOST} AS k, avg(length(referer)) AS l, count(*) AS c, min(referer) FROM hits WHERE referer <> '' GROUP BY {HOST} "
    'HAVING count(*) > 1000 ORDER BY l DESC LIMIT 25',
    f'SELECT {", ".join(f"sum(resolutionwidth + {n})" for n in range(90))} FROM hits',
    top('searchengineid, clientip | count(*) AS c, sum(isrefresh), avg(resolutionwidth)', SEARCHED),
    top('watchid, clientip | count(*) AS c, sum(isrefresh), avg(resolutionwidth)', SEARCHED),
    top('watchid, clientip | count(*) AS c, sum(isrefresh), avg(resolutionwidth)'),
    top('url | count(*) AS c'),
    'SELECT 1, url, count(*) AS c FROM hits GROUP BY 1, url ORDER BY c DESC LIMIT 10',
    top('clientip, clientip - 1, clientip - 2, clientip - 3 | count(*) AS c'),
    top('url | count(*) AS c', f"{VISIBLE} AND url <> ''"),
    top('title | count(*) AS c', f"{VISIBLE} AND title <> ''"),
    f'SELECT url, count(*) AS c FROM hits WHERE {PERIOD} AND isrefresh = 0 AND islink <> 0 AND isdownload = 0 GROUP BY url ORDER BY c DESC OFFSET 100 LIMIT 10',
    'SELECT traficsourceid, searchengineid, advengineid, CASE WHEN searchengineid = 0 AND advengineid = 0 THEN referer ELSE \'\' END AS src, url AS dst, '
    f'count(*) AS c FROM hits WHERE {PERIOD} AND isrefresh = 0 GROUP BY 1, 2, 3, 4, 5 ORDER BY c DESC OFFSET 100 LIMIT 10',
    f'SELECT urlhash, eventdate, count(*) AS c FROM hits WHERE {PERIOD} AND isrefresh = 0 AND traficsourceid IN (-1, 6) AND refererhash = 35 '
    'GROUP BY urlhash, eventdate ORDER BY c DESC OFFSET 10 LIMIT 10',
    f'SELECT windowclientwidth, windowclientheight, count(*) AS c FROM hits WHERE {VISIBLE} AND urlhash = 28 '
    'GROUP BY windowclientwidth, windowclientheight ORDER BY c DESC OFFSET 10 LIMIT 10',
    "SELECT date_trunc('minute', eventtime) AS m, count(*) AS c FROM hits WHERE counterid = 62 AND eventdate BETWEEN DATE '2013-07-14' AND DATE '2013-07-15' "
    'AND isrefresh = 0 AND dontcounthits = 0 GROUP BY 1 ORDER BY m OFFSET 100 LIMIT 10',
], 1))

# skew(n): small numbers are met often, as users, phrases and pages are.
ROWS = '''
SELECT h1 AS watchid, CAST(h1 % 2 AS SMALLINT) AS javaenable,
       CASE h2 % 50 WHEN 0 THEN 'Google search ' ELSE 'Page ' END || CAST(skew(h2, 20000) AS VARCHAR) || ' of a site with a longish title' AS title,
       TIMESTAMP '2013-07-01 00:00:00' + to_seconds(CAST(n * 2678400 / rows AS BIGINT)) AS eventtime,
       CAST(TIMESTAMP '2013-07-01 00:00:00' + to_seconds(CAST(n * 2678400 / rows AS BIGINT)) AS DATE) AS eventdate,
       CAST(62 + skew(h3, 3000) AS INTEGER) AS counterid, CAST(skew(h4, 200000) AS INTEGER) AS clientip,
       CAST(skew(h5, 5000) AS INTEGER) AS regionid, CAST(skew(h6, 100000) AS BIGINT) AS userid,
       CAST(h1 % 90 AS SMALLINT) AS os, CAST(h2 % 80 AS SMALLINT) AS useragent,
       CASE h3 % 60 WHEN 0 THEN 'http://www.google.com/q=' ELSE 'http://example' || CAST(skew(h3, 100) AS VARCHAR) || '.com/path/' END
           || CAST(skew(h2, 50000) AS VARCHAR) AS url,
       CASE WHEN h4 % 3 = 0 THEN '' ELSE 'https://www.site' || CAST(skew(h4, 300) AS VARCHAR) || '.org/from/' || CAST(h4 % 1000 AS VARCHAR) END AS referer,
       CAST(h5 % 10 = 0 AS SMALLINT) AS isrefresh, CAST(skew(h4, 1000) AS BIGINT) AS refererhash, CAST(skew(h2, 1000) AS BIGINT) AS urlhash,
       CAST(CASE h6 % 4 WHEN 0 THEN 1024 WHEN 1 THEN 1366 WHEN 2 THEN 1920 ELSE 0 END AS SMALLINT) AS resolutionwidth,
       CAST(CASE WHEN h1 % 40 = 0 THEN h2 % 30 ELSE 0 END AS SMALLINT) AS advengineid,
       CAST(h2 % 10 - 1 AS SMALLINT) AS traficsourceid, CAST(CASE WHEN h3 % 8 = 0 THEN h3 % 60 ELSE 0 END AS SMALLINT) AS searchengineid,
       CASE WHEN h4 % 8 = 0 THEN 'phrase ' || CAST(skew(h1, 30000) AS VARCHAR) ELSE '' END AS searchphrase,
       CAST(h5 % 100 AS SMALLINT) AS mobilephone, CASE WHEN h5 % 20 = 0 THEN 'model ' || CAST(h5 % 160 AS VARCHAR) ELSE '' END AS mobilephonemodel,
       CAST(h6 % 5 = 0 AS SMALLINT) AS islink, CAST(h6 % 50 = 0 AS SMALLINT) AS isdownload, CAST(h1 % 20 = 0 AS SMALLINT) AS dontcounthits,
       CAST(skew(h1, 2000) AS SMALLINT) AS windowclientwidth, CAST(skew(h2, 1200) AS SMALLINT) AS windowclientheight
FROM (SELECT n, {rows} AS rows, h(n, 1) AS h1, h(n, 2) AS h2, h(n, 3) AS h3, h(n, 4) AS h4, h(n, 5) AS h5, h(n, 6) AS h6 FROM range({rows}) AS t(n))'''


def write_rows(path, rows):
    import duckdb
    connection = duckdb.connect()
    connection.execute('CREATE MACRO h(n, salt) AS CAST(hash(n * 8 + salt) >> 1 AS BIGINT)')
    connection.execute('CREATE MACRO skew(h, most) AS CAST(floor(most * power((h % 1000003) / 1000003.0, 3)) AS BIGINT)')
    connection.execute(f"COPY ({ROWS.format(rows=rows)}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
