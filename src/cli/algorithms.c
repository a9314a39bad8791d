#include "cli/cli.h"

#include "base/alloc.h"
#include "base/text.h"
#include "learn/learner.h"

#include <string.h>

static const struct qn_option algorithms_options[] = {
    {"json", NULL, "print one JSON object"},
    {NULL, NULL, NULL},
};

static json_t *tasks_json(const struct qn_learner *learner, bool *failed)
{
    json_t *array = json_array();
    for (unsigned task = 0; task <= QN_TASK_CLUSTERING; task++) {
        if (learner->tasks & (1u << task))
            qn_json_add(array, json_string(qn_task_name((enum qn_task)task)), failed);
    }
    return array;
}

static json_t *parameter_json(const struct qn_parameter *parameter, const json_t *defaults,
                              bool *failed)
{
    static const char *const kinds[] = {"integer", "number", "boolean", "choice"};
    json_t *object = json_object();
    qn_json_set(object, "name", json_string(parameter->name), failed);
    qn_json_set(object, "type", json_string(kinds[parameter->kind]), failed);
    qn_json_set(object, "default", json_incref(json_object_get(defaults, parameter->name)), failed);
    if (parameter->kind == QN_PARAMETER_INTEGER || parameter->kind == QN_PARAMETER_NUMBER) {
        qn_json_set(object, "minimum", qn_json_number(parameter->minimum), failed);
        qn_json_set(object, "maximum", qn_json_number(parameter->maximum), failed);
    }
    if (parameter->names) {
        json_t *names = json_array();
        for (const struct qn_parameter_name *name = parameter->names; name->name; name++)
            qn_json_add(names, json_string(name->name), failed);
        qn_json_set(object, "names", names, failed);
    }
    qn_json_set(object, "help", json_string(parameter->help), failed);
    return object;
}

/* The defaults as JSON, by way of an options struct. */
static json_t *defaults_of(const struct qn_learner *learner)
{
    void *options = qn_calloc(1, learner->parameters.options_size_bytes);
    if (!options)
        return NULL;
    qn_parameters_default(&learner->parameters, options);
    json_t *defaults = qn_parameters_json(&learner->parameters, options);
    qn_free(options);
    return defaults;
}

static json_t *learner_json(const struct qn_learner *learner, bool *failed)
{
    json_t *defaults = defaults_of(learner);
    json_t *object = json_object(), *parameters = json_array();
    qn_json_set(object, "name", json_string(learner->name), failed);
    qn_json_set(object, "title", json_string(learner->title), failed);
    qn_json_set(object, "about", json_string(learner->about), failed);
    qn_json_set(object, "paper", json_string(learner->paper), failed);
    qn_json_set(object, "tasks", tasks_json(learner, failed), failed);
    const struct qn_parameter *parameter = learner->parameters.parameters;
    for (; parameter->name; parameter++)
        qn_json_add(parameters, parameter_json(parameter, defaults, failed), failed);
    qn_json_set(object, "parameters", parameters, failed);
    *failed = *failed || !defaults;
    json_decref(defaults);
    return object;
}

static int print_json(const char *name)
{
    bool failed = false;
    json_t *object = json_object(), *list = json_array();
    for (size_t i = 0; qn_learners[i]; i++) {
        if (!name || strcmp(name, qn_learners[i]->name) == 0)
            qn_json_add(list, learner_json(qn_learners[i], &failed), &failed);
    }
    qn_json_set(object, "algorithms", list, &failed);
    return qn_cli_print_json(failed ? NULL : object);
}

static void print_tasks(const struct qn_learner *learner)
{
    bool classes = (learner->tasks & (1u << QN_TASK_BINARY)) != 0;
    bool regression = (learner->tasks & (1u << QN_TASK_REGRESSION)) != 0;
    printf("%s", classes && regression ? "classification, regression"
                 : classes             ? "classification"
                 : regression          ? "regression"
                                       : "clustering");
}

static void print_learner(const struct qn_learner *learner)
{
    printf("%s (%s): ", learner->title, learner->name);
    print_tasks(learner);
    printf("\n%s.\n%s\n\n", learner->about, learner->paper);
    json_t *defaults = defaults_of(learner);
    for (const struct qn_parameter *parameter = learner->parameters.parameters; parameter->name;
         parameter++) {
        char *value = qn_json_text(json_object_get(defaults, parameter->name), 0);
        printf("  %-22s %-12s %s\n", parameter->name, value ? value : "?", parameter->help);
        qn_free(value);
    }
    json_decref(defaults);
}

static int run(const struct qn_args *args)
{
    const char *name = qn_args_word(args, 0);
    if (name && !qn_learner_find(name)) {
        struct qn_error err = QN_ERROR_INIT;
        qn_fail(&err, QN_INVALID, "no algorithm '%.60s'; `quern algorithms` lists them", name);
        return qn_cli_fail(&err, true);
    }
    if (qn_args_flag(args, "json"))
        return print_json(name);
    if (name) {
        print_learner(qn_learner_find(name));
        return QN_EXIT_GOOD;
    }
    for (size_t i = 0; qn_learners[i]; i++) {
        printf("  %-20s ", qn_learners[i]->name);
        print_tasks(qn_learners[i]);
        printf("\n  %-20s   %s.\n", "", qn_learners[i]->about);
    }
    puts("\n`quern algorithms NAME` shows the parameters with their defaults.");
    return QN_EXIT_GOOD;
}

const struct qn_command qn_algorithms_command = {
    .name = "algorithms",
    .usage = "[NAME]",
    .summary = "Lists the algorithms, or the parameters of one",
    .options = algorithms_options,
    .examples = "  quern algorithms\n  quern algorithms gradient_boosting\n",
    .run = run,
};
