/* limits.h - the limits that several modules share, each with its reason. Module limits are in the modules.
 */
#pragma once

enum {
    LIMIT_HTTP_HEADER_BYTES =
        16 * 1024, /* request line and headers; what nginx and the JVM servers take by default */
    LIMIT_HTTP_URI_BYTES = 8 * 1024,
    LIMIT_HTTP_HEADERS = 100,
    LIMIT_JSON_DEPTH = 64, /* deeper documents are attacks, not data */
    LIMIT_XML_DEPTH = 16,
    LIMIT_SQL_BYTES = 1000000, /* Trino's query.max-length */
    LIMIT_CONFIG_BYTES = 1 << 20,
    LIMIT_METADATA_BYTES = 256 << 20, /* a table metadata file; real ones reach tens of MB */
};
