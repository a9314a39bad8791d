/* Parameters of algorithms: one table for each gives name, type, default, range and meaning; the
 * command line, the API, the model file and the documentation all come from it. */
#ifndef QN_LEARN_PARAMETERS_H
#define QN_LEARN_PARAMETERS_H

#include "base/json.h"

#include <stdint.h>

enum qn_parameter_kind {
    QN_PARAMETER_INTEGER, /* int64_t in the options struct */
    QN_PARAMETER_NUMBER,  /* double */
    QN_PARAMETER_BOOLEAN, /* bool */
    QN_PARAMETER_CHOICE,  /* int64_t: the value of one of `names` */
};

/* A word that stands for a value: {"sqrt", -1}. */
struct qn_parameter_name {
    const char *name;
    double value;
};

struct qn_parameter {
    const char *name;
    enum qn_parameter_kind kind;
    size_t offset;   /* of the field in the options struct */
    double fallback; /* the default, as a number (booleans 0 or 1) */
    double minimum, maximum;
    bool minimum_open, maximum_open;       /* the bound itself is not allowed */
    const struct qn_parameter_name *names; /* words allowed beside numbers; ends with {NULL, 0} */
    const char *help;                      /* one sentence, no full stop */
};

/* Ends with an entry whose name is NULL. */
struct qn_parameter_table {
    const struct qn_parameter *parameters;
    size_t options_size_bytes;
};

void qn_parameters_default(const struct qn_parameter_table *table, void *options);
/* Sets one by its text ("0.1", "true", "sqrt"). QN_INVALID names the parameter, the value, what is
 * allowed, and the closest known name. */
QN_MUST_CHECK enum qn_status qn_parameters_set(const struct qn_parameter_table *table,
                                               void *options, const char *name, const char *value,
                                               struct qn_error *err);
/* Sets those in a JSON object; unknown names and wrong types are QN_INVALID. */
QN_MUST_CHECK enum qn_status qn_parameters_set_json(const struct qn_parameter_table *table,
                                                    void *options, const json_t *object,
                                                    struct qn_error *err);
/* Ranges of all of them. */
QN_MUST_CHECK enum qn_status qn_parameters_check(const struct qn_parameter_table *table,
                                                 const void *options, struct qn_error *err);
/* All values as a JSON object, words where words stand for them; NULL when out of memory. */
json_t *qn_parameters_json(const struct qn_parameter_table *table, const void *options);

#endif
