/* Writing tables: the path's ending chooses the format; rows become text in blocks, by several
 * threads, and blocks reach the file in their order. Blocks are cut by the table alone, so a table
 * always gives the same file. */
#include "data/write.h"

#include "data/write_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

enum {
    QN_BLOCK_CELLS = 1 << 17, /* about a megabyte of text */
    QN_THREADS_MAX = 4,
    QN_BLOCKS_PER_THREAD = 2,
};

struct text_format {
    bool json;
    char delimiter;
    enum qn__packing packing;
};

struct text_block {
    struct qn_buffer text, bytes;
    struct qn__packed packed;
    struct qn_error error;
};

struct text_writer {
    const struct qn_table *table;
    struct text_format format;
    const char *name; /* for messages */
    FILE *stream;     /* borrows */
    size_t rows_per_block, block_count;
    size_t batch_first; /* block of blocks[0] */
    struct text_block blocks[QN_THREADS_MAX * QN_BLOCKS_PER_THREAD];
};

static void block_fill(struct text_writer *writer, size_t number, struct text_block *block)
{
    const struct qn_table *table = writer->table;
    size_t first = number * writer->rows_per_block;
    size_t last =
        number + 1 < writer->block_count ? first + writer->rows_per_block : table->row_count;
    qn_buffer_clear(&block->text);
    if (writer->format.json) {
        qn__jsonl_rows(table, first, last, &block->text);
        return;
    }
    if (number == 0)
        qn__csv_header(table, writer->format.delimiter, &block->text);
    qn__csv_rows(table, writer->format.delimiter, first, last, &block->text);
}

static void block_task(void *context, size_t index, unsigned thread)
{
    (void)thread;
    struct text_writer *writer = context;
    struct text_block *block = &writer->blocks[index];
    block_fill(writer, writer->batch_first + index, block);
    enum qn_status status = qn_buffer_check(&block->text, writer->name, &block->error);
    if (status == QN_OK && writer->format.packing != QN_PACKING_NONE)
        status = qn__pack_block(writer->format.packing, &block->text, &block->bytes, &block->packed,
                                &block->error);
    assert(status == block->error.status);
}

static enum qn_status put(const struct text_writer *writer, const struct qn_buffer *bytes,
                          struct qn_error *err)
{
    if (bytes->size > 0 && fwrite(bytes->bytes, 1, bytes->size, writer->stream) != bytes->size)
        return qn_fail(err, QN_IO, "%s: cannot be written: %s", writer->name, strerror(errno));
    return QN_OK;
}

static enum qn_status put_frame(const struct text_writer *writer, bool end,
                                const struct qn__packed *whole, struct qn_error *err)
{
    struct qn_buffer bytes;
    qn_buffer_init(&bytes, 64);
    if (end)
        qn__pack_end(writer->format.packing, whole, &bytes);
    else
        qn__pack_begin(writer->format.packing, &bytes);
    enum qn_status status = qn_buffer_check(&bytes, writer->name, err);
    if (status == QN_OK)
        status = put(writer, &bytes, err);
    qn_buffer_release(&bytes);
    return status;
}

static enum qn_status put_batch(const struct text_writer *writer, size_t count,
                                struct qn__packed *whole, struct qn_error *err)
{
    enum qn_status status = QN_OK;
    for (size_t i = 0; status == QN_OK && i < count; i++) {
        const struct text_block *block = &writer->blocks[i];
        bool packed = writer->format.packing != QN_PACKING_NONE;
        if (block->error.status != QN_OK)
            return qn_fail(err, block->error.status, "%s", block->error.message);
        if (packed)
            qn__pack_join(whole, &block->packed);
        status = put(writer, packed ? &block->bytes : &block->text, err);
    }
    return status;
}

static void writer_plan(struct text_writer *writer)
{
    const struct qn_table *table = writer->table;
    size_t columns = table->column_count > 0 ? table->column_count : 1;
    writer->rows_per_block = QN_BLOCK_CELLS / columns > 0 ? QN_BLOCK_CELLS / columns : 1;
    writer->block_count =
        table->row_count / writer->rows_per_block + (table->row_count % writer->rows_per_block > 0);
    if (writer->block_count == 0)
        writer->block_count = 1; /* the header */
}

