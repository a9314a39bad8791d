/* The parts of a workbook around its sheets (ECMA-376 part 1, Transitional and Strict): which sheet
 * is read, which cell formats are dates, and the shared strings. */
#include "data/xlsx_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <stdio.h>

enum {
    QN_PART_NAME_MOST = 1024,
    QN_STYLE_MOST = 1 << 16,  /* the format's own limit of cell formats is 65,490 */
    QN_FORMAT_MOST = 1 << 12, /* of its number formats 250 */
};

/* ---- Relationships ---- */

/* What to find in a .rels part: by id, or by the end of its type. */
struct link {
    const char *id, *type;
    char *target;     /* owns; NULL: not found */
    bool other_type;  /* the id is there, but its type does not end so */
    const char *base; /* the part whose links these are; targets are relative to its folder */
};

/* base's folder and target put together, "." and ".." resolved, without a slash in front. */
static enum qn_status resolve(const char *base, const struct qn__xml_slice *target, char **out,
                              const struct qn__xml *xml, struct qn_error *err)
{
    char path[2 * QN_PART_NAME_MOST + 2];
    size_t size = 0;
    const char *slash = strrchr(base, '/');
    if (target->size > QN_PART_NAME_MOST || strlen(base) > QN_PART_NAME_MOST ||
        memchr(target->at, '\0', target->size))
        return qn__xml_fail(xml, err, "the name of a part is too long");
    if (slash && (target->size == 0 || target->at[0] != '/')) {
        size = (size_t)(slash - base);
        memcpy(path, base, size);
    }
    for (size_t at = 0; at < target->size;) {
        const char *piece = target->at + at;
        const char *end = memchr(piece, '/', target->size - at);
        size_t piece_size = end ? (size_t)(end - piece) : target->size - at;
        at += piece_size + 1;
        if (piece_size == 0 || (piece_size == 1 && piece[0] == '.'))
            continue;
        if (piece_size == 2 && memcmp(piece, "..", 2) == 0) {
            const char *last = memrchr(path, '/', size);
            size = last ? (size_t)(last - path) : 0;
            continue;
        }
        if (size > 0)
            path[size++] = '/';
        memcpy(path + size, piece, piece_size);
        size += piece_size;
    }
    *out = qn_strndup(path, size);
    return *out ? QN_OK : qn_fail_nomem(err, xml->source_name);
}

/* *xml is to be closed even when this fails. */
static enum qn_status open_part(const struct qn__xlsx_book *book, const char *part,
                                struct qn__xml *xml, struct qn_error *err)
{
    memset(xml, 0, sizeof(*xml));
    const struct qn__zip_entry *entry = qn__zip_find(&book->zip, part);
    if (!entry) {
        char shown[QN_SHOWN_SIZE];
        qn__show(part, strlen(part), shown);
        return qn_fail(err, QN_CORRUPT,
                       "%s: part '%s' of the workbook is missing; open and save it again in a "
                       "spreadsheet program",
                       book->source->name, shown);
    }
    size_t memory = book->options->memory_limit_bytes;
    size_t limit = memory > SIZE_MAX / 2 ? SIZE_MAX : QN_XLSX_PART_BYTES + memory;
    return qn__xml_open(xml, &book->zip, entry, part, limit, err);
}

static enum qn_status find_links(struct qn__xml *xml, struct link *links, size_t count,
                                 struct qn_error *err)
{
    bool found;
    enum qn_status status = qn__xml_child(xml, 0, &found, err);
    while (status == QN_OK && found) {
        status = qn__xml_child(xml, 1, &found, err);
        if (status != QN_OK || !found || !qn__xml_is(xml, "Relationship"))
            continue;
        const struct qn__xml_slice *target = qn__xml_attribute(xml, "Target", false);
        if (!target || qn__slice_is(qn__xml_attribute(xml, "TargetMode", false), "External"))
            continue;
        for (size_t i = 0; status == QN_OK && i < count; i++) {
            struct link *link = &links[i];
            if (link->target ||
                (link->id && !qn__slice_is(qn__xml_attribute(xml, "Id", false), link->id)))
                continue;
            if (qn__slice_ends(qn__xml_attribute(xml, "Type", false), link->type))
                status = resolve(link->base, target, &link->target, xml, err);
            else
                link->other_type = link->id != NULL;
        }
    }
    return status;
}

