#include "flow/summary.h"

#include <string.h>

static void copy(json_t *to, const json_t *from, const char *key, bool *failed)
{
    json_t *value = json_object_get(from, key);
    if (value)
        qn_json_set(to, key, json_incref(value), failed);
}

json_t *qn_model_summary(const struct qn_model *model, const char *path)
{
    static const char *const defined[] = {"task",    "algorithm",  "target",
                                          "classes", "parameters", "seed"};
    static const char *const reported[] = {
        "task_reason", "features",   "metrics", "importance",       "row_counts", "timings_ms",
        "warnings",    "candidates", "learned", "data_fingerprint", "created_at", "quern_version"};
    bool failed = false;
    json_t *object = json_object();
    if (path)
        qn_json_set(object, "model", json_string(path), &failed);
    for (size_t i = 0; i < sizeof(defined) / sizeof(*defined); i++)
        copy(object, model->definition, defined[i], &failed);
    for (size_t i = 0; i < sizeof(reported) / sizeof(*reported); i++)
        copy(object, model->report, reported[i], &failed);
    if (model->content_hash[0]) /* a model that was not saved has none yet */
        qn_json_set(object, "content_hash", json_string(model->content_hash), &failed);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}
