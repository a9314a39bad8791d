/* XML, the part of it that workbooks need, read strictly (W3C XML 1.0): a tag must fit a window, so
 * that names and attributes are slices of it; texts may be as long as their reader allows. */
#include "data/xlsx_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

static enum qn_status fail_at(const struct qn__xml *xml, uint64_t offset, struct qn_error *err,
                              const char *what)
{
    char shown[QN_SHOWN_SIZE];
    qn__show(xml->part, strlen(xml->part), shown);
    return qn_fail(err, QN_CORRUPT, "%s: byte %llu of part '%s' of the workbook: %s",
                   xml->source_name, (unsigned long long)offset + 1, shown, what);
}

enum qn_status qn__xml_fail(const struct qn__xml *xml, struct qn_error *err, const char *format,
                            ...)
{
    char what[QN_ERROR_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return fail_at(xml, xml->window_at + xml->at, err, what);
}

enum qn_status qn__xml_open(struct qn__xml *xml, const struct qn__zip *zip,
                            const struct qn__zip_entry *entry, const char *part, size_t limit,
                            struct qn_error *err)
{
    memset(xml, 0, sizeof(*xml));
    xml->source_name = zip->source_name;
    xml->part = part;
    qn_buffer_init(&xml->open, (size_t)QN_XML_DEPTH_LIMIT * QN_XML_TAG_BYTES);
    xml->window = QN_ALLOC(char, QN_XML_WINDOW_BYTES);
    if (!xml->window)
        return qn_fail_nomem(err, zip->source_name);
    return qn__zip_stream_open(zip, entry, limit, &xml->stream, err);
}

void qn__xml_close(struct qn__xml *xml)
{
    qn__zip_stream_free(xml->stream);
    qn_free(xml->window);
    qn_buffer_release(&xml->open);
    memset(xml, 0, sizeof(*xml));
}

/* Moves what is left of the window to its front and fills the rest. */
static enum qn_status refill(struct qn__xml *xml, struct qn_error *err)
{
    memmove(xml->window, xml->window + xml->at, xml->size - xml->at);
    xml->window_at += xml->at;
    xml->size -= xml->at;
    xml->at = 0;
    while (!xml->ended && xml->size < QN_XML_WINDOW_BYTES) {
        size_t got;
        enum qn_status status = qn__zip_stream_read(xml->stream, xml->window + xml->size,
                                                    QN_XML_WINDOW_BYTES - xml->size, &got, err);
        if (status != QN_OK)
            return status;
        xml->size += got;
        xml->ended = got == 0;
    }
    return QN_OK;
}

/* Makes `bytes` of them stand at xml->at, or all that are left. */
static enum qn_status need(struct qn__xml *xml, size_t bytes, struct qn_error *err)
{
    if (xml->size - xml->at >= bytes || xml->ended)
        return QN_OK;
    return refill(xml, err);
}

static bool looks_at(const struct qn__xml *xml, const char *text)
{
    size_t size = strlen(text);
    return xml->size - xml->at >= size && memcmp(xml->window + xml->at, text, size) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_name(char c)
{
    unsigned char u = (unsigned char)c;
    return (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || u == '_' ||
           u == '-' || u == '.' || u == ':' || u >= 0x80;
}

/* The whole of the text is valid UTF-8 without the control characters that XML excludes. */
static bool is_text(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < 0x20 && !is_blank(text[i]))
            return false;
    }
    return qn_utf8_check(text, size) == size;
}

/* ---- Entities ---- */

static size_t put_utf8(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(heads[size] | c);
    return size;
}

/* The character of "#65" or "#x41". */
static bool read_number(const char *text, size_t size, uint32_t *out)
{
    bool hex = size > 1 && text[1] == 'x';
    uint32_t value = 0;
    size_t at = hex ? 2 : 1;
    if (at >= size)
        return false;
    for (; at < size; at++) {
        uint32_t digit;
        char c = text[at];
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (hex && ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
            digit = (uint32_t)((c | 0x20) - 'a') + 10;
        else
            return false;
        value = value * (hex ? 16 : 10) + digit;
        if (value > 0x10ffff)
            return false;
    }
    *out = value;
    return value >= 0x20 ? value < 0xd800 || value > 0xdfff : value != 0 && is_blank((char)value);
}

/* Decodes "&...;" at text; returns the bytes that it takes, 0 when it is wrong. An entity is never
 * shorter than what it means. */
static size_t read_entity(const char *text, size_t size, char out[4], size_t *out_size)
{
    static const struct {
        const char *name;
        char means;
    } named[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    const size_t most = 12;
    const char *end = memchr(text, ';', size < most ? size : most);
    uint32_t c = 0;
    if (!end)
        return 0;
    size_t inner = (size_t)(end - text) - 1;
    *out_size = 1;
    if (inner > 0 && text[1] == '#') {
        if (!read_number(text + 1, inner, &c))
            return 0;
        *out_size = put_utf8(c, out);
        return inner + 2;
    }
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (strlen(named[i].name) == inner && memcmp(named[i].name, text + 1, inner) == 0) {
            out[0] = named[i].means;
            return inner + 2;
        }
    }
    return 0;
}

/* Decodes an attribute's value where it stands; false when an entity is wrong. */
static bool decode(char *text, size_t *size)
{
    size_t to = 0;
    for (size_t from = 0; from < *size;) {
        if (text[from] != '&') {
            text[to++] = text[from++];
            continue;
        }
        char out[4];
        size_t out_size, used = read_entity(text + from, *size - from, out, &out_size);
        if (used == 0)
            return false;
        memcpy(text + to, out, out_size);
        to += out_size;
        from += used;
    }
    *size = to;
    return true;
}

/* ---- Tags ---- */

static struct qn__xml_slice local_name(struct qn__xml_slice name)
{
    const char *colon = memchr(name.at, ':', name.size);
    if (!colon)
        return name;
    size_t prefix = (size_t)(colon - name.at) + 1;
    return (struct qn__xml_slice){colon + 1, name.size - prefix};
}

/* Takes a name off text[*at..size). */
static bool take_name(const char *text, size_t size, size_t *at, struct qn__xml_slice *out)
{
    size_t from = *at;
    while (*at < size && is_name(text[*at]))
        ++*at;
    *out = (struct qn__xml_slice){text + from, *at - from};
    bool wrong_start = *at > from && ((text[from] >= '0' && text[from] <= '9') ||
                                      text[from] == '-' || text[from] == '.' || text[from] == ':');
    return *at > from && !wrong_start && text[*at - 1] != ':';
}

static size_t skip_blanks(const char *text, size_t size, size_t at)
{
    while (at < size && is_blank(text[at]))
        at++;
    return at;
}

static enum qn_status take_attribute(struct qn__xml *xml, char *text, size_t size, size_t *at,
                                     struct qn_error *err)
{
    if (xml->attribute_count == QN_XML_ATTRIBUTE_LIMIT)
        return qn__xml_fail(xml, err, "a tag has more than %d attributes", QN_XML_ATTRIBUTE_LIMIT);
    struct qn__xml_attribute *attribute = &xml->attributes[xml->attribute_count];
    if (!take_name(text, size, at, &attribute->name))
        return qn__xml_fail(xml, err, "a tag is not well-formed");
    *at = skip_blanks(text, size, *at);
    if (*at == size || text[*at] != '=')
        return qn__xml_fail(xml, err, "an attribute has no value");
    *at = skip_blanks(text, size, *at + 1);
    if (*at == size || (text[*at] != '"' && text[*at] != '\''))
        return qn__xml_fail(xml, err, "an attribute's value is not in quotes");
    char *value = text + *at + 1;
    char *end = memchr(value, text[*at], size - *at - 1);
    if (!end || memchr(value, '<', (size_t)(end - value)))
        return qn__xml_fail(xml, err, "an attribute's value is not well-formed");
    *at = (size_t)(end - text) + 1;
    size_t value_size = (size_t)(end - value);
    if (!decode(value, &value_size))
        return qn__xml_fail(xml, err, "an entity in an attribute is not known");
    attribute->value = (struct qn__xml_slice){value, value_size};
    for (size_t i = 0; i < xml->attribute_count; i++) {
        if (xml->attributes[i].name.size == attribute->name.size &&
            memcmp(xml->attributes[i].name.at, attribute->name.at, attribute->name.size) == 0)
            return qn__xml_fail(xml, err, "an attribute comes twice in a tag");
    }
    xml->attribute_count++;
    return QN_OK;
}

static enum qn_status push(struct qn__xml *xml, struct qn__xml_slice name, struct qn_error *err)
{
    if (xml->depth == 0 && xml->had_root)
        return qn__xml_fail(xml, err, "there are two outermost elements");
    if (xml->depth == QN_XML_DEPTH_LIMIT)
        return qn__xml_fail(xml, err, "elements are nested deeper than %d", QN_XML_DEPTH_LIMIT);
    xml->had_root = true;
    xml->open_at[xml->depth++] = xml->open.size;
    qn_buffer_append(&xml->open, name.at, name.size);
    return qn_buffer_check(&xml->open, xml->source_name, err);
}

static void pop(struct qn__xml *xml)
{
    xml->open.size = xml->open_at[--xml->depth];
}

/* text[0..size) stands between < and >. */
static enum qn_status start_tag(struct qn__xml *xml, char *text, size_t size, struct qn_error *err)
{
    size_t at = 0;
    xml->closing = size > 0 && text[size - 1] == '/';
    size -= xml->closing;
    struct qn__xml_slice name;
    if (!take_name(text, size, &at, &name))
        return qn__xml_fail(xml, err, "a tag is not well-formed");
    xml->attribute_count = 0;
    for (;;) {
        size_t next = skip_blanks(text, size, at);
        if (next == size)
            break;
        if (next == at)
            return qn__xml_fail(xml, err, "a tag is not well-formed");
        at = next;
        enum qn_status status = take_attribute(xml, text, size, &at, err);
        if (status != QN_OK)
            return status;
    }
    xml->name = local_name(name);
    xml->event = QN_XML_START;
    return push(xml, name, err);
}

static enum qn_status end_tag(struct qn__xml *xml, const char *text, size_t size,
                              struct qn_error *err)
{
    while (size > 0 && is_blank(text[size - 1]))
        size--;
    if (xml->depth == 0)
        return qn__xml_fail(xml, err, "an end tag has no start");
    size_t open_at = xml->open_at[xml->depth - 1];
    if (xml->open.size - open_at != size || memcmp(xml->open.bytes + open_at, text, size) != 0)
        return qn__xml_fail(xml, err, "an end tag does not match its start");
    xml->name = local_name((struct qn__xml_slice){text, size});
    xml->event = QN_XML_END;
    pop(xml);
    return QN_OK;
}

/* A tag begins at xml->at: finds its end, quotes respected. */
static enum qn_status take_tag(struct qn__xml *xml, struct qn_error *err)
{
    enum qn_status status = need(xml, QN_XML_TAG_BYTES, err);
    if (status != QN_OK)
        return status;
    char *text = xml->window + xml->at + 1, quote = '\0';
    size_t left = xml->size - xml->at - 1, size = 0;
    size_t most = left < QN_XML_TAG_BYTES ? left : QN_XML_TAG_BYTES;
    for (; size < most && (quote || text[size] != '>'); size++) {
        if (quote)
            quote = text[size] == quote ? '\0' : quote;
        else if (text[size] == '"' || text[size] == '\'')
            quote = text[size];
    }
    if (size == most)
        return qn__xml_fail(xml, err,
                            most < QN_XML_TAG_BYTES ? "the file ends inside a tag"
                                                    : "a tag is longer than 64 KiB");
    if (!is_text(text, size))
        return qn__xml_fail(xml, err, "a tag is not UTF-8");
    status = size > 0 && text[0] == '/' ? end_tag(xml, text + 1, size - 1, err)
                                        : start_tag(xml, text, size, err);
    xml->at += size + 2;
    return status;
}

/* ---- What stands between tags ---- */

/* Up to the `until`, which is passed over: into xml->text when keep, without decoding. */
static enum qn_status take_until(struct qn__xml *xml, const char *until, bool keep,
                                 struct qn_error *err)
{
    size_t end_size = strlen(until);
    for (;;) {
        enum qn_status status = need(xml, end_size, err);
        if (status != QN_OK)
            return status;
        const char *from = xml->window + xml->at;
        size_t left = xml->size - xml->at;
        const char *end = memmem(from, left, until, end_size);
        if (!end && left < end_size)
            return qn__xml_fail(xml, err, "the file ends before %s", until);
        size_t size = end ? (size_t)(end - from) : left - end_size + 1;
        if (keep && xml->text)
            qn_buffer_append(xml->text, from, size);
        xml->at += size + (end ? end_size : 0);
        if (end)
            return QN_OK;
    }
}

/* <?xml version="1.0" encoding="UTF-8"?>, or a processing instruction, which says nothing to us. */
static enum qn_status take_instruction(struct qn__xml *xml, struct qn_error *err)
{
    enum qn_status status = need(xml, QN_XML_TAG_BYTES, err);
    if (status != QN_OK)
        return status;
    const char *text = xml->window + xml->at;
    size_t left = xml->size - xml->at;
    const char *end = memmem(text, left, "?>", 2);
    const char *encoding =
        end && looks_at(xml, "<?xml") ? memmem(text, (size_t)(end - text), "encoding", 8) : NULL;
    if (encoding) {
        size_t at = skip_blanks(encoding, (size_t)(end - encoding), 8);
        at += at < (size_t)(end - encoding) && encoding[at] == '=';
        at = skip_blanks(encoding, (size_t)(end - encoding), at);
        if ((size_t)(end - encoding) - at < 7 || strncasecmp(encoding + at + 1, "utf-8", 5) != 0 ||
            encoding[at + 6] != encoding[at])
            return qn__xml_fail(xml, err, "it is not written in UTF-8");
    }
    return take_until(xml, "?>", false, err);
}

/* Appends text up to the next tag, decoded; line ends become \n. */
static enum qn_status take_text(struct qn__xml *xml, struct qn_error *err)
{
    for (;;) {
        enum qn_status status = need(xml, 16, err); /* the longest entity */
        if (status != QN_OK)
            return status;
        const char *from = xml->window + xml->at;
        size_t left = xml->size - xml->at;
        if (left == 0 || from[0] == '<')
            return QN_OK;
        if (from[0] == '&') {
            char out[4];
            size_t size, used = read_entity(from, left, out, &size);
            if (used == 0)
                return qn__xml_fail(xml, err, "an entity is not known");
            if (xml->text)
                qn_buffer_append(xml->text, out, size);
            xml->at += used;
        } else if (from[0] == '\r') {
            if (xml->text)
                qn_buffer_char(xml->text, '\n');
            xml->at += left > 1 && from[1] == '\n' ? 2 : 1;
        } else {
            const char *end = memchr(from, '<', left);
            size_t size = end ? (size_t)(end - from) : left;
            end = memchr(from, '&', size);
            size = end ? (size_t)(end - from) : size;
            end = memchr(from, '\r', size);
            size = end ? (size_t)(end - from) : size;
            if (xml->text)
                qn_buffer_append(xml->text, from, size);
            xml->at += size;
        }
    }
}

/* Whatever stands before the first tag, between two, or behind the last. */
static enum qn_status take_outside(struct qn__xml *xml, struct qn_error *err)
{
    while (xml->at < xml->size && is_blank(xml->window[xml->at]))
        xml->at++;
    if (xml->at < xml->size && xml->window[xml->at] != '<')
        return qn__xml_fail(xml, err, "it is not XML");
    return QN_OK;
}

/* Markup that is no element; *was is false when an element's tag follows. */
static enum qn_status take_special(struct qn__xml *xml, bool *was, struct qn_error *err)
{
    enum qn_status status = need(xml, 16, err);
    *was = true;
    if (status != QN_OK)
        return status;
    if (looks_at(xml, "<?"))
        return take_instruction(xml, err);
    if (looks_at(xml, "<!--")) {
        xml->at += 4;
        return take_until(xml, "-->", false, err);
    }
    if (xml->depth > 0 && looks_at(xml, "<![CDATA[")) {
        xml->at += 9;
        return take_until(xml, "]]>", true, err);
    }
    if (looks_at(xml, "<!"))
        return qn__xml_fail(xml, err,
                            "document types and entities of one's own are not allowed here");
    *was = false;
    return QN_OK;
}

enum qn_status qn__xml_next(struct qn__xml *xml, struct qn_error *err)
{
    if (xml->closing) {
        xml->closing = false;
        xml->event = QN_XML_END;
        pop(xml);
        return QN_OK;
    }
    enum qn_status status = QN_OK;
    if (xml->window_at == 0 && xml->size == 0) {
        status = refill(xml, err);
        if (status == QN_OK && looks_at(xml, "\xef\xbb\xbf"))
            xml->at = 3;
    }
    for (bool special = true; status == QN_OK && special;) {
        status = xml->depth == 0 ? need(xml, 1, err) : take_text(xml, err);
        if (status == QN_OK && xml->depth == 0)
            status = take_outside(xml, err);
        if (status == QN_OK && xml->at == xml->size) {
            if (!xml->ended)
                continue;
            if (xml->depth > 0 || !xml->had_root)
                return qn__xml_fail(xml, err, "it ends too early");
            xml->event = QN_XML_EOF;
            return QN_OK;
        }
        if (status == QN_OK)
            status = take_special(xml, &special, err);
    }
    return status == QN_OK ? take_tag(xml, err) : status;
}

/* ---- Ways through the elements ---- */

enum qn_status qn__xml_child(struct qn__xml *xml, size_t depth, bool *found, struct qn_error *err)
{
    *found = false;
    for (;;) {
        enum qn_status status = qn__xml_next(xml, err);
        if (status != QN_OK || xml->event == QN_XML_EOF)
            return status;
        if (xml->event == QN_XML_END && xml->depth < depth)
            return QN_OK;
        if (xml->event == QN_XML_START && xml->depth == depth + 1) {
            *found = true;
            return QN_OK;
        }
    }
}

enum qn_status qn__xml_text(struct qn__xml *xml, struct qn_buffer *out, struct qn_error *err)
{
    size_t depth = xml->depth, before = out->size;
    enum qn_status status;
    xml->text = out;
    do {
        status = qn__xml_next(xml, err);
        /* The text of elements inside is not this element's. */
        xml->text = xml->depth == depth ? out : NULL;
    } while (status == QN_OK && xml->depth >= depth);
    xml->text = NULL;
    if (status == QN_OK)
        status = qn_buffer_check(out, xml->source_name, err);
    if (status == QN_OK && out->size > before && !is_text(out->bytes + before, out->size - before))
        status = qn__xml_fail(xml, err, "a text is not UTF-8, or has control characters");
    return status;
}

bool qn__slice_is(const struct qn__xml_slice *slice, const char *text)
{
    return slice && slice->size == strlen(text) && memcmp(slice->at, text, slice->size) == 0;
}

bool qn__slice_ends(const struct qn__xml_slice *slice, const char *text)
{
    size_t size = strlen(text);
    return slice && slice->size >= size && memcmp(slice->at + slice->size - size, text, size) == 0;
}

bool qn__xml_is(const struct qn__xml *xml, const char *name)
{
    return qn__slice_is(&xml->name, name);
}

const struct qn__xml_slice *qn__xml_attribute(const struct qn__xml *xml, const char *name,
                                              bool prefixed)
{
    for (size_t i = 0; i < xml->attribute_count; i++) {
        struct qn__xml_slice full = xml->attributes[i].name, local = local_name(full);
        if ((local.size < full.size) == prefixed && qn__slice_is(&local, name))
            return &xml->attributes[i].value;
    }
    return NULL;
}
