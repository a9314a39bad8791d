/* A whole model: any bytes give an error, or a model that can be shown, predicts and is evaluated.
 * Checksums would keep a fuzzer at the front door, so that every input is also tried with
 * checksums that fit, and the mutator changes one section at a time and builds the file anew. */
#include "base/alloc.h"
#include "cli/model_view.h"
#include "flow/summary.h"
#include "learn/model_file.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

enum { QN_HEADER = 24, QN_ENTRY = 72, QN_ROWS = 5 };

static uint64_t load(const unsigned char *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

/* Sections as the table claims them, whatever the checksums; 0 when there is no table. */
static size_t find_sections(const unsigned char *bytes, size_t size, struct qn_section *out)
{
    if (size < QN_HEADER)
        return 0;
    uint64_t count = load(bytes + 12, 4);
    if (count > QN_MODEL_FILE_SECTIONS || QN_HEADER + count * QN_ENTRY > size)
        return 0;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *entry = bytes + QN_HEADER + i * QN_ENTRY;
        uint64_t offset = load(entry + 16, 8), length = load(entry + 24, 8);
        if (offset > size || length > size - offset)
            return 0;
        out[i] =
            (struct qn_section){.bytes = bytes + offset, .size = length, .hashed = entry[32] & 1};
        memcpy(out[i].name, entry, sizeof(out[i].name));
    }
    return count;
}

/* The file of these sections, as docs/model-file.md has it. */
static void build(const struct qn_section *sections, size_t count, struct qn_buffer *out)
{
    static const char zeros[8];
    unsigned char digest[QN_SHA256_SIZE];
    uint64_t at = QN_HEADER + count * QN_ENTRY + QN_SHA256_SIZE, size = at;
    for (size_t i = 0; i < count; i++)
        size += (sections[i].size + 7) / 8 * 8;
    qn_buffer_append(out, "QNMODEL\n", 8);
    qn_buffer_u32(out, QN_MODEL_FILE_VERSION);
    qn_buffer_u32(out, (uint32_t)count);
    qn_buffer_u64(out, size);
    for (size_t i = 0; i < count; i++) {
        qn_sha256(sections[i].bytes, sections[i].size, digest);
        qn_buffer_append(out, sections[i].name, sizeof(sections[i].name));
        qn_buffer_u64(out, at);
        qn_buffer_u64(out, sections[i].size);
        qn_buffer_u64(out, sections[i].hashed);
        qn_buffer_append(out, digest, sizeof(digest));
        at += (sections[i].size + 7) / 8 * 8;
    }
    if (!out->failed) {
        qn_sha256(out->bytes, out->size, digest);
        qn_buffer_append(out, digest, sizeof(digest));
    }
    for (size_t i = 0; i < count; i++) {
        qn_buffer_append(out, sections[i].bytes, sections[i].size);
        qn_buffer_append(out, zeros, (8 - sections[i].size % 8) % 8);
    }
}

/* Rows of the types that the model wants: ordinary, missing, extreme, a category that is new. */
static bool fill(struct qn_column *column)
{
    static const double numbers[QN_ROWS] = {0, -1.5, NAN, 1e300, INFINITY};
    static const int64_t wholes[QN_ROWS] = {0, 1, QN_MISSING_INTEGER, 18000, -719162};
    static const char *const texts[QN_ROWS] = {"red", "green fox", NULL, "", "\xc3\xa4"};
    struct qn_error err = QN_ERROR_INIT;
    struct qn_lookup *lookup = NULL;
    bool coded = qn_type_is_coded(column->type);
    bool good = !coded || qn_lookup_create(&lookup, &err) == QN_OK;
    for (size_t row = 0; good && row < QN_ROWS; row++) {
        if (column->type == QN_TYPE_NUMBER)
            column->values.number[row] = numbers[row];
        else if (column->type == QN_TYPE_BOOLEAN)
            column->values.integer[row] = row == 2 ? QN_MISSING_INTEGER : (int64_t)(row % 2);
        else if (!coded)
            column->values.integer[row] = wholes[row];
        else if (!texts[row])
            column->values.code[row] = QN_MISSING_CODE;
        else
            good = qn_lookup_add(lookup, texts[row], strlen(texts[row]), &column->values.code[row],
                                 &err) == QN_OK;
    }
    good = good && (!coded || qn_lookup_take(lookup, &column->dictionary, &err) == QN_OK);
    qn_lookup_free(lookup);
    return good;
}

