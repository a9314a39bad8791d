/* The parts of qn_table_write(): text of rows, compression of blocks, Parquet. */
#ifndef QN_DATA_WRITE_INTERNAL_H
#define QN_DATA_WRITE_INTERNAL_H

#include "base/buffer.h"
#include "base/text.h"
#include "data/table.h"

/* Appends the names as one line of delimited text. */
void qn__csv_header(const struct qn_table *table, char delimiter, struct qn_buffer *out);
/* Append rows [first, last) as lines. */
void qn__csv_rows(const struct qn_table *table, char delimiter, size_t first, size_t last,
                  struct qn_buffer *out);
void qn__jsonl_rows(const struct qn_table *table, size_t first, size_t last, struct qn_buffer *out);

/* The text of qn_format_double(), not NUL-terminated; returns its size. */
size_t qn__number_text(double value, char text[QN_NUMBER_TEXT_SIZE]);

enum qn__packing { QN_PACKING_NONE, QN_PACKING_GZIP, QN_PACKING_ZSTD };

/* A file is packed in blocks that threads compress independently: pieces of one gzip member, ended
 * by a trailer over all of them, or whole zstd frames. */
struct qn__packed {
    uint32_t crc; /* of the block's text; gzip only */
    size_t size;  /* of the block's text */
};

/* Compresses text into out (cleared first). */
QN_MUST_CHECK enum qn_status qn__pack_block(enum qn__packing packing, const struct qn_buffer *text,
                                            struct qn_buffer *out, struct qn__packed *packed_out,
                                            struct qn_error *err);
/* What stands before the first block and after the last; `whole` is that of all blocks joined. */
void qn__pack_begin(enum qn__packing packing, struct qn_buffer *out);
void qn__pack_join(struct qn__packed *whole, const struct qn__packed *block);
void qn__pack_end(enum qn__packing packing, const struct qn__packed *whole, struct qn_buffer *out);

/* Writes Parquet (zstd) into the open file fd; `name` is for messages. */
QN_MUST_CHECK enum qn_status qn__parquet_write(const struct qn_table *table, int fd,
                                               const char *name, struct qn_error *err);

#endif
