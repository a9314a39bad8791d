#include "data/table.h"

#include "base/alloc.h"

#include <string.h>

static enum qn_status copy_dictionary(const struct qn_dictionary *from, struct qn_dictionary *to,
                                      const char *name, struct qn_error *err)
{
    if (from->count == 0)
        return QN_OK;
    size_t size = (size_t)from->offsets[from->count];
    uint64_t *offsets = QN_ALLOC(uint64_t, from->count + 1);
    char *bytes = QN_ALLOC(char, size);
    if (!offsets || !bytes) {
        qn_free(offsets);
        qn_free(bytes);
        return qn_fail_nomem(err, name);
    }
    memcpy(offsets, from->offsets, (from->count + 1) * sizeof(*offsets));
    memcpy(bytes, from->bytes, size);
    *to = (struct qn_dictionary){.count = from->count, .offsets = offsets, .bytes = bytes};
    return QN_OK;
}

enum qn_status qn_table_copy_column(const struct qn_table *from, size_t column, struct qn_table *to,
                                    struct qn_error *err)
{
    const struct qn_column *source = &from->columns[column];
    struct qn_column *copy = NULL;
    enum qn_status status = qn_table_add(to, source->name, source->type, &copy, err);
    if (status != QN_OK)
        return status;
    bool coded = qn_type_is_coded(source->type);
    size_t width = coded ? sizeof(int32_t) : sizeof(int64_t);
    memcpy(copy->values.any, source->values.any, from->row_count * width);
    copy->missing_count = source->missing_count;
    return coded ? copy_dictionary(&source->dictionary, &copy->dictionary, from->name, err) : QN_OK;
}
