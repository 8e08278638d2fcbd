/* scan_deletes.c - see scan_deletes.h. */
#include "iceberg/scan_deletes.h"

#include <stdlib.h>

#include "base/map.h"

enum { DELETE_FILE_PATH_ID = 2147483546 }; /* column of position delete files; spec, "Reserved Field IDs" */

typedef Vec(const ScanDelete *) DeleteList;

struct DeleteIndex {
    const TableMetadata *table;
    const IceSchema *schema;
    Arena *arena;
    Map *by_path;      /* path -> PathDeletes */
    Map *by_partition; /* spec and values -> PartitionDeletes */
    DeleteList global; /* equality deletes of unpartitioned specs */
    Vec(struct PartitionDeletes *) partitions;
    DeleteList found; /* of the file at hand */
};

typedef struct PathDeletes {
    const ScanDelete *vector; /* deletion vector */
    DeleteList positions;
} PathDeletes;

typedef struct PartitionDeletes {
    DeleteList deletes; /* by sequence number, once sealed */
} PartitionDeletes;

static void free_maps(void *arg)
{
    DeleteIndex *index = arg;

    map_free(index->by_path);
    map_free(index->by_partition);
}

DeleteIndex *delete_index_new(const TableMetadata *table, const IceSchema *schema, Arena *arena)
{
    DeleteIndex *index = arena_new_of(arena, DeleteIndex);

    *index = (DeleteIndex){
        .table = table, .schema = schema, .arena = arena, .by_path = map_new(), .by_partition = map_new()
    };
    arena_on_free(arena, free_maps, index);
    return index;
}

/* The path of the one data file that a position delete file is about; ptr NULL when it may be several. */
static Str referenced_path(const IceDataFile *file)
{
    if (file->referenced_data_file.ptr)
        return file->referenced_data_file;
    const IceColumnMetrics *paths = ice_file_column(file, DELETE_FILE_PATH_ID);
    if (paths && paths->lower.ptr && paths->upper.ptr && str_eq(paths->lower, paths->upper))
        return paths->lower;
    return STR_NULL;
}

static Str partition_key(DeleteIndex *index, const IceDataFile *file)
{
    _cleanup_buf_ Buf key = BUF_INIT(1 << 24);

    buf_append(&key, &file->spec_id, sizeof file->spec_id);
    for (size_t i = 0; i < file->n_partition; i++) {
        const IceValue *value = &file->partition[i];
        buf_putc(&key, value->is_null);
        if (value->is_null)
            continue;
        Str bytes = ice_value_to_bytes(value, index->arena);
        buf_append(&key, &bytes.len, sizeof bytes.len);
        buf_add(&key, bytes);
    }
    return arena_str(index->arena, buf_str(&key));
}

static PathDeletes *path_slot(DeleteIndex *index, Str path)
{
    PathDeletes *slot = map_get(index->by_path, path);

    if (!slot) {
        slot = arena_new_of(index->arena, PathDeletes);
        map_put(index->by_path, path, slot);
    }
    return slot;
}

static PartitionDeletes *partition_slot(DeleteIndex *index, const IceDataFile *file)
{
    Str key = partition_key(index, file);
    PartitionDeletes *slot = map_get(index->by_partition, key);

    if (!slot) {
        slot = arena_new_of(index->arena, PartitionDeletes);
        map_put(index->by_partition, key, slot);
        *vec_push(index->arena, &index->partitions) = slot;
    }
    return slot;
}

int delete_index_add(DeleteIndex *index, const ScanDelete *delete, Error *err)
{
    const IceDataFile *file = delete->file;

    if (ice_file_is_dv(file)) {
        if (!file->referenced_data_file.ptr)
            return err_set(err, ERR_ICEBERG_BAD_DATA, "deletion vector in %.*s does not say its data file",
                           STR_ARG(file->path));
        PathDeletes *slot = path_slot(index, file->referenced_data_file);
        if (slot->vector)
            return err_set(err, ERR_ICEBERG_BAD_DATA, "two deletion vectors for %.*s",
                           STR_ARG(file->referenced_data_file));
        slot->vector = delete;
        return 0;
    }
    if (file->content == ICE_CONTENT_POSITION_DELETES) {
        Str path = referenced_path(file);
        DeleteList *list =
            path.ptr ? &path_slot(index, path)->positions : &partition_slot(index, file)->deletes;
        *vec_push(index->arena, list) = delete;
        return 0;
    }
    const IcePartitionSpec *spec = metadata_spec(index->table, file->spec_id);
    DeleteList *list =
        !spec || spec->n_fields == 0 ? &index->global : &partition_slot(index, file)->deletes;
    *vec_push(index->arena, list) = delete;
    return 0;
}

static int compare_sequence(const void *a, const void *b)
{
    const ScanDelete *x = *(const ScanDelete *const *)a, *y = *(const ScanDelete *const *)b;
    return (x->sequence_number > y->sequence_number) - (x->sequence_number < y->sequence_number);
}

void delete_index_seal(DeleteIndex *index)
{
    if (index->global.n > 0)
        qsort(index->global.items, index->global.n, sizeof *index->global.items, compare_sequence);
    for (size_t i = 0; i < index->partitions.n; i++) {
        DeleteList *list = &index->partitions.items[i]->deletes;
        qsort(list->items, list->n, sizeof *list->items, compare_sequence);
    }
}