/* The links of part `base` ("": of the whole archive). */
static enum qn_status read_links(const struct qn__xlsx_book *book, const char *base,
                                 struct link *links, size_t count, struct qn_error *err)
{
    char name[QN_PART_NAME_MOST + 16];
    const char *slash = strrchr(base, '/');
    size_t folder = slash ? (size_t)(slash - base) + 1 : 0;
    if (strlen(base) > QN_PART_NAME_MOST)
        return qn_fail(err, QN_CORRUPT, "%s: the name of a part of the workbook is too long",
                       book->source->name);
    snprintf(name, sizeof(name), "%.*s_rels/%s.rels", (int)folder, base, base + folder);
    struct qn__xml xml;
    for (size_t i = 0; i < count; i++)
        links[i].base = base;
    enum qn_status status = open_part(book, name, &xml, err);
    if (status == QN_OK)
        status = find_links(&xml, links, count, err);
    qn__xml_close(&xml);
    return status;
}

/* ---- Workbook ---- */

/* Archives that are no workbook, told apart by what they hold. */
static enum qn_status fail_other(const struct qn__xlsx_book *book, struct qn_error *err)
{
    const char *name = book->source->name;
    if (qn__zip_find(&book->zip, "xl/workbook.bin"))
        return qn_fail(err, QN_UNSUPPORTED,
                       "%s is a binary workbook (.xlsb); save it as .xlsx or "
                       "CSV",
                       name);
    if (qn__zip_find(&book->zip, "mimetype"))
        return qn_fail(err, QN_UNSUPPORTED,
                       "%s is an OpenDocument file or similar; save it as .xlsx or CSV", name);
    return qn_fail(err, QN_UNSUPPORTED,
                   "%s is a zip archive, but not an Excel workbook; unpack it and name a file in "
                   "it, or pack data by gzip or zstd",
                   name);
}

struct visible_sheet {
    char *name, *id; /* own */
};

struct sheets {
    struct visible_sheet *visible; /* owns */
    size_t count, capacity;
    size_t all_count;
};

static void sheets_release(struct sheets *sheets)
{
    for (size_t i = 0; i < sheets->count; i++) {
        qn_free(sheets->visible[i].name);
        qn_free(sheets->visible[i].id);
    }
    qn_free(sheets->visible);
}

static enum qn_status take_sheet(const struct qn__xml *xml, struct sheets *sheets,
                                 struct qn_error *err)
{
    const struct qn__xml_slice *name = qn__xml_attribute(xml, "name", false);
    const struct qn__xml_slice *id = qn__xml_attribute(xml, "id", true);
    const struct qn__xml_slice *state = qn__xml_attribute(xml, "state", false);
    if (!name || !id)
        return qn__xml_fail(xml, err, "a sheet has no name or no part");
    sheets->all_count++;
    if (state && !qn__slice_is(state, "visible"))
        return QN_OK;
    void *visible = sheets->visible;
    if (qn_grow(&visible, &sheets->capacity, sheets->count + 1, sizeof(*sheets->visible)) != 0)
        return qn_fail_nomem(err, xml->source_name);
    sheets->visible = visible;
    struct visible_sheet *sheet = &sheets->visible[sheets->count++];
    sheet->name = qn_strndup(name->at, name->size);
    sheet->id = qn_strndup(id->at, id->size);
    return sheet->name && sheet->id ? QN_OK : qn_fail_nomem(err, xml->source_name);
}

static enum qn_status read_workbook(struct qn__xlsx_book *book, struct qn__xml *xml,
                                    struct sheets *sheets, struct qn_error *err)
{
    bool found;
    enum qn_status status = qn__xml_child(xml, 0, &found, err);
    if (status == QN_OK && found && !qn__xml_is(xml, "workbook"))
        return fail_other(book, err);
    while (status == QN_OK && found) {
        status = qn__xml_child(xml, 1, &found, err);
        if (status != QN_OK || !found)
            break;
        if (qn__xml_is(xml, "workbookPr")) {
            const struct qn__xml_slice *flag = qn__xml_attribute(xml, "date1904", false);
            book->epoch_1904 = qn__slice_is(flag, "1") || qn__slice_is(flag, "true");
        } else if (qn__xml_is(xml, "sheets")) {
            bool another = true;
            while (status == QN_OK && another) {
                status = qn__xml_child(xml, 2, &another, err);
                if (status == QN_OK && another && qn__xml_is(xml, "sheet"))
                    status = take_sheet(xml, sheets, err);
            }
        }
    }
    return status;
}

