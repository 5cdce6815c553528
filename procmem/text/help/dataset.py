"""The help of ``procmem dataset``."""

from procmem.text import N_

__all__ = [
    "ADD", "ADD_EPILOG", "ALL", "AT", "COMPACT", "DEEP", "EPILOG", "FROM", "HELP", "HOST", "HOST_BY_FOLDER", "NAMED",
    "OUTPUT", "QUERY", "QUERY_EPILOG", "QUERY_FLAGS", "ROWS", "SCHEMA", "SCHEMA_FLAGS", "SHOW_SQL",
]  # fmt: skip

HELP = N_("""Keep looks at processes of many machines as Parquet, and ask them by SQL.

A dataset is a folder with two tables, processes and regions, divided by date and host. DuckDB answers here; Spark,
Trino and whatever reads Parquet answer the same elsewhere.

Needs DuckDB and Arrow: pip install 'procmem[dataset]'.
""")
EPILOG = N_("""\b
Examples:
  procmem dataset add --all -o fleet
  procmem dataset add --from recordings/ --host-by-folder -o fleet
  procmem dataset query fleet --named growth-by-class
  procmem dataset query fleet 'SELECT MAX(arenas) FROM processes'
""")
ADD = N_("""Add looks: of living processes, of recordings, of every moment of a series.

TARGET is a pid, 'self', /proc/PID, or a path: of a recording, a series, or a folder with such. What is in the dataset
already is known by its content, and left out. Whatever ends it, what a query sees is whole.
""")
ADD_EPILOG = N_("""\b
Examples:
  procmem dataset add --all -o fleet           every process of this machine
  procmem dataset add --from *.tar.gz --host web1 -o fleet
  procmem dataset add --from recs/ --host-by-folder -o fleet
                                               recs/web1/monday.tar.gz, ...
  procmem dataset add --from leak.series --host web1 -o fleet
""")
OUTPUT = N_("The folder of the dataset; made where there is none.")
ALL = N_("All processes of this machine.")
FROM = N_("Read recordings and series: further words are further paths.")
HOST = N_("The machine that recordings are of, whatever they say; that of living processes is this one unless given.")
HOST_BY_FOLDER = N_("The folder that a recording lies in is called by its machine.")
AT = N_("When recordings were made that do not say so (ISO 8601).")
DEEP = N_("Also read a few words of the target's memory: see procmem inspect --help.")
COMPACT = N_("""Put the many small files of each day and host together to few, which are read faster.

No row is missing or there twice at any moment; a query that has begun before may fail, and is to be asked again.
""")
QUERY = N_("""Ask a dataset: views processes and regions, one statement of SQL that reads, or a named query.

A query reads the files of the dataset and nothing else, and writes nothing.
""")
NAMED = N_("A query that is there: see procmem dataset schema.")
ROWS = N_("The most rows of the answer (10000).")
SHOW_SQL = N_("Print the SQL instead, for other engines.")
QUERY_FLAGS = {
    "--json": N_("Schema {schema}: columns, rows, and whether there were more."),
    "--csv": N_("The answer as CSV, in bytes."),
    "--markdown": N_("The answer in Markdown."),
}
QUERY_EPILOG = N_("""\b
Examples:
  procmem dataset query fleet --named most-arenas --human
  procmem dataset query fleet --named outliers --csv
  procmem dataset query fleet "SELECT MAX(rss) AS rss_bytes FROM processes"
  procmem dataset query fleet --named swap-by-service --show-sql

Columns whose names end in _bytes are written as sizes.
""")
SCHEMA = N_("Show the columns of both tables and what they mean, and the named queries.")
SCHEMA_FLAGS = {"--json": N_("Schema {schema}.")}
