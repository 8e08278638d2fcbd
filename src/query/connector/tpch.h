/* tpch.h - the tpch catalog: TPC-H data made when it is first read. */
#pragma once

#include "query/connector/catalogs_internal.h"

TpchData *tpch_data_new(void);
void tpch_data_free(TpchData *data);