/* The first visible sheet that holds cells (a chart can be a sheet, too). */
static enum qn_status choose_sheet(struct qn__xlsx_book *book, const char *workbook_part,
                                   struct sheets *sheets, struct qn_error *err)
{
    for (size_t i = 0; i < sheets->count; i++) {
        struct link link = {.id = sheets->visible[i].id, .type = "/worksheet"};
        enum qn_status status = read_links(book, workbook_part, &link, 1, err);
        if (status == QN_OK && !link.target && link.other_type)
            continue;
        if (status == QN_OK && !link.target)
            status = qn_fail(err, QN_CORRUPT,
                             "%s: a sheet of the workbook has no part in the file; open and save "
                             "it again in a spreadsheet program",
                             book->source->name);
        if (status != QN_OK) {
            qn_free(link.target);
            return status;
        }
        book->sheet_part = link.target;
        book->sheet_name = sheets->visible[i].name; /* Ownership moves to the book. */
        sheets->visible[i].name = NULL;
        book->sheet_count = sheets->all_count;
        return QN_OK;
    }
    return qn_fail(err, QN_INVALID, "%s: the workbook has no visible sheet with cells",
                   book->source->name);
}

/* ---- Number formats ---- */

static bool starts_with(const char *code, size_t size, const char *word)
{
    size_t word_size = strlen(word);
    return size >= word_size && strncasecmp(code, word, word_size) == 0;
}

/* The bytes of a format code that mean themselves: "text", \x, _x, *x, [Red]; 0: a directive. */
static size_t literal_size(const char *code, size_t size)
{
    const char *end = NULL;
    if (code[0] == '\\' || code[0] == '_' || code[0] == '*')
        return size > 1 ? 2 : 1;
    if (code[0] == '"')
        end = memchr(code + 1, '"', size - 1);
    else if (code[0] == '[')
        end = memchr(code + 1, ']', size - 1);
    else
        return 0;
    return end ? (size_t)(end - code) + 1 : size;
}

enum qn__xlsx_format qn__xlsx_format_read(const char *code, size_t size)
{
    bool day = false, month = false, time = false;
    for (size_t at = 0; at < size && code[at] != ';';) {
        size_t literal = literal_size(code + at, size - at);
        if (literal > 1 && code[at] == '[' && strchr("hHmMsS", code[at + 1]) &&
            strspn(code + at + 1, "hHmMsS") == literal - 2)
            return QN_XLSX_PLAIN; /* [h]:mm is a duration: a number of days */
        if (literal == 0 && starts_with(code + at, size - at, "general"))
            return QN_XLSX_PLAIN;
        if (literal == 0 && starts_with(code + at, size - at, "am/pm")) {
            time = true;
            at += 5;
            continue;
        }
        if (literal == 0) {
            char c = code[at];
            day |= c == 'y' || c == 'Y' || c == 'd' || c == 'D';
            month |= c == 'm' || c == 'M';
            time |= c == 'h' || c == 'H' || c == 's' || c == 'S';
        }
        at += literal > 0 ? literal : 1;
    }
    day |= month && !time; /* m is a minute beside h or s */
    if (day)
        return time ? QN_XLSX_DATETIME : QN_XLSX_DATE;
    return time ? QN_XLSX_TIME : QN_XLSX_PLAIN;
}

/* Formats that every spreadsheet program knows by number; 27 to 36 and 50 to 58 are the dates of
 * East Asian editions. */
static enum qn__xlsx_format built_in(uint32_t id)
{
    if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 58))
        return QN_XLSX_DATE;
    if (id == 22)
        return QN_XLSX_DATETIME;
    if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id == 45 || id == 47)
        return QN_XLSX_TIME;
    return QN_XLSX_PLAIN; /* 46 is [h]:mm:ss */
}

struct number_format {
    uint32_t id;
    enum qn__xlsx_format format;
};

struct number_formats {
    struct number_format *items; /* owns */
    size_t count, capacity;
};

static bool read_id(const struct qn__xml_slice *slice, uint32_t *out)
{
    int64_t value;
    if (!slice || !qn_parse_int64(slice->at, slice->size, &value) || value < 0 ||
        value > UINT32_MAX)
        return false;
    *out = (uint32_t)value;
    return true;
}