/* --- does a delete file apply? --- */

/* By the bounds of the path column. */
static bool may_hold_path(const IceDataFile *delete, Str path)
{
    const IceColumnMetrics *paths = ice_file_column(delete, DELETE_FILE_PATH_ID);

    return !paths || ((!paths->lower.ptr || str_cmp(path, paths->lower) >= 0) &&
                      (!paths->upper.ptr || str_cmp(path, paths->upper) <= 0));
}

static bool is_all_null(const IceColumnMetrics *column)
{
    return column->null_count > 0 && column->null_count == column->value_count;
}

static bool bounds_are_apart(const IceType *type, const IceColumnMetrics *a, const IceColumnMetrics *b)
{
    IceValue a_lower, a_upper, b_lower, b_upper;

    if (!a->lower.ptr || !a->upper.ptr || !b->lower.ptr || !b->upper.ptr ||
        ice_value_from_bytes(type, a->lower, &a_lower, NULL) < 0 ||
        ice_value_from_bytes(type, a->upper, &a_upper, NULL) < 0 ||
        ice_value_from_bytes(type, b->lower, &b_lower, NULL) < 0 ||
        ice_value_from_bytes(type, b->upper, &b_upper, NULL) < 0)
        return false;
    return ice_value_compare(&a_upper, &b_lower) < 0 || ice_value_compare(&b_upper, &a_lower) < 0;
}

/* Can no row of the data file equal a row of the equality delete file in this column? NULL equals NULL here,
 * and NaN (which bounds leave out) equals NaN. */
static bool column_excludes(const IceType *type, const IceColumnMetrics *data,
                            const IceColumnMetrics *delete)
{
    bool may_share_null = data->null_count != 0 && delete->null_count != 0;

    if ((is_all_null(data) && delete->null_count == 0) || (is_all_null(delete) && data->null_count == 0))
        return true;
    if (type->id == ICE_FLOAT || type->id == ICE_DOUBLE)
        return false;
    return !may_share_null && bounds_are_apart(type, data, delete);
}

static bool may_hold_equal_rows(DeleteIndex *index, const IceDataFile *data, const IceDataFile *delete)
{
    for (size_t i = 0; i < delete->n_equality_ids; i++) {
        const IceField *field = ice_schema_find(index->schema, delete->equality_ids[i]);
        const IceColumnMetrics *a = ice_file_column(data, delete->equality_ids[i]);
        const IceColumnMetrics *b = ice_file_column(delete, delete->equality_ids[i]);
        if (field && a && b && column_excludes(field->type, a, b))
            return false;
    }
    return true;
}

static bool applies(DeleteIndex *index, const ScanFile *file, const ScanDelete *delete, bool has_vector)
{
    if (delete->file->content == ICE_CONTENT_EQUALITY_DELETES)
        return file->sequence_number < delete->sequence_number &&
               may_hold_equal_rows(index, file->file, delete->file);
    return !has_vector && file->sequence_number <= delete->sequence_number &&
           may_hold_path(delete->file, file->file->path);
}

static void find_in(DeleteIndex *index, const DeleteList *list, const ScanFile *file, bool has_vector)
{
    size_t low = 0, high = list->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->items[middle]->sequence_number < file->sequence_number)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < list->n; low++)
        if (applies(index, file, list->items[low], has_vector))
            *vec_push(index->arena, &index->found) = list->items[low];
}

static int check_vector(const ScanFile *file, const ScanDelete *vector, Error *err)
{
    if (vector->sequence_number < file->sequence_number)
        return err_set(err, ERR_ICEBERG_BAD_DATA, "deletion vector of %.*s is older than its data file",
                       STR_ARG(file->file->path));
    if (!ice_partition_equal(vector->file, file->file))
        return err_set(err, ERR_ICEBERG_BAD_DATA,
                       "deletion vector of %.*s is of another partition than its data file",
                       STR_ARG(file->file->path));
    return 0;
}

int delete_index_find(DeleteIndex *index, ScanFile *file, Error *err)
{
    const PathDeletes *by_path = map_get(index->by_path, file->file->path);
    const ScanDelete *vector = by_path ? by_path->vector : NULL;

    index->found.n = 0;
    if (vector) {
        if (check_vector(file, vector, err) < 0)
            return -1;
        *vec_push(index->arena, &index->found) = vector;
    }
    for (size_t i = 0; by_path && !vector && i < by_path->positions.n; i++)
        if (applies(index, file, by_path->positions.items[i], false) &&
            ice_partition_equal(by_path->positions.items[i]->file, file->file))
            *vec_push(index->arena, &index->found) = by_path->positions.items[i];
    if (index->partitions.n > 0) {
        const PartitionDeletes *by_partition =
            map_get(index->by_partition, partition_key(index, file->file));
        if (by_partition)
            find_in(index, &by_partition->deletes, file, vector != NULL);
    }
    find_in(index, &index->global, file, vector != NULL);

    size_t n = index->found.n;
    const ScanDelete **deletes = arena_array(index->arena, const ScanDelete *, n);
    if (n > 0)
        memcpy(deletes, index->found.items, n * sizeof *deletes);
    file->deletes = deletes;
    file->n_deletes = n;
    return 0;
}
