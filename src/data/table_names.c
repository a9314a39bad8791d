/* Column names: made fit for a table, and looked up in the options. */
#include "data/infer_internal.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/text.h"

#include <stdio.h>

enum { QN_LISTED = 5 }; /* columns that a note names */

bool qn__read_wants(const struct qn_read_options *options, const char *name, size_t at)
{
    if (!options->columns)
        return true;
    if (at < options->wanted_count && strcmp(options->columns[at], name) == 0)
        return true;
    for (size_t i = 0; i < options->wanted_count; i++) {
        if (strcmp(options->columns[i], name) == 0)
            return true;
    }
    return false;
}

const struct qn_type_override *qn__read_override(const struct qn_read_options *options,
                                                 const char *name, size_t at)
{
    if (at < options->override_count && strcmp(options->overrides[at].name, name) == 0)
        return &options->overrides[at];
    for (size_t i = 0; i < options->override_count; i++) {
        if (strcmp(options->overrides[i].name, name) == 0)
            return &options->overrides[i];
    }
    return NULL;
}

static enum qn_status fail_unknown(const char *table_name, const char *name,
                                   const char *const *names, size_t count, struct qn_error *err)
{
    char shown[QN_SHOWN_SIZE], near[QN_SHOWN_SIZE];
    qn__show(name, strlen(name), shown);
    const char *closest = qn_text_closest(name, names, count);
    if (!closest)
        return qn_fail(err, QN_NOT_FOUND, "%s has no column '%s'", table_name, shown);
    qn__show(closest, strlen(closest), near);
    return qn_fail(err, QN_NOT_FOUND, "%s has no column '%s'; did you mean '%s'?", table_name,
                   shown, near);
}

enum qn_status qn__read_check_names(const struct qn_read_options *options, const char *table_name,
                                    const char *const *names, size_t count, struct qn_error *err)
{
    if (options->allow_unknown || (!options->columns && options->override_count == 0))
        return QN_OK;
    struct qn_lookup *known = NULL;
    int32_t code;
    enum qn_status status = qn_lookup_create(&known, err);
    for (size_t i = 0; status == QN_OK && i < count; i++)
        status = qn_lookup_add(known, names[i], strlen(names[i]), &code, err);
    for (size_t i = 0; status == QN_OK && options->columns && i < options->wanted_count; i++) {
        const char *name = options->columns[i];
        if (qn_lookup_find(known, name, strlen(name)) < 0)
            status = fail_unknown(table_name, name, names, count, err);
    }
    for (size_t i = 0; status == QN_OK && i < options->override_count; i++) {
        const char *name = options->overrides[i].name;
        if (qn_lookup_find(known, name, strlen(name)) < 0)
            status = fail_unknown(table_name, name, names, count, err);
    }
    qn_lookup_free(known);
    return status;
}

bool qn__is_missing_token(const struct qn_read_options *options, const char *text, size_t size)
{
    struct qn__missing missing = {
        .tokens = options->missing ? options->missing : qn_missing_default,
        .token_count = options->missing ? options->missing_count : qn_missing_default_count,
    };
    qn__trim(&text, &size);
    return size == 0 || qn__missing_search(&missing, text, size);
}

/* A list for a note: the first few, and how many there are. */
struct listing {
    struct qn_buffer text;
    size_t count;
};

static void list(struct listing *listing, size_t position, const char *name)
{
    char shown[QN_SHOWN_SIZE];
    if (listing->count++ >= QN_LISTED)
        return;
    qn__show(name, strlen(name), shown);
    qn_buffer_format(&listing->text, "%s%zu is now '%s'", listing->count > 1 ? ", " : "", position,
                     shown);
}

static enum qn_status list_note(struct qn_table *table, const struct listing *listing,
                                const char *what, struct qn_error *err)
{
    if (listing->count == 0)
        return QN_OK;
    enum qn_status status = qn_buffer_check(&listing->text, table->name, err);
    if (status != QN_OK)
        return status;
    return qn_table_note(table, err, "%zu column%s %s: column %s%s", listing->count,
                         listing->count == 1 ? "" : "s", what, listing->text.bytes,
                         listing->count > QN_LISTED ? " ..." : "");
}

