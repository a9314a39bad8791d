/* How wide text is on a terminal. */
#include "base/text.h"
#include "base/text_width_internal.h"

#include <assert.h>
#include <string.h>

static bool in_ranges(const struct qn__range *ranges, size_t count, uint32_t code)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t at = low + (high - low) / 2;
        if (code > ranges[at].last)
            low = at + 1;
        else
            high = at;
    }
    return low < count && code >= ranges[low].first;
}

static size_t code_width(uint32_t code)
{
    if (code < 0x300)
        return 1;
    if (in_ranges(qn__no_columns, sizeof(qn__no_columns) / sizeof(qn__no_columns[0]), code))
        return 0;
    return in_ranges(qn__two_columns, sizeof(qn__two_columns) / sizeof(qn__two_columns[0]), code)
               ? 2
               : 1;
}

/* One character of a NUL-terminated text: its bytes and columns. A byte that is not UTF-8 and a
 * control character are to be shown as '?'. */
struct step {
    size_t size, columns;
    bool shown_as_question;
};

static struct step next_step(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t size = bytes[0] < 0x80 ? 1 : bytes[0] < 0xE0 ? 2 : bytes[0] < 0xF0 ? 3 : 4;
    size_t present = 1;
    while (present < size && bytes[present] != '\0')
        present++;
    if (present < size || qn_utf8_check(text, size) != size)
        return (struct step){1, 1, true};
    uint32_t code = bytes[0];
    if (size > 1)
        code &= 0x7FU >> size;
    for (size_t i = 1; i < size; i++)
        code = code << 6 | (bytes[i] & 0x3FU);
    if (code < 0x20 || (code >= 0x7F && code < 0xA0))
        return (struct step){size, 1, true};
    return (struct step){size, code_width(code), false};
}

size_t qn_text_width(const char *text)
{
    size_t columns = 0;
    while (*text != '\0') {
        struct step step = next_step(text);
        columns += step.columns;
        text += step.size;
    }
    return columns;
}

size_t qn_text_fit(const char *text, size_t columns, char *out, size_t out_size)
{
    static const char ellipsis[] = "\xE2\x80\xA6";
    const size_t ellipsis_size = sizeof(ellipsis) - 1;
    assert(out_size > 0);
    /* The longest start that leaves room for an ellipsis is remembered until the end is seen. */
    size_t used = 0, size = 0, cut_used = 0, cut_size = 0;
    bool whole = true;
    while (*text != '\0') {
        struct step step = next_step(text);
        size_t step_size = step.shown_as_question ? 1 : step.size;
        if (used + step.columns > columns || size + step_size >= out_size) {
            whole = false;
            break;
        }
        if (step.shown_as_question)
            out[size] = '?';
        else
            memcpy(out + size, text, step.size);
        used += step.columns;
        size += step_size;
        text += step.size;
        if (used < columns && size + ellipsis_size < out_size) {
            cut_used = used;
            cut_size = size;
        }
    }
    if (!whole) {
        used = cut_used;
        size = cut_size;
        if (columns > 0 && ellipsis_size < out_size) {
            memcpy(out + size, ellipsis, ellipsis_size);
            size += ellipsis_size;
            used++;
        }
    }
    out[size] = '\0';
    return used;
}