static struct qn_table *make_table(const struct qn_model *model)
{
    struct qn_table *table = NULL;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_column *column = NULL;
    bool good = qn_table_create("t.csv", QN_ROWS, &table, &err) == QN_OK;
    for (size_t i = 0; good && i < qn_prep_input_count(model->prep); i++) {
        const struct qn_type_override *input = &qn_prep_inputs(model->prep)[i];
        good =
            qn_table_add(table, input->name, input->type, &column, &err) == QN_OK && fill(column);
    }
    if (good && model->target && qn_table_find(table, model->target) < 0)
        good = qn_table_add(table, model->target, model->target_type, &column, &err) == QN_OK &&
               fill(column);
    if (good)
        return table;
    qn_table_free(table);
    return NULL;
}

/* What was learned can be told, and written again. */
static void retell(const struct qn_model *model)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_buffer buffer;
    json_decref(qn_model_summary(model, "m.qnm"));
    json_decref(qn_recipe_json(qn_prep_recipe(model->prep)));
    json_decref(qn_prep_describe(model->prep));
    json_decref(model->learner->describe(model->fitted, qn_prep_feature_names(model->prep)));
    double *gains = QN_CALLOC(double, qn_prep_feature_count(model->prep));
    if (gains && model->learner->importance &&
        model->learner->importance(model->fitted, gains, &err) != QN_OK)
        assert(err.message[0]);
    qn_free(gains);
    qn_buffer_init(&buffer, (size_t)1 << 26);
    qn_prep_write(model->prep, &buffer);
    model->learner->write(model->fitted, &buffer);
    qn_buffer_release(&buffer);
}

/* Whatever a loaded model is asked for gives an answer or an error. */
static void use(const struct qn_model *model, FILE *nowhere)
{
    static const char *const all[] = {"all"};
    struct qn_error err = QN_ERROR_INIT;
    struct qn_console console = {.out = nowhere, .width = 80};
    qn_view_model(&console, model);
    retell(model);
    struct qn_table *table = make_table(model), *result = NULL;
    if (!table)
        return;
    struct qn_metrics *metrics = NULL, *baseline = NULL;
    size_t left_out = 0;
    double *outputs = NULL;
    if (qn_model_predict(model, table, NULL, QN_ROWS, NULL, &outputs, NULL, &err) == QN_OK &&
        qn_model_predictions(model, table, all, 1, outputs, &result, &err) == QN_OK) {
        char text[64];
        for (size_t i = 0; i < result->column_count; i++) {
            for (size_t row = 0; row < QN_ROWS; row++)
                qn_column_format(&result->columns[i], row, text, sizeof(text));
        }
    }
    if (qn_model_evaluate(model, table, NULL, NULL, &metrics, &baseline, &left_out, &err) == QN_OK)
        assert(left_out < QN_ROWS);
    qn_metrics_free(metrics);
    qn_metrics_free(baseline);
    qn_table_free(result);
    qn_free(outputs);
    qn_table_free(table);
}

static void run(const void *data, size_t size)
{
    static FILE *nowhere;
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    assert(nowhere);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_model *model = NULL;
    char *bytes = qn_alloc(size, 1);
    if (!bytes)
        return;
    if (size > 0)
        memcpy(bytes, data, size);
    if (qn_model_parse(bytes, size, "m.qnm", &model, &err) != QN_OK) {
        assert(err.message[0] && !model);
        qn_free(bytes);
        return;
    }
    use(model, nowhere);
    qn_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qn_section sections[QN_MODEL_FILE_SECTIONS];
    struct qn_buffer buffer;
    run(data, size);
    size_t count = find_sections(data, size, sections);
    if (count == 0)
        return 0;
    qn_buffer_init(&buffer, (size_t)1 << 26);
    build(sections, count, &buffer);
    if (!buffer.failed && (buffer.size != size || memcmp(buffer.bytes, data, size) != 0))
        run(buffer.bytes, buffer.size);
    qn_buffer_release(&buffer);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct qn_section sections[QN_MODEL_FILE_SECTIONS];
    size_t count = find_sections(data, size, sections);
    if (count == 0 || seed % 32 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    struct qn_section *section = &sections[seed / 32 % count];
    size_t room = max_size > size ? max_size - size : 0;
    uint8_t *changed = qn_alloc(section->size + room + 1, 1);
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, (size_t)1 << 26);
    if (changed) {
        if (section->size > 0)
            memcpy(changed, section->bytes, section->size);
        section->size = LLVMFuzzerMutate(changed, section->size, section->size + room);
        section->bytes = changed;
        build(sections, count, &buffer);
    }
    bool good = changed && !buffer.failed && buffer.size <= max_size;
    if (good)
        memcpy(data, buffer.bytes, buffer.size);
    size_t result = good ? buffer.size : LLVMFuzzerMutate(data, size, max_size);
    qn_buffer_release(&buffer);
    qn_free(changed);
    return result;
}