static enum qn_status take_format(const struct qn__xml *xml, struct number_formats *formats,
                                  struct qn_error *err)
{
    uint32_t id;
    const struct qn__xml_slice *code = qn__xml_attribute(xml, "formatCode", false);
    if (!code || !read_id(qn__xml_attribute(xml, "numFmtId", false), &id))
        return qn__xml_fail(xml, err, "a number format has no number or no code");
    if (formats->count == QN_FORMAT_MOST)
        return qn__xml_fail(xml, err, "there are too many number formats");
    void *items = formats->items;
    if (qn_grow(&items, &formats->capacity, formats->count + 1, sizeof(*formats->items)) != 0)
        return qn_fail_nomem(err, xml->source_name);
    formats->items = items;
    formats->items[formats->count++] =
        (struct number_format){id, qn__xlsx_format_read(code->at, code->size)};
    return QN_OK;
}

static enum qn_status take_style(struct qn__xlsx_book *book, const struct qn__xml *xml,
                                 const struct number_formats *formats, size_t *capacity,
                                 struct qn_error *err)
{
    uint32_t id = 0;
    const struct qn__xml_slice *given = qn__xml_attribute(xml, "numFmtId", false);
    if (given && !read_id(given, &id))
        return qn__xml_fail(xml, err, "a cell format has no number");
    if (book->style_count == QN_STYLE_MOST)
        return qn__xml_fail(xml, err, "there are too many cell formats");
    void *styles = book->styles;
    if (qn_grow(&styles, capacity, book->style_count + 1, 1) != 0)
        return qn_fail_nomem(err, xml->source_name);
    book->styles = styles;
    enum qn__xlsx_format format = built_in(id);
    for (size_t i = 0; i < formats->count; i++) {
        if (formats->items[i].id == id)
            format = formats->items[i].format;
    }
    book->styles[book->style_count++] = (unsigned char)format;
    return QN_OK;
}

static enum qn_status read_styles(struct qn__xlsx_book *book, const char *part,
                                  struct qn_error *err)
{
    struct number_formats formats = {0};
    struct qn__xml xml;
    size_t capacity = 0;
    bool found = false;
    enum qn_status status = open_part(book, part, &xml, err);
    if (status == QN_OK)
        status = qn__xml_child(&xml, 0, &found, err);
    while (status == QN_OK && found) {
        status = qn__xml_child(&xml, 1, &found, err);
        bool is_formats = status == QN_OK && found && qn__xml_is(&xml, "numFmts");
        bool is_styles = status == QN_OK && found && qn__xml_is(&xml, "cellXfs");
        for (bool another = is_formats || is_styles; status == QN_OK && another;) {
            status = qn__xml_child(&xml, 2, &another, err);
            if (status != QN_OK || !another)
                break;
            if (is_formats && qn__xml_is(&xml, "numFmt"))
                status = take_format(&xml, &formats, err);
            else if (is_styles && qn__xml_is(&xml, "xf"))
                status = take_style(book, &xml, &formats, &capacity, err);
        }
    }
    qn__xml_close(&xml);
    qn_free(formats.items);
    return status;
}

/* ---- Strings ---- */

static bool read_hex4(const char *text, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = text[i];
        char low = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            *out = *out * 16 + (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            *out = *out * 16 + (uint32_t)(low - 'a') + 10;
        else
            return false;
    }
    return true;
}

/* Characters that XML cannot hold are written _x0007_ (ECMA-376, ST_Xstring). NUL, which no text
 * may have, and halves of surrogate pairs stay as they are. */