static enum qn_status write_text(const struct qn_table *table, const struct text_format *format,
                                 const char *name, FILE *stream, const struct qn_progress *progress,
                                 struct qn_error *err)
{
    struct text_writer writer = {.table = table, .format = *format, .name = name, .stream = stream};
    struct qn__packed whole = {0};
    struct qn_pool *pool = NULL;
    size_t block_limit = sizeof(writer.blocks) / sizeof(writer.blocks[0]);
    for (size_t i = 0; i < block_limit; i++) {
        qn_buffer_init(&writer.blocks[i].text, SIZE_MAX);
        qn_buffer_init(&writer.blocks[i].bytes, SIZE_MAX);
    }
    writer_plan(&writer);
    unsigned threads = qn_processor_count();
    if (threads > QN_THREADS_MAX)
        threads = QN_THREADS_MAX;
    if (writer.block_count < 2)
        threads = 1;
    enum qn_status status = qn_pool_create(threads, &pool, err);
    if (status != QN_OK)
        goto done;
    status = put_frame(&writer, false, &whole, err);
    size_t batch = (size_t)threads * QN_BLOCKS_PER_THREAD;
    for (size_t first = 0; status == QN_OK && first < writer.block_count; first += batch) {
        size_t left = writer.block_count - first;
        size_t count = left < batch ? left : batch;
        writer.batch_first = first;
        qn_pool_run(pool, count, block_task, &writer);
        status = put_batch(&writer, count, &whole, err);
        if (status == QN_OK)
            status = qn_progress_report(progress, "write", first * writer.rows_per_block,
                                        table->row_count, "rows", err);
    }
    if (status == QN_OK)
        status = put_frame(&writer, true, &whole, err);
done:
    qn_pool_free(pool);
    for (size_t i = 0; i < block_limit; i++) {
        qn_buffer_release(&writer.blocks[i].text);
        qn_buffer_release(&writer.blocks[i].bytes);
    }
    return status;
}

/* When path[0..*size) ends with ending, cuts it off. */
static bool cut_ending(const char *path, size_t *size, const char *ending)
{
    size_t length = strlen(ending);
    if (*size <= length || strncasecmp(path + *size - length, ending, length) != 0)
        return false;
    *size -= length;
    return true;
}

static enum qn_status choose_format(const char *path, struct text_format *out, bool *parquet_out,
                                    struct qn_error *err)
{
    struct text_format format = {.delimiter = ',', .packing = QN_PACKING_NONE};
    size_t size = strlen(path);
    if (cut_ending(path, &size, ".gz"))
        format.packing = QN_PACKING_GZIP;
    else if (cut_ending(path, &size, ".zst"))
        format.packing = QN_PACKING_ZSTD;
    bool parquet = cut_ending(path, &size, ".parquet");
    if (parquet && format.packing != QN_PACKING_NONE)
        return qn_fail(err, QN_INVALID,
                       "%s: Parquet is compressed inside; end the name with .parquet", path);
    if (cut_ending(path, &size, ".tsv"))
        format.delimiter = '\t';
    else if (cut_ending(path, &size, ".jsonl") || cut_ending(path, &size, ".ndjson"))
        format.json = true;
    else if (!parquet && !cut_ending(path, &size, ".csv"))
        return qn_fail(err, QN_INVALID,
                       "%s: the ending names the format, and this one is none of .csv .tsv .jsonl "
                       ".ndjson (or those with .gz or .zst) and .parquet",
                       path);
    *out = format;
    *parquet_out = parquet;
    return QN_OK;
}

static enum qn_status write_standard_output(const struct qn_table *table,
                                            const struct qn_progress *progress,
                                            struct qn_error *err)
{
    const struct text_format format = {.delimiter = ',', .packing = QN_PACKING_NONE};
    enum qn_status status = write_text(table, &format, "standard output", stdout, progress, err);
    if (status == QN_OK && fflush(stdout) != 0)
        status = qn_fail(err, QN_IO, "standard output: cannot be written: %s", strerror(errno));
    return status;
}

enum qn_status qn_table_write(const struct qn_table *table, const char *path,
                              const struct qn_progress *progress, struct qn_error *err)
{
    struct text_format format;
    struct qn_publish publish = {0};
    bool parquet = false;
    if (strcmp(path, "-") == 0)
        return write_standard_output(table, progress, err);
    enum qn_status status = choose_format(path, &format, &parquet, err);
    if (status != QN_OK)
        return status;
    if (table->column_count == 0)
        return qn_fail(err, QN_INVALID, "%s: a table without columns cannot be written", path);
    status = qn_publish_begin(path, &publish, err);
    if (status != QN_OK)
        return status;
    if (parquet)
        status = qn__parquet_write(table, fileno(publish.stream), path, err);
    else
        status = write_text(table, &format, path, publish.stream, progress, err);
    if (status == QN_OK) /* the last moment to be asked to stop */
        status =
            qn_progress_report(progress, "write", table->row_count, table->row_count, "rows", err);
    if (status == QN_OK)
        status = qn_publish_commit(&publish, err);
    else
        qn_publish_abort(&publish);
    return status;
}
