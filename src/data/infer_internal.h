/* What a text looks like: the one definition of numbers, booleans and dates for all formats. */
#ifndef QN_DATA_INFER_INTERNAL_H
#define QN_DATA_INFER_INTERNAL_H

#include "data/data_internal.h"

#include <string.h>

/* What a text is, as far as numbers are concerned; sets of them say what a column has. */
enum qn__kind {
    QN_KIND_WHOLE = 1,   /* -12: fits int64, no leading zero */
    QN_KIND_DECIMAL = 2, /* 1.5, 1e9, inf */
    QN_KIND_COMMA = 4,   /* 1,5: only where a comma may stand for the point */
    QN_KIND_BIG = 8,     /* digits that do not fit int64 */
    QN_KIND_CODE = 16,   /* 007, +491711234567: digits that would lose something as a number */
    QN_KIND_OTHER = 32,
};
#define QN_KIND_COUNT 6

/* A whole number with this many digits or more is an identifier when all of its column are. */
#define QN_IDENTIFIER_DIGITS 16
#define QN_IDENTIFIER_MIN INT64_C(1000000000000000)

/* Exactly one kind; text has no spaces around it. Writes *whole for QN_KIND_WHOLE and *number for
 * WHOLE, DECIMAL, COMMA and BIG. */
enum qn__kind qn__number_read(const char *text, size_t size, bool decimal_comma, int64_t *whole,
                              double *number);

/* mantissa / 10^places, places < QN_TENS, rounded to the nearest double (ties to even): exact for
 * every decimal of up to 19 digits. */
#define QN_TENS 20
double qn__decimal_divide(uint64_t mantissa, size_t places);

/* Words for true and false that are forced; -1 when the text is neither. 1 and 0 count. */
int qn__boolean_read(const char *text, size_t size);

/* ---- Dates ---- */

/* Formats that are recognised without being told, most usual first; at most 64. */
extern const char *const qn__date_formats[];
extern const size_t qn__date_format_count;

/* Directives: %Y %y %m %d %H %I %M %S (with a fraction) %p %b %B %z %%. NULL when the format is
 * well-formed and says a whole date, else what is wrong with it. */
const char *qn__date_format_fault(const char *format);
bool qn__date_format_has_time(const char *format);
/* Reads the whole of text: days since 1970 when the format has no time of day, else microseconds.
 * false when it does not match or there is no such day. */
bool qn__date_read(const char *format, const char *text, size_t size, int64_t *out);
/* The subset of `candidates` (bit i: qn__date_formats[i]) that reads the text. */
uint64_t qn__date_match(uint64_t candidates, const char *text, size_t size);
#define QN_DATE_ALL UINT64_MAX

/* ---- Columns ---- */

/* Sets the reason of a column whose values all read as its type, in the same words for all
 * readers. comma: its numbers have a decimal comma. */
QN_MUST_CHECK enum qn_status qn__reason_uniform(struct qn_column *column, size_t value_count,
                                                bool comma, struct qn_error *err);

/* Replaces the codes of a coded column by the 8-byte values (int64_t or double, by type) that
 * stand at them, and the missing ones by the type's own. Frees the dictionary. */
QN_MUST_CHECK enum qn_status qn__column_decode(struct qn_table *table, size_t index,
                                               enum qn_type type, const void *value_of_code,
                                               struct qn_error *err);
/* Makes those codes missing where is_missing says so, and closes the gaps that they leave. */
QN_MUST_CHECK enum qn_status qn__column_drop_codes(struct qn_table *table, size_t index,
                                                   const bool *is_missing, struct qn_error *err);
/* Codes that are tokens for missing values, dropped as above. */
QN_MUST_CHECK enum qn_status qn__column_drop_missing(struct qn_table *table, size_t index,
                                                     const struct qn_read_options *options,
                                                     struct qn_error *err);

#define QN_SHOWN_SIZE 64
/* The text for a message: cut, without control characters. */
void qn__show(const char *text, size_t size, char out[QN_SHOWN_SIZE]);
/* "line 17" or "row 16" of the first row with this code. */
void qn__show_place(const struct qn_table *table, size_t index, int32_t code,
                    const struct qn__where *where, char out[QN_SHOWN_SIZE]);

static inline bool qn__is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Moves *text and *size past spaces and tabs on both sides. */
static inline void qn__trim(const char **text, size_t *size)
{
    const char *at = *text;
    size_t left = *size;
    while (left > 0 && qn__is_space(at[0])) {
        at++;
        left--;
    }
    while (left > 0 && qn__is_space(at[left - 1]))
        left--;
    *text = at;
    *size = left;
}

/* Missing-value tokens, indexed by first byte and length so that most cells cost one load. */
struct qn__missing {
    const char *const *tokens; /* borrows from the options */
    size_t token_count;
    uint64_t lengths_of_first[256]; /* bit min(length, 63) */
};

void qn__missing_init(struct qn__missing *missing, const struct qn_read_options *options);
bool qn__missing_search(const struct qn__missing *missing, const char *text, size_t size);

/* text has no spaces around it. The empty text is always missing. */
static inline bool qn__missing_has(const struct qn__missing *missing, const char *text, size_t size)
{
    if (size == 0)
        return true;
    uint64_t lengths = missing->lengths_of_first[(unsigned char)text[0]];
    if ((lengths >> (size < 63 ? size : 63) & 1) == 0)
        return false;
    return qn__missing_search(missing, text, size);
}

#endif
