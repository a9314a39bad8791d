/* Command-line options, declared in tables: parsing, checking and --help come from the same. */
#ifndef QN_CLI_ARGS_H
#define QN_CLI_ARGS_H

#include "base/error.h"

#include <stdint.h>
#include <stdio.h>

/* One option. value NULL: a flag without a value. The table ends with name NULL. */
struct qn_option {
    const char *name;  /* without the dashes: "test-size" */
    const char *value; /* what stands for the value in --help: "SHARE" */
    const char *help;  /* may hold line breaks */
};

struct qn_given {
    const char *name; /* of the option, or NULL for a word that is not one */
    const char *value;
};

struct qn_args {
    struct qn_given *given; /* owns; in the order of the command line */
    size_t count;
};

/* Parses argv[0..count): --name value, --name=value, --flag, words. `tables` is NULL-terminated.
 * extra (may be NULL) says whether a further --name takes a value: parameters as options.
 * QN_INVALID names the option, and the closest known one. Borrows argv, and ends the name in a
 * --name=value of it where the = is. */
QN_MUST_CHECK enum qn_status qn_args_parse(char **argv, size_t count,
                                           const struct qn_option *const *tables,
                                           bool (*extra)(void *context, const char *name),
                                           void *context, struct qn_args *out,
                                           struct qn_error *err);
void qn_args_release(struct qn_args *args);

/* The last value given, or NULL. */
const char *qn_args_value(const struct qn_args *args, const char *name);
bool qn_args_flag(const struct qn_args *args, const char *name);
/* The index-th word that is not an option, or NULL. */
const char *qn_args_word(const struct qn_args *args, size_t index);
/* Leaves *out when the option is absent; QN_INVALID names it and the value. */
QN_MUST_CHECK enum qn_status qn_args_double(const struct qn_args *args, const char *name,
                                            double *out, struct qn_error *err);
QN_MUST_CHECK enum qn_status qn_args_count(const struct qn_args *args, const char *name,
                                           uint64_t *out, struct qn_error *err);
/* Comma-separated values of all occurrences; items and array owned by the caller
 * (qn_args_list_free). *out is NULL when the option is absent. A comma in an item is written \, */
QN_MUST_CHECK enum qn_status qn_args_list(const struct qn_args *args, const char *name, char ***out,
                                          size_t *count_out, struct qn_error *err);
void qn_args_list_free(char **list, size_t count);

/* The options as an aligned list for --help. */
void qn_options_print(FILE *out, const struct qn_option *options);

#endif
