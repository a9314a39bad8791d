#include "cli/cli.h"
#include "cli/samples.h"

#include <string.h>

#include "base/json.h"

extern const struct qn_command qn_profile_command, qn_train_command, qn_predict_command,
    qn_evaluate_command, qn_inspect_command, qn_prepare_command, qn_algorithms_command,
    qn_kmeans_command, qn_decision_tree_command, qn_random_forest_command;

static const struct qn_option version_options[] = {
    {"json", NULL, "print one JSON object"},
    {NULL, NULL, NULL},
};

static int run_version(const struct qn_args *args)
{
    if (!qn_args_flag(args, "json")) {
        puts("quern " QN_VERSION);
        return QN_EXIT_GOOD;
    }
    bool failed = false;
    json_t *object = json_object();
    qn_json_set(object, "version", json_string(QN_VERSION), &failed);
    return qn_cli_print_json(object);
}

static const struct qn_command version_command = {
    .name = "version",
    .usage = "[--json]",
    .summary = "Prints the version",
    .options = version_options,
    .run = run_version,
};

const struct qn_command *const qn_commands[] = {
    &qn_profile_command,
    &qn_train_command,
    &qn_predict_command,
    &qn_evaluate_command,
    &qn_inspect_command,
    &qn_prepare_command,
    &qn_kmeans_command,
    &qn_decision_tree_command,
    &qn_random_forest_command,
    &qn_algorithms_command,
    &qn_sample_command,
    &version_command,
    NULL,
};
