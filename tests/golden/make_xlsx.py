"""Makes tests/golden/xlsx: small workbooks written by openpyxl, by xlsxwriter and by hand (with the
prefixes, shared formulas and missing references that other programs write), and beside each what
Quern must read: NAME.tsv with a line of column names, a line of Quern's types, and one line a row
with the cells as Quern shows them (empty is missing).

    python make_xlsx.py            # openpyxl 3.1.5, XlsxWriter 3.3.1
"""
import datetime
import pathlib
import zipfile

import openpyxl
import openpyxl.styles
import openpyxl.utils.datetime
import xlsxwriter

FOLDER = pathlib.Path(__file__).parent / "xlsx"
D, DT, T = datetime.date, datetime.datetime, datetime.time


def describe(name, columns, rows):
    """columns: {name: type}."""
    lines = ["\t".join(columns), "\t".join(columns.values())] + ["\t".join(row) for row in rows]
    (FOLDER / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def openpyxl_types():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Types"
    sheet.append(["whole", "number", "flag", "day", "moment", "word", "code", "mixed", "clock"])
    sheet.append([1, 0.1, True, D(2024, 2, 29), DT(2024, 2, 29, 23, 59, 58), "red", "007", 1, T(9, 5)])
    sheet.append([-2, 1e300, False, D(1900, 1, 1), DT(2024, 3, 1), "blue & <green>", "012", "x", T(23, 59, 58)])
    sheet.append([None, 3, None, None, DT(1999, 12, 31, 12, 0, 0, 250000), "  caf\u00e9 ", None, True, None])
    sheet.append([2**52 + 1, -0.5, True, D(9999, 12, 31), None, None, "100", D(2024, 1, 5), T(0, 0)])
    book.save(FOLDER / "types.xlsx")
    describe("types", {"whole": "integer", "number": "number", "flag": "boolean", "day": "date",
                       "moment": "datetime", "word": "category", "code": "category",
                       "mixed": "category", "clock": "category"}, [
        ["1", "0.1", "true", "2024-02-29", "2024-02-29T23:59:58Z", "red", "007", "1", "09:05:00"],
        ["-2", "1e+300", "false", "1900-01-01", "2024-03-01T00:00:00Z", "blue & <green>", "012", "x", "23:59:58"],
        ["", "3", "", "", "1999-12-31T12:00:00.250Z", "  caf\u00e9 ", "", "true", ""],
        [str(2**52 + 1), "-0.5", "true", "9999-12-31", "", "", "100", "2024-01-05", "00:00:00"]])


def openpyxl_epoch_1904():
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    sheet = book.active
    sheet.append(["day", "moment"])
    sheet.append([D(1904, 1, 2), DT(2024, 2, 29, 6)])
    sheet.append([D(2024, 2, 29), DT(1904, 1, 1, 0, 0, 1)])
    book.save(FOLDER / "epoch_1904.xlsx")
    describe("epoch_1904", {"day": "date", "moment": "datetime"},
             [["1904-01-02", "2024-02-29T06:00:00Z"], ["2024-02-29", "1904-01-01T00:00:01Z"]])


def openpyxl_iso():
    book = openpyxl.Workbook()
    book.iso_dates = True
    sheet = book.active
    sheet.append(["day", "moment"])
    sheet.append([D(2024, 2, 29), DT(2024, 2, 29, 6, 7, 8)])
    sheet.append([D(1850, 1, 1), DT(1850, 1, 1)])
    book.save(FOLDER / "iso_dates.xlsx")
    describe("iso_dates", {"day": "date", "moment": "datetime"},
             [["2024-02-29", "2024-02-29T06:07:08Z"], ["1850-01-01", "1850-01-01T00:00:00Z"]])


def openpyxl_layout():
    """Empty rows and columns around and inside, merged cells, several sheets, odd names."""
    book = openpyxl.Workbook()
    book.active.title = "Hidden"
    book.active.sheet_state = "hidden"
    book.active.append(["no"])
    book.create_chartsheet("Chart")
    sheet = book.create_sheet("B\u00fccher & 'Q1'")
    for place, value in {"C3": "region", "D3": "x", "E3": "x", "G3": "  n ", "C4": "north", "D4": 1,
                         "D5": 2, "G5": 5, "C8": "south", "D8": 3, "E8": "#N/A", "I8": 9}.items():
        sheet[place] = value
    sheet.merge_cells("C4:C5")
    sheet["Z99"].font = openpyxl.styles.Font(bold=True)
    book.create_sheet("Last").append(["other"])
    book.save(FOLDER / "layout.xlsx")
    describe("layout", {"region": "category", "x": "integer", "x_2": "category", "column_4": "category",
                        "n": "integer", "column_6": "category", "column_7": "integer"},
             [["north", "1", "", "", "", "", ""], ["", "2", "", "", "5", "", ""],
              ["south", "3", "", "", "", "", "9"]])


def openpyxl_formulas():
    """Formulas without saved results, as openpyxl leaves them."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["a", "b"])
    sheet.append([1, "=A2*2"])
    sheet.append([2, 7])
    book.save(FOLDER / "unresolved.xlsx")
    describe("unresolved", {"a": "integer", "b": "integer"}, [["1", ""], ["2", "7"]])


def xlsxwriter_formats():
    """Number formats, built-in and of one's own; durations stay numbers of days."""
    book = xlsxwriter.Workbook(FOLDER / "formats.xlsx")
    sheet = book.add_worksheet("Formats")
    formats = {"m/d/yy": ("date", ["2024-02-29", "1900-02-28", "1900-03-01"], [45351, 59, 61]),
               "d-mmm": ("date", ["2024-02-29", "1900-01-01", ""], [45351, 1, None]),
               "m/d/yy h:mm": ("datetime", ["2024-02-29T12:00:00Z", "1999-12-31T00:00:00Z", ""], [45351.5, 36525, None]),
               "h:mm": ("category", ["12:00:00", "00:00:00", "00:00:00.01"], [0.5, 0, 0.01 / 86400]),
               "mm:ss": ("datetime", ["2024-02-29T12:00:00Z", "", ""], [45351.5, None, None]),
               "[h]:mm:ss": ("number", ["1.25", "0.5", "2"], [1.25, 0.5, 2]),
               '0.00" days"': ("number", ["1.25", "0.5", "2"], [1.25, 0.5, 2]),
               '[Red]0;\\d0': ("integer", ["5", "6", "7"], [5, 6, 7]),
               '"y"0': ("integer", ["5", "6", "7"], [5, 6, 7]),
               "0.00E+00": ("number", ["5.5", "6", "7"], [5.5, 6, 7]),
               "yyyy\\-mm\\-dd;@": ("date", ["2024-02-29", "", ""], [45351, None, None]),
               "[$-407]d. mmmm yyyy": ("date", ["2024-02-29", "", ""], [45351, None, None]),
               "mmm yyyy": ("date", ["2024-02-01", "", ""], [45323, None, None]),
               "General": ("integer", ["45351", "1", "2"], [45351, 1, 2])}
    names = {}
    for column, (code, (kind, _, values)) in enumerate(formats.items()):
        names[f"f{column}"] = kind
        sheet.write(0, column, f"f{column}")
        style = book.add_format({"num_format": code})
        for row, value in enumerate(values):
            if value is not None:
                sheet.write_number(row + 1, column, value, style)
    book.close()
    describe("formats", names, list(zip(*(texts for _, texts, _ in formats.values()))))


def xlsxwriter_strings():
    """Rich texts, control characters, entities, inline strings, errors and formulas with results."""
    for name, options in {"strings": {}, "inline": {"constant_memory": True}}.items():
        book = xlsxwriter.Workbook(FOLDER / f"{name}.xlsx", options)
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        sheet.write_row(0, 0, ["text", "sum", "word", "fault"])
        sheet.write_rich_string(1, 0, "one ", bold, "two", " three")
        sheet.write_formula(1, 1, "=1+1", None, 2)
        sheet.write_formula(1, 2, '="a"&"b"', None, "ab")
        sheet.write_formula(1, 3, "=1/0", None, "#DIV/0!")
        sheet.write_string(2, 0, "bell\a & <tag> \"q\" _x0041_ \U0001f600")
        sheet.write_formula(2, 1, "=1/4", None, 0.25)
        sheet.write_formula(2, 2, "=NA()", None, "#N/A")
        sheet.write_number(2, 3, 4)
        book.close()
        describe(name, {"text": "category", "sum": "number", "word": "category", "fault": "integer"},
                 [["one two three", "2", "ab", ""],
                  ["bell\a & <tag> \"q\" _x0041_ \U0001f600", "0.25", "", "4"]])


def xlsxwriter_zip64():
    book = xlsxwriter.Workbook(FOLDER / "zip64.xlsx")
    book.use_zip64()
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["a", "b"])
    sheet.write_row(1, 0, [1, True])
    book.close()
    describe("zip64", {"a": "integer", "b": "boolean"}, [["1", "true"]])


