/* scan_deletes.h - which delete files apply to which data files. Part of scan.c.
 * Source: Iceberg table spec, "Scan Planning". */
#pragma once

#include "iceberg/scan.h"

typedef struct DeleteIndex DeleteIndex;

/* The schema gives the types of equality columns. Lives in the arena. */
DeleteIndex *delete_index_new(const TableMetadata *table, const IceSchema *schema, Arena *arena);
int delete_index_add(DeleteIndex *index, const ScanDelete *delete, Error *err);
/* After the last: may be asked from now on. */
void delete_index_seal(DeleteIndex *index);
/* Sets the deletes of a file. ERR_ICEBERG_BAD_DATA for a deletion vector that contradicts the file. */
int delete_index_find(DeleteIndex *index, ScanFile *file, Error *err);
