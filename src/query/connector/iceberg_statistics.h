/* iceberg_statistics.h - what ANALYZE leaves with a table. */
#pragma once

#include "query/connector/iceberg_procedures.h"

int procedure_drop_statistics(Procedure *p, Error *err);