HEAD = '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def by_hand():
    """As LibreOffice and writers of the OpenXML SDK do it: a prefix on every element, targets from
    the root, no references on rows and cells, phonetic runs, CDATA, comments, a byte order mark,
    stored parts."""
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{LINKS}"><Relationship Id="a" Type="{OFFICE}/officeDocument" '
                       'Target="/xl/Workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<x:workbook xmlns:x="{MAIN}" xmlns:q="{OFFICE}"><x:workbookPr date1904="false"/>'
                           '<x:sheets><x:sheet name="Sheet&#49;" sheetId="1" state="visible" q:id="s"/></x:sheets></x:workbook>',
        "xl/_rels/workbook.xml.rels":
            f'<Relationships xmlns="{LINKS}"><Relationship Id="s" Type="{OFFICE}/worksheet" Target="./x/../sheets/one.xml"/>'
            f'<Relationship Id="t" Type="{OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
            f'<Relationship Id="u" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/sharedStrings.xml": f'\ufeff{HEAD}<x:sst xmlns:x="{MAIN}" count="3" uniqueCount="3"><x:si><x:t>name</x:t></x:si>'
                                '<x:si><x:r><x:rPr><x:b/></x:rPr><x:t xml:space="preserve">To </x:t></x:r><x:r><x:t>kyo</x:t></x:r>'
                                '<x:rPh sb="0" eb="2"><x:t>TOKYO</x:t></x:rPh><x:phoneticPr fontId="1"/></x:si>'
                                '<x:si><x:t><![CDATA[<b> & ]]>c&#x20AC;</x:t></x:si></x:sst>',
        "xl/styles.xml": f'<x:styleSheet xmlns:x="{MAIN}"><x:numFmts count="1"><x:numFmt numFmtId="164" formatCode="YYYY&quot;y&quot;"/></x:numFmts>'
                         '<x:cellStyleXfs><x:xf numFmtId="14"/></x:cellStyleXfs>'
                         '<x:cellXfs count="2"><x:xf numFmtId="0"/><x:xf numFmtId="164"/></x:cellXfs></x:styleSheet>',
        "xl/sheets/one.xml": f"{HEAD}<!-- made by hand --><x:worksheet xmlns:x='{MAIN}'><x:cols><x:col min='1' max='3'/></x:cols>\r\n"
                             "<x:sheetData><x:row><x:c t='s'><x:v>0</x:v></x:c><x:c t='inlineStr'><x:is><x:t>when</x:t></x:is></x:c></x:row>\r\n"
                             "<x:row><x:c t='s'><x:v>1</x:v></x:c><x:c s='1'><x:v>4.5351E4</x:v></x:c><x:c t='str'><x:f>A1</x:f><x:v/></x:c></x:row>"
                             "<x:row/><x:row r='9'><x:c t='s'><x:v>2</x:v></x:c><x:c r='B9' s='1'/></x:row></x:sheetData>"
                             "<x:mergeCells><x:mergeCell ref='A1:A2'/></x:mergeCells></x:worksheet>\n",
    }
    with zipfile.ZipFile(FOLDER / "by_hand.xlsx", "w") as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), text)
    describe("by_hand", {"name": "category", "when": "date"},
             [["To kyo", "2024-02-29"], ["<b> & c\u20ac", ""]])


FOLDER.mkdir(exist_ok=True)
openpyxl_types()
openpyxl_epoch_1904()
openpyxl_iso()
openpyxl_layout()
openpyxl_formulas()
xlsxwriter_formats()
xlsxwriter_strings()
xlsxwriter_zip64()
by_hand()
