/* purge.h - deletes the files of a dropped table: what its metadata reaches, never a folder. */
#pragma once

#include "catalog/catalog.h"

/* Deletes all files that the purge's metadata document reaches and that lie in locations of the purge: first
 * data, then what leads to it, so that a purge that was interrupted finds its way again. 0 when nothing is
 * left that it could delete. */
int cat_purge_run(Catalog *c, const RegPurge *purge, Error *err);