static enum qn_status name_check(const struct qn_table *table, const char *name, size_t position,
                                 const struct qn_read_options *options, struct qn_error *err)
{
    char shown[QN_SHOWN_SIZE];
    size_t size = strlen(name);
    size_t good = qn_utf8_check(name, size);
    if (good < size)
        return qn_fail(err, QN_INVALID,
                       "%s: byte %zu of the name of column %zu is not UTF-8; convert the file, for "
                       "example: iconv -f WINDOWS-1252 -t UTF-8",
                       table->name, good + 1, position);
    if (size <= options->name_limit_bytes)
        return QN_OK;
    qn__show(name, size, shown);
    return qn_fail(err, QN_INVALID,
                   "%s: the name of column %zu, '%s', has %zu bytes; the limit is %zu", table->name,
                   position, shown, size, options->name_limit_bytes);
}

static void trim_name(char *name)
{
    const char *text = name;
    size_t size = strlen(name);
    qn__trim(&text, &size);
    memmove(name, text, size);
    name[size] = '\0';
}

static enum qn_status name_replace(char **name, const char *text, struct qn_error *err)
{
    char *copy = qn_strdup(text);
    if (!copy)
        return qn_fail_nomem(err, "column names");
    qn_free(*name);
    *name = copy;
    return QN_OK;
}

/* "name_2", or the next number that no column has; numbers[code of name] goes on where it was. */
static enum qn_status name_number(struct qn_lookup *lookup, size_t *number, char **name,
                                  struct qn_error *err)
{
    struct qn_buffer text;
    enum qn_status status;
    qn_buffer_init(&text, SIZE_MAX / 2);
    do {
        if (*number < 2)
            *number = 2;
        qn_buffer_clear(&text);
        qn_buffer_format(&text, "%s_%zu", *name, (*number)++);
        status = qn_buffer_check(&text, "column names", err);
    } while (status == QN_OK && qn_lookup_find(lookup, text.bytes, text.size) >= 0);
    int32_t code;
    if (status == QN_OK)
        status = qn_lookup_add(lookup, text.bytes, text.size, &code, err);
    if (status == QN_OK)
        status = name_replace(name, text.bytes, err);
    qn_buffer_release(&text);
    return status;
}

/* Repeated names get a number that no name of the file, wherever it stands, has. */
static enum qn_status names_number(char **names, size_t count, struct listing *repeated,
                                   struct qn_error *err)
{
    struct qn_lookup *lookup = NULL;
    int32_t *codes = QN_ALLOC(int32_t, count);
    bool *repeats = QN_CALLOC(bool, count);
    size_t *numbers = QN_CALLOC(size_t, count); /* by code of the name as written */
    enum qn_status status = QN_OK;
    if (!codes || !repeats || !numbers)
        status = qn_fail_nomem(err, "column names");
    if (status == QN_OK)
        status = qn_lookup_create(&lookup, err);
    for (size_t i = 0; status == QN_OK && i < count; i++) {
        size_t before = qn_lookup_count(lookup);
        status = qn_lookup_add(lookup, names[i], strlen(names[i]), &codes[i], err);
        repeats[i] = status == QN_OK && qn_lookup_count(lookup) == before;
    }
    for (size_t i = 0; status == QN_OK && i < count; i++) {
        if (!repeats[i])
            continue;
        status = name_number(lookup, &numbers[codes[i]], &names[i], err);
        if (status == QN_OK)
            list(repeated, i + 1, names[i]);
    }
    qn_lookup_free(lookup);
    qn_free(codes);
    qn_free(repeats);
    qn_free(numbers);
    return status;
}

enum qn_status qn__names_fix(struct qn_table *table, char **names, size_t count,
                             const struct qn_read_options *options, struct qn_error *err)
{
    struct listing unnamed = {0}, repeated = {0};
    qn_buffer_init(&unnamed.text, SIZE_MAX / 2);
    qn_buffer_init(&repeated.text, SIZE_MAX / 2);
    enum qn_status status = QN_OK;
    if (count > options->column_limit)
        status = qn_fail(err, QN_INVALID, "%s has %zu columns; the limit is %zu", table->name,
                         count, options->column_limit);
    for (size_t i = 0; status == QN_OK && i < count; i++) {
        trim_name(names[i]);
        status = name_check(table, names[i], i + 1, options, err);
        if (status != QN_OK || names[i][0] != '\0')
            continue;
        char text[32];
        snprintf(text, sizeof(text), "column_%zu", i + 1);
        status = name_replace(&names[i], text, err);
        list(&unnamed, i + 1, text);
    }
    if (status == QN_OK)
        status = names_number(names, count, &repeated, err);
    if (status == QN_OK)
        status = list_note(table, &unnamed, "without a name", err);
    if (status == QN_OK)
        status = list_note(table, &repeated, "with the name of another", err);
    qn_buffer_release(&unnamed.text);
    qn_buffer_release(&repeated.text);
    return status;
}
