/* The `quern` command: one file a subcommand. */
#ifndef QN_CLI_CLI_H
#define QN_CLI_CLI_H

#include "base/json.h"
#include "cli/args.h"
#include "cli/console.h"
#include "data/read.h"

enum { QN_EXIT_GOOD = 0, QN_EXIT_FAILED = 1, QN_EXIT_USAGE = 2 };

struct qn_command {
    const char *name;
    const char *usage;   /* "DATA [options]" */
    const char *summary; /* one line, no full stop */
    const struct qn_option *options;
    bool reads_data;      /* takes the options of qn_data_options too */
    const char *examples; /* lines, shown under --help; may be NULL */
    /* Further --name options that the command takes with a value; NULL: none. */
    bool (*extra)(void *context, const char *name);
    int (*run)(const struct qn_args *args);
};

/* In the order of help; ends with NULL. */
extern const struct qn_command *const qn_commands[];

int qn_cli_run(int argc, char **argv);

/* Prints "quern: MESSAGE" to standard error and returns the exit code for the status: usage for
 * wrong options (wrong_usage), else failed. */
int qn_cli_fail(const struct qn_error *err, bool wrong_usage);

/* Options that say how data are read, the same for every command. */
extern const struct qn_option qn_data_options[];
struct qn_data_settings {
    struct qn_read_options read;
    struct qn_type_override *overrides; /* owns */
    size_t override_count;
    char **missing; /* owns */
    size_t missing_count;
};
QN_MUST_CHECK enum qn_status qn_data_settings_init(const struct qn_args *args,
                                                   struct qn_data_settings *out,
                                                   struct qn_error *err);
void qn_data_settings_release(struct qn_data_settings *settings);

/* What happened on reading that the user should hear of, to standard error. */
void qn_cli_print_notes(const struct qn_table *table);

/* Prints a JSON value, indented, with a line break; takes it. */
int qn_cli_print_json(json_t *value);

#endif