static void decode_escapes(struct qn_buffer *text, size_t from)
{
    size_t to = from;
    const size_t size = text->size;
    char *bytes = text->bytes;
    for (size_t at = from; at < size;) {
        uint32_t c;
        if (bytes[at] == '_' && size - at >= 7 && bytes[at + 1] == 'x' && bytes[at + 6] == '_' &&
            read_hex4(bytes + at + 2, &c) && c != 0 && (c < 0xd800 || c > 0xdfff)) {
            if (c >= 0x800)
                bytes[to++] = (char)(0xe0 | c >> 12);
            if (c >= 0x80)
                bytes[to++] = (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6);
            bytes[to++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
            at += 7;
        } else {
            bytes[to++] = bytes[at++];
        }
    }
    text->size = to;
    bytes[to] = '\0';
}

enum qn_status qn__xlsx_string(struct qn__xml *xml, struct qn_buffer *out, struct qn_error *err)
{
    size_t depth = xml->depth, from = out->size;
    bool found = true;
    enum qn_status status = QN_OK;
    while (status == QN_OK && found) {
        status = qn__xml_child(xml, depth, &found, err);
        if (status != QN_OK || !found)
            break;
        if (qn__xml_is(xml, "t")) {
            status = qn__xml_text(xml, out, err);
            continue;
        }
        for (bool another = qn__xml_is(xml, "r"); status == QN_OK && another;) {
            status = qn__xml_child(xml, depth + 1, &another, err);
            if (status == QN_OK && another && qn__xml_is(xml, "t"))
                status = qn__xml_text(xml, out, err);
        }
    }
    if (status == QN_OK && out->size > from && memmem(out->bytes + from, out->size - from, "_x", 2))
        decode_escapes(out, from);
    return status;
}

static enum qn_status read_strings(struct qn__xlsx_book *book, const char *part,
                                   struct qn_error *err)
{
    struct qn__xml xml;
    bool found = false;
    enum qn_status status = open_part(book, part, &xml, err);
    if (status == QN_OK)
        status = qn__xml_child(&xml, 0, &found, err);
    while (status == QN_OK && found) {
        status = qn__xml_child(&xml, 1, &found, err);
        if (status != QN_OK || !found || !qn__xml_is(&xml, "si"))
            continue;
        void *ends = book->string_ends;
        if (qn_grow(&ends, &book->string_capacity, book->string_count + 1, sizeof(uint64_t)) != 0) {
            status = qn_fail_nomem(err, book->source->name);
            break;
        }
        book->string_ends = ends;
        status = qn__xlsx_string(&xml, &book->strings, err);
        book->string_ends[book->string_count++] = book->strings.size;
    }
    qn__xml_close(&xml);
    return status;
}

/* ---- All of it ---- */

static enum qn_status read_parts(struct qn__xlsx_book *book, const char *workbook_part,
                                 struct qn_error *err)
{
    struct sheets sheets = {0};
    struct link links[] = {{.type = "/sharedStrings"}, {.type = "/styles"}};
    struct qn__xml xml;
    enum qn_status status = open_part(book, workbook_part, &xml, err);
    if (status == QN_OK)
        status = read_workbook(book, &xml, &sheets, err);
    qn__xml_close(&xml);
    if (status == QN_OK)
        status = choose_sheet(book, workbook_part, &sheets, err);
    if (status == QN_OK)
        status = read_links(book, workbook_part, links, 2, err);
    if (status == QN_OK && links[0].target)
        status = read_strings(book, links[0].target, err);
    if (status == QN_OK && links[1].target)
        status = read_styles(book, links[1].target, err);
    sheets_release(&sheets);
    qn_free(links[0].target);
    qn_free(links[1].target);
    return status;
}

enum qn_status qn__xlsx_book_open(const struct qn__source *source,
                                  const struct qn_read_options *options, struct qn__xlsx_book *out,
                                  struct qn_error *err)
{
    struct qn__xlsx_book book = {.source = source, .options = options};
    struct link workbook = {.type = "/officeDocument"};
    qn_buffer_init(&book.strings, SIZE_MAX);
    enum qn_status status = qn__zip_open(source, &book.zip, err);
    if (status != QN_OK)
        return status;
    if (!qn__zip_find(&book.zip, "_rels/.rels") || qn__zip_find(&book.zip, "xl/workbook.bin"))
        status = fail_other(&book, err);
    if (status == QN_OK)
        status = read_links(&book, "", &workbook, 1, err);
    if (status == QN_OK && !workbook.target)
        status = fail_other(&book, err);
    if (status == QN_OK)
        status = read_parts(&book, workbook.target, err);
    qn_free(workbook.target);
    if (status == QN_OK)
        *out = book;
    else
        qn__xlsx_book_close(&book);
    return status;
}

void qn__xlsx_book_close(struct qn__xlsx_book *book)
{
    qn__zip_close(&book->zip);
    qn_free(book->sheet_name);
    qn_free(book->sheet_part);
    qn_free(book->styles);
    qn_free(book->string_ends);
    qn_buffer_release(&book->strings);
}
