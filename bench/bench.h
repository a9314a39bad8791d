/* What the tasks of quern-bench share. */
#ifndef QN_BENCH_BENCH_H
#define QN_BENCH_BENCH_H

#include "base/alloc.h"
#include "base/json.h"
#include "base/thread.h"
#include "learn/learner.h"

struct bench {
    const char *folder; /* of the data */
    struct qn_pool *pool;
    struct qn_error err;
    double prepare_s, fit_s;
    json_t *quality;
};

struct bench_parameter {
    const char *name, *value;
};

struct bench_task {
    const char *name, *table;
    enum qn_status (*run)(struct bench *bench, const struct bench_task *task);
    const struct qn_learner *learner;
    struct bench_parameter parameters[6]; /* ends with a NULL name */
};

struct bench_features {
    struct qn_features features;
    struct qn_feature *columns; /* owns */
};

struct bench_target {
    struct qn_target target;
    int32_t *classes; /* owns */
    double *values;   /* owns */
};

static inline void bench_features_release(struct bench_features *x)
{
    qn_free(x->columns);
}

static inline void bench_target_release(struct bench_target *y)
{
    qn_free(y->classes);
    qn_free(y->values);
}

#endif
