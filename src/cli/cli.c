#include "cli/cli.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

const struct qn_option qn_data_options[] = {
    {"types", "LIST",
     "force types: zip=text,when=date:%d/%m/%Y\n"
     "(boolean integer number category text date datetime)"},
    {"missing", "LIST", "tokens that mean missing, instead of the default list"},
    {"no-header", NULL, "the first line is data; columns become c1, c2 ..."},
    {"delimiter", "C", "of CSV: one character, or 'tab' (found out when not given)"},
    {"format", "NAME", "csv, parquet, jsonl or xlsx (found out when not given)"},
    {"threads", "N", "threads to use (2; 0: all processors)"},
    {"memory", "SIZE", "larger tables go to a temporary file: 512M, 4G (4G)"},
    {"temporary-folder", "DIR", "for such files ($TMPDIR or /tmp)"},
    {NULL, NULL, NULL},
};

static const struct qn_option common_options[] = {
    {"help", NULL, "this text"},
    {NULL, NULL, NULL},
};

/* One line, and nothing that steers a terminal: names of files and columns are others' texts. */
static void print_line(const char *text)
{
    char line[sizeof(((struct qn_error *)NULL)->message)];
    size_t size = 0;
    for (; text[size] && size + 1 < sizeof(line); size++) {
        unsigned char c = (unsigned char)text[size];
        line[size] = c < 0x20 || c == 0x7f ? '?' : text[size];
    }
    line[size] = '\0';
    fprintf(stderr, "quern: %s\n", line);
}

int qn_cli_fail(const struct qn_error *err, bool wrong_usage)
{
    print_line(err->message);
    return wrong_usage ? QN_EXIT_USAGE : QN_EXIT_FAILED;
}

static enum qn_status parse_format(const char *text, enum qn_format *out, struct qn_error *err)
{
    static const char *const names[] = {"auto", "csv", "parquet", "jsonl", "xlsx"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum qn_format)i;
            return QN_OK;
        }
    }
    return qn_fail(err, QN_INVALID, "--format: '%.40s' is not csv, parquet, jsonl or xlsx", text);
}

static enum qn_status parse_delimiter(const char *text, char *out, struct qn_error *err)
{
    if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0)
        *out = '\t';
    else if (strlen(text) == 1)
        *out = text[0];
    else
        return qn_fail(err, QN_INVALID, "--delimiter: '%.20s' is not one character", text);
    return QN_OK;
}

static enum qn_status parse_data_settings(const struct qn_args *args, struct qn_data_settings *out,
                                          struct qn_error *err)
{
    enum qn_status status = QN_OK;
    const char *text;
    if ((text = qn_args_value(args, "types")))
        status = qn_type_overrides_parse(text, &out->overrides, &out->override_count, err);
    if (status == QN_OK)
        status = qn_args_list(args, "missing", &out->missing, &out->missing_count, err);
    if (status == QN_OK && (text = qn_args_value(args, "delimiter")))
        status = parse_delimiter(text, &out->read.delimiter, err);
    if (status == QN_OK && (text = qn_args_value(args, "format")))
        status = parse_format(text, &out->read.format, err);
    if (status == QN_OK && (text = qn_args_value(args, "memory")))
        status = qn_parse_size(text, &out->read.memory_limit_bytes, err);
    uint64_t threads = out->read.thread_count;
    if (status == QN_OK)
        status = qn_args_count(args, "threads", &threads, err);
    if (status != QN_OK)
        return status;
    if (threads > 1024)
        return qn_fail(err, QN_INVALID, "--threads: at most 1024");
    out->read.thread_count = (unsigned)threads;
    out->read.no_header = qn_args_flag(args, "no-header");
    out->read.temporary_folder = qn_args_value(args, "temporary-folder");
    out->read.overrides = out->overrides;
    out->read.override_count = out->override_count;
    if (out->missing) {
        out->read.missing = (const char *const *)out->missing;
        out->read.missing_count = out->missing_count;
    }
    return qn_read_options_check(&out->read, err);
}

enum qn_status qn_data_settings_init(const struct qn_args *args, struct qn_data_settings *out,
                                     struct qn_error *err)
{
    *out = (struct qn_data_settings){0};
    qn_read_options_default(&out->read);
    enum qn_status status = parse_data_settings(args, out, err);
    if (status != QN_OK)
        qn_data_settings_release(out);
    return status;
}

