/* Workbooks made in memory, right or wrong, for tests and the fuzzer. */
#ifndef QN_TESTS_UNIT_DATA_XLSX_SUPPORT_H
#define QN_TESTS_UNIT_DATA_XLSX_SUPPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct xlsx_part {
    const char *name;
    const char *text;
    size_t size; /* 0: strlen(text) */
};

struct xlsx_archive {
    unsigned char *bytes; /* free() */
    size_t size, directory_at;
};

static inline void xlsx_put(struct xlsx_archive *archive, const void *bytes, size_t size)
{
    archive->bytes = realloc(archive->bytes, archive->size + size + 1);
    memcpy(archive->bytes + archive->size, bytes, size);
    archive->size += size;
}

static inline void xlsx_put_number(struct xlsx_archive *archive, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++, value >>= 8) {
        unsigned char byte = (unsigned char)value;
        xlsx_put(archive, &byte, 1);
    }
}

/* What local and central headers have alike, from the flags to the size of the extra field. */
static inline void xlsx_put_common(struct xlsx_archive *archive, const struct xlsx_part *part,
                                   size_t size, bool zip64)
{
    xlsx_put_number(archive, 0, 8); /* flags, method, time, date */
    xlsx_put_number(archive, crc32(0, (const unsigned char *)part->text, (unsigned)size), 4);
    xlsx_put_number(archive, zip64 ? UINT32_MAX : size, 4);
    xlsx_put_number(archive, zip64 ? UINT32_MAX : size, 4);
    xlsx_put_number(archive, strlen(part->name), 2);
    xlsx_put_number(archive, zip64 ? 33 : 0, 2);
}

/* One entry of the directory; with ZIP64 behind a field that says nothing. */
static inline void xlsx_put_entry(struct xlsx_archive *archive, const struct xlsx_part *part,
                                  size_t at, bool zip64)
{
    size_t size = part->size ? part->size : strlen(part->text);
    xlsx_put(archive, "PK\1\2\x14\0\x14", 8);
    xlsx_put_common(archive, part, size, zip64);
    xlsx_put_number(archive, 0, 10); /* comment, volume, attributes */
    xlsx_put_number(archive, zip64 ? UINT32_MAX : at, 4);
    xlsx_put(archive, part->name, strlen(part->name));
    if (!zip64)
        return;
    xlsx_put(archive, "UT\1\0x", 5);    /* a field of one byte */
    xlsx_put(archive, "\1\0\x18\0", 4); /* ZIP64, 24 bytes */
    xlsx_put_number(archive, size, 8);
    xlsx_put_number(archive, size, 8);
    xlsx_put_number(archive, at, 8);
}

/* A zip archive of stored parts. zip64: with wide sizes and places, as if it were large. */
static inline struct xlsx_archive xlsx_archive_build(const struct xlsx_part *parts, size_t count,
                                                     bool zip64)
{
    struct xlsx_archive archive = {0};
    size_t *at = calloc(count + 1, sizeof(*at));
    for (size_t i = 0; i < count; i++) {
        size_t size = parts[i].size ? parts[i].size : strlen(parts[i].text);
        at[i] = archive.size;
        xlsx_put(&archive, "PK\3\4\x14", 6);
        xlsx_put_common(&archive, &parts[i], size, false);
        xlsx_put(&archive, parts[i].name, strlen(parts[i].name));
        xlsx_put(&archive, parts[i].text, size);
    }
    archive.directory_at = archive.size;
    for (size_t i = 0; i < count; i++)
        xlsx_put_entry(&archive, &parts[i], at[i], zip64);
    size_t end_at = archive.size, size = end_at - archive.directory_at;
    if (zip64) {
        xlsx_put(&archive, "PK\6\6\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0", 24);
        xlsx_put_number(&archive, count, 8);
        xlsx_put_number(&archive, count, 8);
        xlsx_put_number(&archive, size, 8);
        xlsx_put_number(&archive, archive.directory_at, 8);
        xlsx_put(&archive, "PK\6\7\0\0\0", 8);
        xlsx_put_number(&archive, end_at, 8);
        xlsx_put_number(&archive, 1, 4);
    }
    xlsx_put(&archive, "PK\5\6\0\0\0", 8);
    xlsx_put_number(&archive, zip64 ? UINT16_MAX : count, 2);
    xlsx_put_number(&archive, zip64 ? UINT16_MAX : count, 2);
    xlsx_put_number(&archive, zip64 ? UINT32_MAX : size, 4);
    xlsx_put_number(&archive, zip64 ? UINT32_MAX : archive.directory_at, 4);
    xlsx_put_number(&archive, 0, 2);
    free(at);
    return archive;
}

static inline struct xlsx_archive xlsx_archive_make(const struct xlsx_part *parts, size_t count)
{
    return xlsx_archive_build(parts, count, false);
}

#define XLSX_LINK(id, type, target)                                                                \
    "<Relationship Id=\"" id "\" Type=\"http://x/" type "\" Target=\"" target "\"/>"

enum {
    XLSX_ROOT_LINKS,
    XLSX_WORKBOOK,
    XLSX_LINKS,
    XLSX_STRINGS,
    XLSX_STYLES,
    XLSX_SHEET,
    XLSX_PARTS,
};

/* The parts of a small workbook, whose sheet 'Q1' is to be filled in. Shared strings: 0 "a",
 * 1 "b"; cell formats: 0 plain, 1 a date, 2 a time, 3 both. */
static inline void xlsx_parts(struct xlsx_part parts[XLSX_PARTS])
{
    static const struct xlsx_part standard[XLSX_PARTS] = {
        {"_rels/.rels",
         "<Relationships>" XLSX_LINK("r", "officeDocument", "xl/workbook.xml") "</Relationships>",
         0},
        {"xl/workbook.xml", "<workbook><sheets><sheet name=\"Q1\" r:id=\"s\"/></sheets></workbook>",
         0},
        {"xl/_rels/workbook.xml.rels",
         "<Relationships>" XLSX_LINK("s", "worksheet", "sheet1.xml")
             XLSX_LINK("t", "sharedStrings", "strings.xml")
                 XLSX_LINK("u", "styles", "styles.xml") "</Relationships>",
         0},
        {"xl/strings.xml", "<sst><si><t>a</t></si><si><t>b</t></si></sst>", 0},
        {"xl/styles.xml",
         "<styleSheet><cellXfs><xf/><xf numFmtId=\"14\"/><xf numFmtId=\"20\"/>"
         "<xf numFmtId=\"22\"/></cellXfs>"
         "</styleSheet>",
         0},
        {"xl/sheet1.xml", "<worksheet/>", 0},
    };
    memcpy(parts, standard, sizeof(standard));
}

#endif
