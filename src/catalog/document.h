/* document.h - metadata documents in memory: their text, ready to be put into replies, and their model.
 *
 * A document's location is never written twice, so what is known of it never goes stale: the cache needs no
 * invalidation, and which document is current is asked of the registry every time. The cache is bounded in
 * bytes, least recently used go first.
 *
 * A Document is immutable but for what is made when first asked for (the refs-only text, the model). It is
 * reference-counted, also beyond the cache's life. Thread-safe. */
#pragma once

#include "iceberg/view.h"

typedef struct Document Document;
typedef struct DocumentCache DocumentCache;

DocumentCache *cat_document_cache_new(size_t max_bytes);
void cat_document_cache_free(DocumentCache *cache);

/* A reference, or NULL when it is not in the cache. */
Document *cat_document_cache_get(DocumentCache *cache, Str location);
/* Puts a document in; one that is there already stays and is what later gets answer. */
void cat_document_cache_put(DocumentCache *cache, Document *document);

void cat_document_cache_remove(DocumentCache *cache,
                               Str location); /* a document that no pointer names any more */

/* Makes a document of the text of a file, which is parsed, and written anew so that what readers demand is in
 * it. ERR_ICEBERG_INVALID_METADATA. */
int cat_document_parse(Str location, Str text, Document **ret, Error *err);
/* Writes a model's text. The document does not keep the model. ERR_LIMIT. */
int cat_document_new(Str location, const TableMetadata *table, Document **ret, Error *err);
/* Gives a document that has no model yet the one it was written from, so that the next commit need not parse.
 * `arena` (taken over) holds what the model has beyond that of `base`, which may be NULL and is kept alive as
 * long as needed. */
void cat_document_set_model(Document *document, const TableMetadata *table, Arena *arena, Document *base);
/* A view's: the text alone. */
int cat_document_of_view(Str location, const ViewMetadata *view, Document **ret, Error *err);
Document *cat_document_ref(Document *document);
void cat_document_unref(Document *document); /* NULL is fine */
void cat_document_unrefp(Document **document);
#define _cleanup_document_ __attribute__((cleanup(cat_document_unrefp)))

Str cat_document_location(const Document *document);
Str cat_document_text(const Document *document); /* JSON; lives as long as the document */
/* The text with only those snapshots that a branch or tag names; made when first asked for. */
int cat_document_refs_text(Document *document, Str *ret, Error *err);
bool cat_document_has_refs_text(Document *document); /* it was made before */
/* The model; lives as long as the document. Parsed from the text when it is not at hand. */
int cat_document_table(Document *document, const TableMetadata **ret, Error *err);