void qn_data_settings_release(struct qn_data_settings *settings)
{
    qn_type_overrides_free(settings->overrides, settings->override_count);
    qn_args_list_free(settings->missing, settings->missing_count);
    *settings = (struct qn_data_settings){0};
}

void qn_cli_print_notes(const struct qn_table *table)
{
    for (size_t i = 0; i < table->note_count; i++)
        fprintf(stderr, "quern: %s\n", table->notes[i]);
}

int qn_cli_print_json(json_t *value)
{
    char *text = value ? qn_json_text(value, 2) : NULL;
    json_decref(value);
    if (!text) {
        fprintf(stderr, "quern: out of memory\n");
        return QN_EXIT_FAILED;
    }
    puts(text);
    qn_free(text);
    return QN_EXIT_GOOD;
}

static void print_overview(FILE *out)
{
    fputs("quern: from a CSV to a model that predicts\n\nUsage: quern COMMAND [options]\n\n", out);
    for (size_t i = 0; qn_commands[i]; i++)
        fprintf(out, "  %-15s %s\n", qn_commands[i]->name, qn_commands[i]->summary);
    fputs("\n`quern COMMAND --help` tells more. Data are CSV, TSV, Parquet, JSON lines or XLSX,\n"
          "plain, gzip or zstd; - is standard input. Exit codes: 0 good, 1 failed, 2 wrong usage.\n"
          "\nFive minutes:\n"
          "  quern sample penguins --output penguins.csv\n"
          "  quern profile penguins.csv\n"
          "  quern train penguins.csv --target species --output model.qnm\n"
          "  quern predict model.qnm penguins.csv --output predictions.csv\n",
          out);
}

static void print_command(const struct qn_command *command)
{
    printf("%s\n\nUsage: quern %s %s\n\nOptions:\n", command->summary, command->name,
           command->usage);
    qn_options_print(stdout, command->options);
    qn_options_print(stdout, common_options);
    if (command->reads_data) {
        puts("\nReading data:");
        qn_options_print(stdout, qn_data_options);
    }
    if (command->examples)
        printf("\nExamples:\n%s", command->examples);
}

static int unknown_command(const char *name)
{
    const char *names[32];
    size_t count = 0;
    for (size_t i = 0; qn_commands[i] && count < 32; i++)
        names[count++] = qn_commands[i]->name;
    const char *closest = qn_text_closest(name, names, count);
    fprintf(stderr, "quern: no command '%.60s'", name);
    if (closest)
        fprintf(stderr, ": did you mean '%s'?\n", closest);
    else
        fputs("; `quern help` lists them\n", stderr);
    return QN_EXIT_USAGE;
}

static int run_command(const struct qn_command *command, char **argv, size_t count)
{
    const struct qn_option *tables[] = {command->options, common_options,
                                        command->reads_data ? qn_data_options : NULL, NULL};
    for (size_t i = 0; i < count && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_command(command);
            return QN_EXIT_GOOD;
        }
    }
    struct qn_args args;
    struct qn_error err = QN_ERROR_INIT;
    enum qn_status status = qn_args_parse(argv, count, tables, command->extra, NULL, &args, &err);
    if (status != QN_OK) {
        int code = qn_cli_fail(&err, status == QN_INVALID);
        fprintf(stderr, "Usage: quern %s %s\n", command->name, command->usage);
        return code;
    }
    int code = command->run(&args);
    qn_args_release(&args);
    return code;
}

int qn_cli_run(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return QN_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0 && argc > 2) {
        for (size_t i = 0; qn_commands[i]; i++) {
            if (strcmp(qn_commands[i]->name, argv[2]) == 0) {
                print_command(qn_commands[i]);
                return QN_EXIT_GOOD;
            }
        }
        return unknown_command(argv[2]);
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_overview(stdout);
        return QN_EXIT_GOOD;
    }
    if (strcmp(name, "--version") == 0)
        name = "version";
    for (size_t i = 0; qn_commands[i]; i++) {
        if (strcmp(qn_commands[i]->name, name) == 0) {
            int code = run_command(qn_commands[i], argv + 2, (size_t)argc - 2);
            bool unwritten = fflush(stdout) != 0 || ferror(stdout);
            if (unwritten && code == QN_EXIT_GOOD) {
                fputs("quern: could not write to standard output\n", stderr);
                code = QN_EXIT_FAILED;
            }
            return code;
        }
    }
    return unknown_command(name);
}
