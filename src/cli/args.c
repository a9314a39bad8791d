#include "cli/args.h"

#include "base/alloc.h"
#include "base/text.h"

#include <string.h>

#define QN_HELP_COLUMN 26

static const struct qn_option *find_option(const struct qn_option *const *tables, const char *name)
{
    for (size_t t = 0; tables[t]; t++) {
        for (const struct qn_option *option = tables[t]; option->name; option++) {
            if (strcmp(option->name, name) == 0)
                return option;
        }
    }
    return NULL;
}

static enum qn_status unknown_option(const struct qn_option *const *tables, const char *text,
                                     struct qn_error *err)
{
    const char *names[64];
    size_t count = 0;
    for (size_t t = 0; tables[t]; t++) {
        for (const struct qn_option *option = tables[t]; option->name && count < 64; option++)
            names[count++] = option->name;
    }
    const char *closest = qn_text_closest(text + 2, names, count);
    if (closest)
        return qn_fail(err, QN_INVALID, "no option '%.80s': did you mean --%s?", text, closest);
    return qn_fail(err, QN_INVALID, "no option '%.80s'; --help lists them", text);
}

/* One option at argv[at]; *used counts the words taken. */
static enum qn_status parse_option(char **argv, size_t at, size_t count,
                                   const struct qn_option *const *tables,
                                   bool (*extra)(void *context, const char *name), void *context,
                                   struct qn_given *out, size_t *used, struct qn_error *err)
{
    char *text = argv[at] + 2;
    char *equals = strchr(text, '=');
    if (equals)
        *equals = 0;
    const struct qn_option *option = find_option(tables, text);
    bool takes_value = option && option->value;
    const char *name = option ? option->name : text;
    if (!option) {
        if (!extra || !extra(context, text))
            return unknown_option(tables, argv[at], err);
        takes_value = true;
    }
    *used = 1;
    *out = (struct qn_given){.name = name, .value = ""};
    if (!takes_value)
        return equals ? qn_fail(err, QN_INVALID, "--%s takes no value", name) : QN_OK;
    if (equals) {
        out->value = equals + 1;
        return QN_OK;
    }
    if (at + 1 >= count)
        return qn_fail(err, QN_INVALID, "--%s needs a value%s%s", name, option ? ": " : "",
                       option ? option->value : "");
    out->value = argv[at + 1];
    *used = 2;
    return QN_OK;
}

enum qn_status qn_args_parse(char **argv, size_t count, const struct qn_option *const *tables,
                             bool (*extra)(void *context, const char *name), void *context,
                             struct qn_args *out, struct qn_error *err)
{
    struct qn_args args = {.given = QN_CALLOC(struct qn_given, count)};
    if (!args.given)
        return qn_fail_nomem(err, "arguments");
    bool words_only = false;
    for (size_t at = 0; at < count;) {
        const char *text = argv[at];
        size_t used = 1;
        if (!words_only && strcmp(text, "--") == 0) {
            words_only = true;
        } else if (!words_only && text[0] == '-' && text[1] == '-') {
            enum qn_status status = parse_option(argv, at, count, tables, extra, context,
                                                 &args.given[args.count], &used, err);
            if (status != QN_OK) {
                qn_args_release(&args);
                return status;
            }
            args.count++;
        } else if (!words_only && text[0] == '-' && text[1] != 0) {
            qn_args_release(&args);
            return qn_fail(err, QN_INVALID, "'%.40s': options begin with two dashes", text);
        } else {
            args.given[args.count++] = (struct qn_given){.value = text};
        }
        at += used;
    }
    *out = args;
    return QN_OK;
}

void qn_args_release(struct qn_args *args)
{
    qn_free(args->given);
    *args = (struct qn_args){0};
}

const char *qn_args_value(const struct qn_args *args, const char *name)
{
    for (size_t i = args->count; i > 0; i--) {
        const struct qn_given *given = &args->given[i - 1];
        if (given->name && strcmp(given->name, name) == 0)
            return given->value;
    }
    return NULL;
}

bool qn_args_flag(const struct qn_args *args, const char *name)
{
    return qn_args_value(args, name) != NULL;
}

const char *qn_args_word(const struct qn_args *args, size_t index)
{
    for (size_t i = 0; i < args->count; i++) {
        if (!args->given[i].name && index-- == 0)
            return args->given[i].value;
    }
    return NULL;
}

enum qn_status qn_args_double(const struct qn_args *args, const char *name, double *out,
                              struct qn_error *err)
{
    const char *text = qn_args_value(args, name);
    if (!text)
        return QN_OK;
    double value = 0;
    if (!qn_parse_double(text, strlen(text), &value))
        return qn_fail(err, QN_INVALID, "--%s: '%.40s' is not a number", name, text);
    *out = value;
    return QN_OK;
}

enum qn_status qn_args_count(const struct qn_args *args, const char *name, uint64_t *out,
                             struct qn_error *err)
{
    const char *text = qn_args_value(args, name);
    if (!text)
        return QN_OK;
    int64_t value = 0;
    if (!qn_parse_int64(text, strlen(text), &value) || value < 0)
        return qn_fail(err, QN_INVALID, "--%s: '%.40s' is not a whole number from 0 up", name,
                       text);
    *out = (uint64_t)value;
    return QN_OK;
}

/* Items of one comma-separated text, appended to the list. */
static enum qn_status split_list(const char *text, char ***list, size_t *count, size_t *capacity,
                                 struct qn_error *err)
{
    for (const char *at = text;;) {
        size_t size = 0, skip = 0;
        char *item = qn_alloc(strlen(at) + 1, 1);
        if (!item || qn_grow((void **)list, capacity, *count + 1, sizeof(**list)) != 0) {
            qn_free(item);
            return qn_fail_nomem(err, "arguments");
        }
        while (at[skip] && at[skip] != ',') {
            if (at[skip] == '\\' && at[skip + 1] == ',')
                skip++;
            item[size++] = at[skip++];
        }
        item[size] = 0;
        (*list)[(*count)++] = item;
        if (!at[skip])
            return QN_OK;
        at += skip + 1;
    }
}

enum qn_status qn_args_list(const struct qn_args *args, const char *name, char ***out,
                            size_t *count_out, struct qn_error *err)
{
    char **list = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < args->count; i++) {
        const struct qn_given *given = &args->given[i];
        if (!given->name || strcmp(given->name, name) != 0)
            continue;
        enum qn_status status = split_list(given->value, &list, &count, &capacity, err);
        if (status != QN_OK) {
            qn_args_list_free(list, count);
            return status;
        }
    }
    *out = list;
    *count_out = count;
    return QN_OK;
}

void qn_args_list_free(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        qn_free(list[i]);
    qn_free(list);
}

/* Help text with line breaks, each line indented to the same column. */
static void print_help(FILE *out, const char *help)
{
    for (const char *at = help; *at; at++) {
        fputc(*at, out);
        if (*at == '\n')
            fprintf(out, "%*s", QN_HELP_COLUMN, "");
    }
    fputc('\n', out);
}

void qn_options_print(FILE *out, const struct qn_option *options)
{
    for (const struct qn_option *option = options; option->name; option++) {
        int used = fprintf(out, "  --%s%s%s", option->name, option->value ? " " : "",
                           option->value ? option->value : "");
        if (used >= QN_HELP_COLUMN - 1)
            fprintf(out, "\n%*s", QN_HELP_COLUMN, "");
        else
            fprintf(out, "%*s", QN_HELP_COLUMN - used, "");
        print_help(out, option->help);
    }
}
